import { parseArgs } from 'node:util';

/** What the command line asks for. Times in ms. */
export interface Command {
  readonly verb: 'files' | 'secret' | 'cluster' | 'help';
  /** Directory of `files`. */
  readonly directory: string;
  readonly namespace: string;
  readonly service: string;
  readonly secret: string;
  readonly webhook: string;
  /** The webhook configuration is a validating one. */
  readonly validating: boolean;
  readonly days: number;
  readonly bits: number;
  readonly renewBefore: number;
  readonly overlap: number;
  readonly settle: number;
  readonly patience: number;
  readonly rotate: boolean;
  /** Write over files that are there. */
  readonly force: boolean;
}

/** What `--help` prints. */
export const USAGE = `Makes the TLS certificate with which the API server calls Portieris.

  files [--out DIR]   writes ca.crt, tls.crt and tls.key into DIR (default: certs); --force writes over older ones
  secret              prints a Secret manifest of the same; pipe it into kubectl apply -f -
  cluster             makes, checks and rotates the certificate in the cluster of KUBECONFIG, and keeps caBundle right

Options (default)
  --namespace NAME    namespace of the gate (portieris)
  --service NAME      Service that the webhook configuration names (portieris-admission)
  --secret NAME       Secret that the pods serve from (portieris-tls)
  --webhook NAME      webhook configuration (image-admission-config)
  --days N            days for which a certificate holds (90)
  --bits N            bits of the RSA keys: 2048, 3072 or 4096 (2048)
cluster only
  --validating        the webhook configuration is a ValidatingWebhookConfiguration, not a MutatingWebhookConfiguration
  --rotate            rotate now, however much time is left
  --renew-days N      rotate when fewer days are left (30)
  --overlap N         seconds from the new authority in caBundle to its certificate being served (120)
  --settle N          seconds from then to the old authority being dropped (600)
  --patience N        seconds that one run waits at most; the next run does the rest (2400)

The authority's key is never stored: a new certificate brings a new authority.
`;

const OPTIONS = {
  out: { type: 'string', default: 'certs' },
  namespace: { type: 'string', default: 'portieris' },
  service: { type: 'string', default: 'portieris-admission' },
  secret: { type: 'string', default: 'portieris-tls' },
  webhook: { type: 'string', default: 'image-admission-config' },
  days: { type: 'string', default: '90' },
  bits: { type: 'string', default: '2048' },
  'renew-days': { type: 'string', default: '30' },
  overlap: { type: 'string', default: '120' },
  settle: { type: 'string', default: '600' },
  patience: { type: 'string', default: '2400' },
  validating: { type: 'boolean', default: false },
  rotate: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const DAY = 86_400_000;
const VERBS = ['files', 'secret', 'cluster', 'help'] as const;
const isVerb = (text: string): text is Command['verb'] => (VERBS as readonly string[]).includes(text);

/** Parses the arguments after the script's name; throws `Error` with every mistake, one a line. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [verb = 'help', ...rest] = positionals;
  const problems: string[] = [];
  const whole = (name: 'days' | 'renew-days' | 'overlap' | 'settle' | 'patience', min: number, max: number): number => {
    const number = /^\d{1,6}$/.test(values[name]) ? Number(values[name]) : -1;
    if (number < min || number > max) problems.push(`--${name} must be a whole number from ${min} to ${max}`);
    return number;
  };
  if (!isVerb(verb)) problems.push(`"${verb}" is none of files, secret, cluster`);
  if (rest.length > 0) problems.push(`"${rest.join(' ')}" is one argument too many`);
  if (!['2048', '3072', '4096'].includes(values.bits)) problems.push('--bits must be 2048, 3072 or 4096');
  for (const name of ['namespace', 'service', 'secret', 'webhook'] as const) {
    if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(values[name]))
      problems.push(`--${name} is not a Kubernetes name`);
  }
  const days = whole('days', 1, 3650);
  const renewDays = whole('renew-days', 0, 3649);
  if (renewDays >= days) problems.push('--renew-days must be less than --days');
  const command = {
    verb: values.help || !isVerb(verb) ? 'help' : verb,
    directory: values.out,
    namespace: values.namespace,
    service: values.service,
    secret: values.secret,
    webhook: values.webhook,
    validating: values.validating,
    days,
    bits: Number(values.bits),
    renewBefore: renewDays * DAY,
    overlap: whole('overlap', 0, 86_400) * 1000,
    settle: whole('settle', 0, 86_400) * 1000,
    patience: whole('patience', 0, 86_400) * 1000,
    rotate: values.rotate,
    force: values.force,
  } as const;
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return command;
}
