import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One series of an answer; `points` are pairs of seconds since the epoch and value. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

/** One alert rule as the server evaluates it. */
export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: 'inactive' | 'pending' | 'firing';
}

/** A real Prometheus server on a loopback port. */
export interface Prometheus {
  /** The answer to a query now. Throws with the server's words where it is refused. */
  query(expression: string): Promise<readonly Series[]>;
  /** The answers between two moments (seconds since the epoch). */
  range(expression: string, from: number, to: number, step: number): Promise<readonly Series[]>;
  rules(): Promise<readonly RuleState[]>;
  stop(): Promise<void>;
}

/** What to start it with. */
export interface PrometheusOptions {
  readonly path: string;
  readonly folder: string;
  /** `127.0.0.1:8080`, by instance name. */
  readonly targets: Readonly<Record<string, string>>;
  /** Text of a rule file. */
  readonly rules: string;
  /** Between two scrapes. */
  readonly seconds: number;
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each endpoint has its own shape
  readonly data: any;
}

const configOf = ({ targets, seconds }: PrometheusOptions): string =>
  JSON.stringify({
    global: { scrape_interval: `${seconds}s`, evaluation_interval: `${seconds}s` },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'portieris',
        static_configs: Object.entries(targets).map(([instance, target]) => ({
          targets: [target],
          labels: { instance },
        })),
      },
    ],
  });

const seriesOf = ({ data }: Answer): Series[] =>
  data.result.map(
    ({
      metric,
      value,
      values,
    }: {
      metric: Record<string, string>;
      value?: [number, string];
      values?: [number, string][];
    }) => ({
      labels: metric,
      points: (values ?? (value === undefined ? [] : [value])).map(([at, text]) => [at, Number(text)] as const),
    }),
  );

/** Starts it on a port that the system gives, and waits until it takes queries. Throws with its log where it ends before. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const home = join(options.folder, 'prometheus');
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'prometheus.yaml'), configOf(options));
  await writeFile(join(home, 'rules.yaml'), options.rules);
  const args = [
    '--config.file=prometheus.yaml',
    '--storage.tsdb.path=data',
    '--web.listen-address=127.0.0.1:0',
    '--log.format=json',
  ];
  const child = spawn(options.path, args, { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  const said: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    let address: number | undefined;
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      const { msg = '', address: where = '' } = JSON.parse(line) as { msg?: string; address?: string };
      if (msg === 'Listening on') address = Number(where.slice(where.lastIndexOf(':') + 1));
      if (msg.startsWith('Server is ready') && address !== undefined) resolve(address);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`Prometheus ended before it was ready:\n${said.slice(-20).join('\n')}`)));
  });
  const ask = async (path: string, query: Record<string, string>): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`);
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${query['query'] ?? path}: ${answer.error}`);
    return answer;
  };
  return {
    query: async (query) => seriesOf(await ask('query', { query })),
    range: async (query, from, to, step) =>
      seriesOf(await ask('query_range', { query, start: String(from), end: String(to), step: String(step) })),
    rules: async () => (await ask('rules', {})).data.groups.flatMap(({ rules }: { rules: RuleState[] }) => rules),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', onExit);
    },
  };
}
