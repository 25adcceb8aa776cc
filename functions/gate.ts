import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Gate } from './admit.ts';
import { type Awaitable, rescue } from './awaitable.ts';
import { openAdmitted } from './cache/admitted.ts';
import { MemoryTrust } from './cache/memory.ts';
import { TrustCache } from './cache/trust.ts';
import { Fault } from './codes.ts';
import { type Config, ConfigError } from './config.ts';
import { within } from './deadline.ts';
import { Authenticator } from './io/auth.ts';
import { openCluster } from './io/cluster.ts';
import { HttpClient } from './io/http.ts';
import type { KubeChoice } from './io/kubeconfig.ts';
import { NotaryClient } from './io/notary.ts';
import type { ObjectSource } from './io/objects.ts';
import { readBundle } from './io/proxy.ts';
import { PullSecrets } from './io/pullsecrets.ts';
import type { Log } from './log.ts';
import type { TrustHoldings } from './metrics/trust.ts';
import type { Metrics } from './metrics.ts';
import type { RootPin } from './policy/policy.ts';
import type { Clock, Cluster, NotaryFiles, TrustMemory } from './ports.ts';
import { WORKLOAD_KINDS } from './request/workload.ts';
import { tracedCluster, tracedFiles, tracedVerify } from './trace/spans.ts';
import type { Tracer } from './trace/tracer.ts';
import { modeOf, tolerate } from './trust/mode.ts';
import type { ImageQuestion, Prover } from './trust/question.ts';
import type { Verdict } from './trust/verdict.ts';
import { verifyImage } from './trust/verify.ts';

/** What a gate is joined with. */
export interface Surroundings {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Where trust data comes from; undefined: from Notary servers over the network. */
  readonly files?: NotaryFiles;
  /** What stands between the gate and its trust data, to see or keep what is fetched. */
  readonly around?: (files: NotaryFiles) => NotaryFiles;
  /** Policies, Secrets, ServiceAccounts and owners; undefined: as the configuration says. It is closed with the gate. */
  readonly source?: ObjectSource;
  /** What is remembered of repositories; undefined: as the source or the configuration says. It is closed with the gate. */
  readonly memory?: TrustMemory;
  /** Makes spans of what the gate does; undefined: nothing is wrapped. */
  readonly tracer?: Tracer | undefined;
  /** How a cluster is reached; undefined: by client-node's defaults. */
  readonly kube?: KubeChoice;
}

/** The core, joined with the outside: the one place where `io/` and `cache/` meet it. The service and the command line open the same. */
export interface OpenGate {
  readonly gate: Gate;
  /** Policies, Secrets, ServiceAccounts and owners. */
  readonly source: ObjectSource;
  readonly prover: Prover;
  /** What is remembered of repositories. */
  readonly memory: TrustMemory;
  /** What the trust data cache holds now. */
  holdings(): TrustHoldings;
  /** Stops watching and ends connections. Never throws. */
  close(): Promise<void>;
}

/** Opens the source of objects that the configuration names, and the gate on it. Throws `ConfigError` where a file that it names can't be used, `Fault` where the cluster can't be. */
export async function openGate(config: Config, surroundings: Surroundings): Promise<OpenGate> {
  const { log, clock } = surroundings;
  const http = openHttp(config, surroundings);
  const source = surroundings.source ?? (await openSource(config, { log, clock, ...surroundings.kube }));
  const memory = surroundings.memory ?? source.memory ?? (await openMemory(config, { log, clock }));
  const { tracer } = surroundings;
  const cluster = tracer === undefined ? source : tracedCluster(tracer, source);
  const prover = openProver(config, cluster, { ...surroundings, http, memory, roots: await openRoots(config) });
  const verify: Gate['verify'] = (question, signal) => verifyInTime(prover, question, signal);
  const gate: Gate = {
    policies: source,
    cluster,
    clock,
    kinds: [...WORKLOAD_KINDS, ...config.extraWorkloads],
    mode: config.enforcementMode,
    verify: tracer === undefined ? verify : tracedVerify(tracer, verify),
  };
  return {
    gate,
    source,
    prover,
    memory,
    holdings: () => prover.trust.holdings(),
    async close() {
      await prover.admitted?.settled();
      await memory.close?.();
      await source.close();
      await http.close();
    },
  };
}

/** What a source of objects is opened with; `kube` options as those of a cluster. */
export type SourceOptions = Parameters<typeof openCluster>[0];

/** Opens the source of objects alone, without what proves images. Throws as `openGate` does. */
export async function openSource(
  { snapshot }: Pick<Config, 'snapshot'>,
  options: SourceOptions,
): Promise<ObjectSource> {
  if (snapshot === 'cluster') return openCluster(options);
  // With it comes the YAML parser, which a gate on a cluster does without.
  const { openDirectory } = await import('./io/directory.ts');
  return openDirectory(snapshot, options);
}

interface Tools extends Surroundings {
  readonly http: HttpClient;
  readonly memory: TrustMemory;
  readonly roots: readonly RootPin[];
}

/** The memory of a gate on a directory: files beside it. Throws `ConfigError` where something else is in their place. */
async function openMemory(
  { snapshot, trustRecords }: Config,
  { log, clock }: Pick<Tools, 'log' | 'clock'>,
): Promise<TrustMemory> {
  const path = resolve(trustRecords ?? `${resolve(snapshot)}.trust-records`);
  // With it comes the lock between processes, which a gate on a cluster does without.
  const { openRecordFiles } = await import('./io/recordfiles.ts');
  const memory = await openRecordFiles(path, { log, clock }).catch((error: Error) => {
    throw new ConfigError([error.message]);
  });
  if (memory === undefined)
    log.warn({ path }, 'the trust in repositories is remembered in this process only: the directory cannot be written');
  return memory ?? new MemoryTrust();
}

/** Reads what the configuration names. Throws `ConfigError` with the sentence of the error. */
function configured<T, V>(read: (value: V) => T, value: V): T {
  try {
    return read(value);
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}

const readAuthorities = (file: string): string => {
  try {
    const pem = readFileSync(file, 'utf8');
    readBundle(pem);
    return pem;
  } catch (error) {
    throw new Error(`TRUST_CA_FILE=${file}: ${(error as Error).message}`, { cause: error });
  }
};

/** Root pins of the whole cluster. The YAML parser comes with them, and not before. */
async function openRoots({ trustRootsFile }: Config): Promise<readonly RootPin[]> {
  if (trustRootsFile === undefined) return [];
  const { readRoots } = await import('./io/roots.ts');
  return configured(readRoots, trustRootsFile);
}

/** The door to the network. Throws `ConfigError` where the authorities or the address of the proxy can't be used. */
function openHttp({ trustCaFile }: Config, { clock, metrics }: Surroundings): HttpClient {
  const ca = trustCaFile === undefined ? undefined : configured(readAuthorities, trustCaFile);
  return configured((outside) => new HttpClient(outside, clock, metrics.requested), { ca });
}

function openProver(config: Config, cluster: Cluster, tools: Tools): Prover & { readonly trust: TrustCache } {
  const { log, metrics, clock, http, memory, roots, tracer } = tools;
  const notary = tools.files ?? new NotaryClient(http, new Authenticator(http, clock, config.tokenRealms));
  const files = tracer === undefined ? notary : tracedFiles(tracer, notary);
  const trust = new TrustCache({
    files: tools.around?.(files) ?? files,
    memory,
    clock,
    ttl: config.trustTtl,
    maxBytes: config.trustCacheBytes,
    observe: metrics,
  });
  metrics.holds(() => trust.holdings());
  return {
    trust,
    cluster,
    credentials: new PullSecrets(cluster, log),
    admitted: openAdmitted({ memory, clock, grace: config.trustGrace, observe: (event) => metrics.cache(event), log }),
    clock,
    trustServers: config.trustServers,
    roots,
    firstUse: config.trustFirstUse,
  };
}

/** One image's verdict in time: what is slow, or breaks, is named with the image that it stands for. */
export function verifyInTime(prover: Prover, question: ImageQuestion, signal: AbortSignal): Awaitable<Verdict> {
  const undecided = (error: unknown): Verdict => {
    const bug = () => new Fault('BUG', `The gate could not decide on ${question.reference.written}.`, { cause: error });
    const fault = error instanceof Fault ? error : bug();
    return tolerate({ outcome: 'unknown', fault }, modeOf(question.rule, question.mode));
  };
  return rescue(() => {
    const verdict = verifyImage(prover, question, signal);
    if (!(verdict instanceof Promise)) return verdict;
    return within(signal, verdict, `The proof of ${question.reference.written} was not complete in time.`);
  }, undecided);
}
