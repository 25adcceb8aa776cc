import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { freePort } from '../support/port.ts';
import { type Started, startNode } from '../support/process.ts';
import { podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { seeded } from '../support/seeded.ts';
import { History } from './history.ts';
import { type Judgement, judge, type Outcome } from './judge.ts';
import { SoakWorld } from './world.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Of the gate under test (ms): short, so that everything is looked at anew all the time. */
const TTL = 2_000;
const SIGN_EACH = 100;
const CHANGE_POLICY_EACH = 1_000;
const SAMPLE_EACH = 1_000;
/** Sentences that are kept of each outcome; the counts have them all. */
const KEPT = 5;
/** Growth of the resident memory is a leak where it is more than both of these, over a run that is long enough to tell. */
const LEAK = { share: 0.1, megabytes: 10, seconds: 180 };

/** How long and how hard the gate is loaded. */
export interface SoakOptions {
  readonly callers: number;
  readonly milliseconds: number;
  /** An empty folder for what is written. */
  readonly folder: string;
  readonly tell?: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly counts: Readonly<Record<Outcome | 'broken', number>>;
  readonly seconds: number;
  /** What was wrong, broken, unexplained or a fault: the first sentences. */
  readonly sentences: readonly string[];
  /** What the gate wrote to its log at level error, or to standard error; empty where all is well. */
  readonly errors: string;
  /** Exit code, where the gate did not live to the end. */
  readonly died: number | null | undefined;
  /** Median resident memory in MB (10^6 bytes) of the first and the last third, after a warm-up of a tenth. */
  readonly memory: { readonly first: number; readonly last: number };
}

/** Everything that must not be: a sentence for each; empty where the run was clean. */
export function faultsOf(report: SoakReport): readonly string[] {
  const { counts, errors, died, memory, seconds } = report;
  const grown = memory.last - memory.first;
  const leaks = seconds >= LEAK.seconds && grown > LEAK.megabytes && grown > memory.first * LEAK.share;
  return [
    ...(counts.wrong > 0 ? [`${counts.wrong} answers were wrong`] : []),
    ...(counts.unexplained > 0 ? [`${counts.unexplained} refusals had no explanation`] : []),
    ...(counts.broken > 0 ? [`${counts.broken} requests got no answer`] : []),
    ...(counts.admitted === 0 || counts.refused === 0 ? ['nothing was admitted, or nothing refused'] : []),
    ...(errors === '' ? [] : ['the gate reported errors']),
    ...(died === undefined ? [] : [`the gate ended with ${died} in the middle of it`]),
    ...(leaks ? [`memory grew from ${memory.first.toFixed(1)} to ${memory.last.toFixed(1)} MB`] : []),
  ];
}

/** The report as lines of text. */
export function reportText(report: SoakReport): string {
  const { counts, seconds, memory } = report;
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    `${all} answers in ${seconds.toFixed(0)} s, ${Math.round(all / seconds)} a second`,
    ...Object.entries(counts).map(([outcome, count]) => `  ${outcome.padEnd(12)}${count}`),
    `memory: ${memory.first.toFixed(1)} MB in the first third, ${memory.last.toFixed(1)} MB in the last`,
    ...report.sentences.map((sentence) => `  ${sentence}`),
    ...(report.errors === '' ? [] : ['what the gate reported:', report.errors]),
  ].join('\n');
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

const thirds = (samples: readonly number[]): SoakReport['memory'] => {
  const settled = samples.slice(Math.floor(samples.length / 10));
  const third = Math.max(1, Math.floor(settled.length / 3));
  return { first: median(settled.slice(0, third)), last: median(settled.slice(-third)) };
};

class Soak {
  readonly #options: SoakOptions;
  readonly #world: SoakWorld;
  readonly #history: History;
  readonly #gate: Started;
  readonly #pool: Pool;
  readonly #counts = { admitted: 0, refused: 0, stale: 0, fault: 0, unexplained: 0, wrong: 0, broken: 0 };
  readonly #sentences: string[] = [];
  readonly #memory: number[] = [];
  #end = 0;

  constructor(options: SoakOptions, parts: { world: SoakWorld; history: History; gate: Started; origin: string }) {
    this.#options = options;
    this.#world = parts.world;
    this.#history = parts.history;
    this.#gate = parts.gate;
    this.#pool = new Pool(parts.origin, { connections: options.callers });
  }

  async run(): Promise<SoakReport> {
    const began = performance.now();
    this.#end = began + this.#options.milliseconds;
    let died: number | null | undefined;
    void this.#gate.ended.then((code) => {
      died = code;
      this.#end = 0;
    });
    const timers = [
      setInterval(() => this.#world.sign(), SIGN_EACH),
      setInterval(() => this.#world.changePolicy(), CHANGE_POLICY_EACH),
      setInterval(() => this.#sample(), SAMPLE_EACH),
    ];
    await Promise.all(Array.from({ length: this.#options.callers }, (_, seed) => this.#caller(seeded(seed + 1))));
    for (const timer of timers) clearInterval(timer);
    const seconds = (performance.now() - began) / 1000;
    const over = died;
    await this.#pool.destroy();
    const { counts, sentences } = { counts: this.#counts, sentences: this.#sentences };
    return { counts, sentences, seconds, errors: this.#gate.text().trim(), died: over, memory: thirds(this.#memory) };
  }

  #sample(): void {
    const status = readFileSync(`/proc/${this.#gate.child.pid}/status`, 'utf8');
    this.#memory.push((Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6);
    if (this.#memory.length % 30 === 0)
      this.#options.tell?.(`${this.#memory.length} s: ${JSON.stringify(this.#counts)}`);
  }

  async #caller(chance: () => number): Promise<void> {
    while (performance.now() < this.#end) {
      const question = this.#world.question(chance);
      const { images, namespace } = question;
      const body = JSON.stringify(reviewOf(workloadOf('Pod', podSpec(images), { namespace }), { namespace }));
      const began = Date.now();
      const answer = await this.#ask(body).catch((error: unknown) => String(error));
      if (typeof answer === 'string') this.#count('broken', answer);
      else this.#judged(judge(question, answer, this.#history, { began, ended: Date.now() }));
    }
  }

  async #ask(body: string): Promise<AdmissionReviewAnswer> {
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#pool.request({ method: 'POST', path: '/admit?timeout=10s', headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${text.slice(0, 200)}`);
    return JSON.parse(text) as AdmissionReviewAnswer;
  }

  #judged({ outcome, why }: Judgement): void {
    this.#count(outcome, why);
  }

  #count(outcome: keyof SoakReport['counts'], why: string | undefined): void {
    this.#counts[outcome] += 1;
    if (why !== undefined && this.#counts[outcome] <= KEPT) this.#sentences.push(`${outcome}: ${why}`);
  }
}

async function ready(gate: Started, origin: string): Promise<void> {
  const end = performance.now() + 60_000;
  const isReady = (): Promise<boolean> =>
    fetch(`${origin}/health/readiness`).then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await isReady())) {
    if (gate.child.exitCode !== null || performance.now() > end)
      throw new Error(`the gate did not become ready: ${gate.text()}`);
    await pause(20);
  }
}

/** Loads the gate as it is deployed (the bundle, in a process of its own) while policies and signatures change, and judges every answer. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { folder } = options;
  const history = new History();
  const dist = join(folder, 'dist');
  execFileSync(process.execPath, [join(ROOT, 'knative/bundle.ts'), dist]);
  const world = await SoakWorld.open(folder, TTL, history);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const gate = startNode([join(dist, 'serve.js')], {
    // As knative/Dockerfile.
    NODE_OPTIONS: '--max-semi-space-size=8',
    PORT: String(port),
    LOG_LEVEL: 'error',
    SNAPSHOT: world.policies,
    TRUST_RECORDS: join(folder, 'records'),
    TRUST_SERVERS: `registry.soak=${world.server.origin}`,
    TRUST_CA_FILE: world.authorityFile,
    TRUST_TTL_SECONDS: String(TTL / 1000),
    TRUST_GRACE_HOURS: '0',
  });
  try {
    await ready(gate, origin);
    return await new Soak(options, { world, history, gate, origin }).run();
  } finally {
    await gate.kill();
    await world.close();
  }
}
