import { NOTIFY_OPTIONS } from './notify/options.ts';
import { Invalid, integer, items, type Option, option, optional } from './option.ts';
import { MODES, type Mode } from './policy/policy.ts';
import { parseWorkloadKind, type WorkloadKind } from './request/workload.ts';
import { TRACE_OPTIONS, type TraceConfig } from './trace/options.ts';

export { Invalid, type Option } from './option.ts';

/** Levels of the log, from silent to talkative. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

/** Everything an operator can set, parsed. */
export interface Config extends TraceConfig {
  /** TCP port of the plain HTTP server. */
  readonly port: number;
  /** `cluster`, or a directory of Kubernetes YAML. */
  readonly snapshot: string;
  /** Directory of trust records; undefined: beside the one of the objects. */
  readonly trustRecords: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Trust server by registry host, beside the built-in table. */
  readonly trustServers: ReadonlyMap<string, string>;
  /** Hosts of token services that may be asked, beside the trust server's and the registry's own. */
  readonly tokenRealms: readonly string[];
  /** PEM bundle of certificate authorities trusted for Notary and token services, beside the system's. */
  readonly trustCaFile: string | undefined;
  /** YAML file of root pins for the whole cluster. */
  readonly trustRootsFile: string | undefined;
  /** False: a root that no pin covers and nobody remembers is refused. */
  readonly trustFirstUse: boolean;
  /** ms for which an admitted digest outlives its leaving the trust data. */
  readonly trustGrace: number;
  /** What becomes of an image whose proof fails where its policy does not say. */
  readonly enforcementMode: Mode;
  /** Kinds with a pod spec beside those of Kubernetes. */
  readonly extraWorkloads: readonly WorkloadKind[];
  /** Bytes that the trust data cache may hold. */
  readonly trustCacheBytes: number;
  /** Milliseconds for which trust data is used before the server is asked again. */
  readonly trustTtl: number;
  /** Milliseconds by which the gate answers before the API server gives up. */
  readonly deadlineMargin: number;
  /** TLS port on this host that readiness asks too (the side-car's), or undefined. */
  readonly readyTlsPort: number | undefined;
  /** Whether refusals are told as Events of Kubernetes. */
  readonly events: boolean;
  /** Where CloudEvents go; undefined: nowhere. */
  readonly sink: URL | undefined;
  /** PEM of authorities for it. */
  readonly sinkAuthorities: string | undefined;
  /** Attributes of every CloudEvent beside its own. */
  readonly eventExtensions: Readonly<Record<string, string>>;
  readonly eventSource: string;
  /** ms before its expiry from which on trust data is told of; 0: never. */
  readonly expiryNotice: number;
}

function parseServers(text: string): ReadonlyMap<string, string> | Invalid {
  const servers = new Map<string, string>();
  for (const item of items(text)) {
    const at = item.indexOf('=');
    const host = item.slice(0, at).toLowerCase();
    const url = URL.parse(item.slice(at + 1));
    if (at < 1 || url?.protocol !== 'https:' || url.username !== '' || url.pathname !== '/' || url.search !== '') {
      return new Invalid(`"${item}" is not host=https://trust-server[:port]`);
    }
    servers.set(host, url.origin);
  }
  return servers;
}

function parseHosts(text: string): readonly string[] | Invalid {
  const hosts = items(text).map((item) => item.toLowerCase());
  const bad = hosts.find((host) => URL.parse(`https://${host}/`)?.host !== host);
  return bad === undefined ? hosts : new Invalid(`"${bad}" is not a host name (write it without scheme and path)`);
}

function parseWorkloads(text: string): readonly WorkloadKind[] | Invalid {
  const kinds: WorkloadKind[] = [];
  for (const item of items(text)) {
    const kind = parseWorkloadKind(item);
    if (typeof kind === 'string') return new Invalid(kind);
    kinds.push(kind);
  }
  return kinds;
}

const parseLevel = (text: string) =>
  LOG_LEVELS.find((level) => level === text) ?? new Invalid(`must be one of ${LOG_LEVELS.join(', ')}`);
const parsePath = (text: string) => (text.trim() === '' ? new Invalid('must be "cluster" or a directory') : text);
/** Every option, declared once; `docs/configuration.md` lists the same, and a test holds the two together. */
export const OPTIONS = {
  port: option('PORT', '8080', 'TCP port of the HTTP server', integer(0, 65_535)),
  snapshot: option(
    'SNAPSHOT',
    'policies/embedded',
    'where policies, Secrets, ServiceAccounts and owners come from: "cluster", or a directory of Kubernetes YAML',
    parsePath,
  ),
  trustRecords: option(
    'TRUST_RECORDS',
    '',
    'directory that remembers root keys and versions of repositories, a file for each, where SNAPSHOT is a directory; by default beside it, with the ending .trust-records (a cluster keeps TrustRecord objects)',
    optional((text) => text),
  ),
  logLevel: option('LOG_LEVEL', 'info', `how much is logged: ${LOG_LEVELS.join(', ')}`, parseLevel),
  trustServers: option(
    'TRUST_SERVERS',
    '',
    'trust servers by registry host beside the built-in table: host=https://server[:port], separated by commas',
    parseServers,
  ),
  tokenRealms: option(
    'TOKEN_REALMS',
    '',
    "hosts of token services that a trust server may send the gate to, beside its own and the registry's, separated by commas",
    parseHosts,
  ),
  trustCaFile: option(
    'TRUST_CA_FILE',
    '',
    "PEM file of certificate authorities trusted for trust servers and token services, beside the system's",
    optional((text) => text),
  ),
  trustRootsFile: option(
    'TRUST_ROOTS_FILE',
    '',
    'YAML file of root pins for the whole cluster, `roots:` with entries as under trust.roots of a policy; they count where the pins of a policy do not cover a repository',
    optional((text) => text),
  ),
  trustFirstUse: option(
    'TRUST_FIRST_USE',
    'allow',
    'whether the root of a repository that no pin covers may be taken when it is seen for the first time: allow, or deny, which no policy can soften',
    (text) => (text === 'allow' || text === 'deny' ? text === 'allow' : new Invalid('must be allow or deny')),
  ),
  trustGrace: option(
    'TRUST_GRACE_HOURS',
    '24',
    'hours for which a digest that was admitted in a namespace may be admitted there again after it left the trust data, by the same signers; 0 for never',
    (text) => {
      const hours = integer(0, 8760)(text);
      return typeof hours === 'number' ? hours * 3_600_000 : hours;
    },
  ),
  extraWorkloads: option(
    'EXTRA_WORKLOADS',
    '',
    'further kinds that hold a pod spec: group/Kind=path.to.spec, separated by commas; a kind named here vouches for the pods it controls, so the webhook configuration must send it as well',
    parseWorkloads,
  ),
  enforcementMode: option(
    'ENFORCEMENT_MODE',
    'enforce',
    'what becomes of a workload whose proof fails where its policy names no mode: enforce (refused), warn (admitted with a warning) or audit (admitted, recorded)',
    (text) => MODES.find((mode) => mode === text) ?? new Invalid(`must be one of ${MODES.join(', ')}`),
  ),
  trustCacheBytes: option('TRUST_CACHE_MIB', '64', 'MiB of trust data kept in memory', (text) => {
    const mib = integer(1, 65_536)(text);
    return typeof mib === 'number' ? mib * 1024 * 1024 : mib;
  }),
  trustTtl: option(
    'TRUST_TTL_SECONDS',
    '60',
    'seconds for which trust data is used before the server is asked again',
    (text) => {
      const seconds = integer(1, 86_400)(text);
      return typeof seconds === 'number' ? seconds * 1000 : seconds;
    },
  ),
  deadlineMargin: option(
    'DEADLINE_MARGIN_MS',
    '500',
    'milliseconds by which the gate answers before the API server gives up',
    integer(0, 10_000),
  ),
  readyTlsPort: option(
    'READY_TLS_PORT',
    '',
    'TLS port on this host that readiness asks too (the side-car in front of the function)',
    optional(integer(1, 65_535)),
  ),
  ...NOTIFY_OPTIONS,
  ...TRACE_OPTIONS,
} as const satisfies { [K in keyof Config]: Option<Config[K]> };

/** Thrown when the environment is not valid; `problems` names every variable with what is wrong with it. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads the configuration from environment variables. Throws `ConfigError` with all mistakes at once. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const entries = Object.entries(OPTIONS).map(([key, { name, fallback, purpose, parse }]) => {
    const value = parse(env[name] ?? fallback);
    if (value instanceof Invalid)
      problems.push(`${name}=${env[name]}: ${value.reason} (${purpose}; default "${fallback}")`);
    return [key, value] as const;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(entries) as unknown as Config;
}
