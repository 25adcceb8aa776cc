import { renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { imageStart } from './image.ts';
import type { LoadJob, LoadResult } from './load.ts';
import { type Loader, type Start, type Subject, start } from './subject.ts';
import { HOST, policiesOf, review, type SignedWorld, serveSigned, writePolicies } from './world.ts';

/** One line of the page. */
export interface Row {
  readonly group: string;
  readonly what: string;
  readonly subject: string;
  /** By the name of the column; times in ms, CPU in µs per answer, memory in MB, rates per second. */
  readonly figures: Readonly<Record<string, number>>;
}

/** A ratio that has to hold. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly kind: 'at least' | 'at most';
}

/** What the cases work with. */
export interface Stage {
  readonly folder: string;
  readonly loader: Loader;
  readonly long: boolean;
  readonly peers: readonly Subject[];
  readonly tell: (line: string) => void;
  readonly rows: Row[];
  readonly goals: Goal[];
}

/** The image that is asked for where one is enough. */
export const IMAGE = `${HOST}/r000000:t000000`;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

let records = 0;
/** Our function as it is deployed: the bundle, on a directory of policies and this trust server. */
export function gateOn(
  stage: Stage,
  world: { origin: string; authorityFile: string },
  more: Record<string, string> = {},
): Start {
  const image = imageStart();
  const env = {
    ...image.env,
    SNAPSHOT: more['SNAPSHOT'] ?? writePolicies(stage.folder),
    TRUST_SERVERS: `${HOST}=${world.origin}`,
    TRUST_CA_FILE: world.authorityFile,
    TRUST_RECORDS: join(stage.folder, `records-${++records}`),
    ...more,
  };
  return {
    name: 'gate',
    args: [...image.flags, join(stage.folder, 'dist', 'serve.js')],
    env,
    probe: '/health/readiness',
  };
}
/** An empty function under the framework's own command. */
export const EMPTY: Start = {
  name: 'empty function',
  args: ['node_modules/.bin/functions-framework', '--source=tests/bench/empty.ts', '--target=empty'],
  probe: '/',
};
const BARE: Start = { name: 'bare server', args: ['tests/bench/bare.ts'], probe: '/' };

/** One stretch of load with what it cost the server. */
export async function measured(
  stage: Stage,
  subject: Subject,
  job: Omit<LoadJob, 'url'>,
): Promise<Record<string, number>> {
  const before = subject.cpu();
  const result: LoadResult = await stage.loader.run({ url: subject.origin, ...job });
  const after = subject.cpu();
  if (result.failures > 0) throw new Error(`${subject.name}: ${result.failures} of ${result.answers} answers failed`);
  const cpu = before === undefined || after === undefined ? Number.NaN : ((after - before) * 1e6) / result.answers;
  const { answers, seconds, p50, p90, p99 } = result;
  return {
    rate: answers / seconds,
    p50,
    p90,
    p99,
    cpu,
    allowed: result.allowed / answers,
    memory: subject.memory() ?? Number.NaN,
  };
}

/** The figures of each round, by subject. */
type Rounds = ReadonlyMap<string, readonly Record<string, number>[]>;

/** What is measured; `goal`: whether a goal is, which a look at it would only guess. */
export interface Measurement {
  readonly group: string;
  readonly what: string;
  readonly goal?: boolean;
}

/** Rounds, and how long one stretch of load is. For a goal many short ones: what slows the machine down lasts for seconds, and the two of a round are to share it. */
const paceOf = ({ long }: Stage, { goal = false }: Measurement): { count: number; milliseconds: number } => {
  if (goal) return long ? { count: 15, milliseconds: 830 } : { count: 7, milliseconds: 500 };
  return long ? { count: 5, milliseconds: 2500 } : { count: 1, milliseconds: 700 };
};

/** Loads subjects in turn, round after round; each figure on the page is the median of its rounds. */
export async function rounds(
  stage: Stage,
  at: Measurement,
  subjects: readonly Subject[],
  job: Omit<LoadJob, 'url' | 'milliseconds'>,
): Promise<Rounds> {
  const all = new Map<string, Record<string, number>[]>();
  const { count, milliseconds } = paceOf(stage, at);
  for (let round = 0; round < count; round += 1) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      stage.tell(`${at.group}: ${at.what}, ${subject.name}, round ${round + 1} of ${count}`);
      all.set(subject.name, [
        ...(all.get(subject.name) ?? []),
        await measured(stage, subject, { ...job, milliseconds }),
      ]);
    }
  }
  for (const [name, runs] of all) {
    const figures = Object.fromEntries(
      Object.keys(runs[0] ?? {}).map((key) => [key, median(runs.map((run) => run[key] ?? Number.NaN))]),
    );
    stage.rows.push({ group: at.group, what: at.what, subject: name, figures });
  }
  return all;
}

/** A figure of one subject by that of another, round by round, for what slows the machine down for a while slows both down; the median of these. */
function ratioOf(all: Rounds, key: string, [name, base]: readonly [string, string]): number {
  const of = (subject: string): readonly number[] => (all.get(subject) ?? []).map((run) => run[key] ?? Number.NaN);
  const bases = of(base);
  return median(of(name).map((value, round) => value / (bases[round] ?? Number.NaN)));
}

/** Loads each until its code is compiled. */
export const warmUp = async (stage: Stage, subjects: readonly Subject[], body: string): Promise<void> => {
  for (const subject of subjects)
    await stage.loader.run({ url: subject.origin, body, callers: 32, milliseconds: stage.long ? 5000 : 1500 });
};
/** Starts the gate on a signed world, and ends it after the work. */
export async function withGate<T>(
  stage: Stage,
  world: SignedWorld,
  more: Record<string, string>,
  work: (gate: Subject) => Promise<T>,
): Promise<T> {
  const gate = await start(gateOn(stage, { origin: world.server.origin, authorityFile: world.authorityFile }, more));
  try {
    return await work(gate);
  } finally {
    await gate.stop();
  }
}

/** Warm: cached trust data, beside the ceiling and the floor. */
export async function warm(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const address = { origin: world.server.origin, authorityFile: world.authorityFile };
  const subjects = [await start(EMPTY), await start(BARE), await start(gateOn(stage, address)), ...stage.peers];
  const body = review([IMAGE]);
  await warmUp(stage, subjects, body);
  for (const callers of stage.long ? [1, 8, 32, 128] : [1, 32]) {
    const at = { group: 'warm', what: `${callers} callers`, goal: true };
    const got = await rounds(stage, at, subjects, { body, callers });
    if (callers !== 1 && callers !== 32) continue;
    const ratio = (key: string): number => ratioOf(got, key, ['gate', 'empty function']);
    stage.goals.push({
      name: `warm, ${callers} callers: throughput, gate / empty function`,
      value: ratio('rate'),
      limit: 0.8,
      kind: 'at least',
    });
    stage.goals.push({
      name: `warm, ${callers} callers: p99, gate / empty function`,
      value: ratio('p99'),
      limit: 1.25,
      kind: 'at most',
    });
  }
  for (const subject of subjects) await subject.stop();
  await world.server.close();
}

/** Refresh: half the TTL has passed and nothing changed; what it asks of Notary, and what callers notice. */
export async function refresh(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const body = review([IMAGE]);
  await withGate(stage, world, { TRUST_TTL_SECONDS: '2' }, async (gate) => {
    await warmUp(stage, [gate], body);
    const asked = world.server.requests.length;
    const milliseconds = stage.long ? 20_000 : 5000;
    const figures = await measured(stage, gate, { body, callers: 8, milliseconds });
    const files = world.server.requests.slice(asked);
    const others = files.filter((path) => !path.endsWith('/timestamp.json')).length;
    stage.rows.push({
      group: 'refresh',
      what: 'TTL of 2 s, 8 callers',
      subject: 'gate',
      figures: { ...figures, requests: (files.length * 1000) / milliseconds },
    });
    stage.goals.push({
      name: 'refresh: requests that are not one timestamp',
      value: others,
      limit: 0,
      kind: 'at most',
    });
  });
  await world.server.close();
}

/** What a review holds: refused images, images per pod, size, distinct images. */
export async function reviews(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder, { tags: 100 });
  const many = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${HOST}/r000000:t${String(index).padStart(6, '0')}`);
  await withGate(stage, world, {}, async (gate) => {
    const cases: [string, Omit<LoadJob, 'url'>][] = [
      ['1 image, 2 kB', { body: review([IMAGE]), callers: 8 }],
      ['denied: no such tag', { body: review([`${HOST}/r000000:none`]), callers: 8 }],
      ['10 images', { body: review(many(10)), callers: 8 }],
      ['50 images', { body: review(many(50)), callers: 8 }],
      ['100 kB', { body: review([IMAGE], { bytes: 100_000 }), callers: 8 }],
      ['3 MB', { body: review([IMAGE], { bytes: 3_000_000 }), callers: 8 }],
    ];
    await warmUp(stage, [gate], review([IMAGE]));
    for (const [what, job] of cases) await rounds(stage, { group: 'reviews', what }, [gate], job);
  });
  await world.server.close();
  for (const count of stage.long ? [1, 100, 1000, 5000] : [1, 200]) await distinct(stage, count);
}

async function distinct(stage: Stage, repositories: number): Promise<void> {
  stage.tell(`reviews: signing ${repositories} repositories`);
  const world = await serveSigned(stage.folder, { repositories });
  const job = { body: review([`${HOST}/r~~~~~~:t000000`]), vary: { mark: '~~~~~~', from: 0, count: repositories } };
  await withGate(stage, world, {}, async (gate) => {
    const url = gate.origin;
    await stage.loader.run({ url, ...job, callers: 8, requests: repositories });
    const at = { group: 'distinct', what: `${repositories} repositories cached` };
    await rounds(stage, at, [gate], { ...job, callers: 8 });
  });
  await world.server.close();
}

/** How many tags a repository holds. */
export async function tags(stage: Stage): Promise<void> {
  for (const count of stage.long ? [1, 100, 1000, 20_000] : [1, 2000]) {
    const world = await serveSigned(stage.folder, { tags: count });
    await withGate(stage, world, {}, async (gate) => {
      const first = await stage.loader.run({ url: gate.origin, body: review([IMAGE]), callers: 1, requests: 1 });
      const body = review([IMAGE]).replace('t000000', 't~~~~~~');
      const what = `${count} tags in a repository`;
      stage.rows.push({ group: 'tags', what: `${what}, first look`, subject: 'gate', figures: { p50: first.p50 } });
      const vary = { mark: '~~~~~~', from: 0, count };
      await rounds(stage, { group: 'tags', what }, [gate], { body, vary, callers: 8 });
    });
    await world.server.close();
  }
}

const POLICY_COUNTS = { short: [1, 10_000], long: [1, 100, 1000, 10_000] } as const;

/** How many policies there are in other namespaces, and how soon a changed one counts. */
export async function policies(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const address = { origin: world.server.origin, authorityFile: world.authorityFile };
  const body = review([IMAGE], { namespace: 'n0' });
  const gates: Subject[] = [];
  for (const count of stage.long ? POLICY_COUNTS.long : POLICY_COUNTS.short) {
    const snapshot = writePolicies(stage.folder, count);
    const gate = await start(gateOn(stage, address, { SNAPSHOT: snapshot }));
    gates.push({ ...gate, name: `gate, ${count} policies` });
    stage.rows.push({
      group: 'policies',
      what: `${count} policies, start`,
      subject: 'gate',
      figures: { ready: gate.ready, memory: gate.memory() ?? Number.NaN },
    });
  }
  await warmUp(stage, gates, body);
  const at = { group: 'policies', what: '8 callers', goal: true };
  const got = await rounds(stage, at, gates, { body, callers: 8 });
  stage.goals.push({
    name: 'policies: CPU of an admission, 10,000 policies / 1',
    value: ratioOf(got, 'cpu', ['gate, 10000 policies', 'gate, 1 policies']),
    limit: 1.1,
    kind: 'at most',
  });
  const last = gates.at(-1);
  if (last !== undefined) await change(stage, last);
  for (const gate of gates) await gate.stop();
  await world.server.close();
}

async function until(seen: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await seen())) if (performance.now() > end) throw new Error('a changed policy does not count');
}

/** Milliseconds from the renaming of a changed file to the first admission that it decides. */
async function change(stage: Stage, gate: Subject): Promise<void> {
  const folder = join(stage.folder, 'policies-10000');
  const [file, next] = [join(folder, 'n7.yaml'), join(stage.folder, 'n7.next')];
  const body = review([IMAGE], { namespace: 'n7' });
  const times: number[] = [];
  for (let index = 0; index < (stage.long ? 20 : 5); index += 1) {
    const open = index % 2 === 0;
    writeFileSync(next, open ? policiesOf('n7', 10).replaceAll(`${HOST}/*`, `${HOST}/other-*`) : policiesOf('n7', 10));
    renameSync(next, file);
    const began = performance.now();
    await until(
      async () =>
        (await stage.loader.run({ url: gate.origin, body, callers: 1, requests: 1 })).allowed === (open ? 0 : 1),
    );
    times.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, 200));
  }
  stage.rows.push({
    group: 'policies',
    what: 'change of one among 10,000',
    subject: 'gate',
    figures: { p50: median(times) },
  });
  stage.goals.push({ name: 'policies: a change counts, ms', value: median(times), limit: 50, kind: 'at most' });
}

const fetched = (url: string): Promise<void> =>
  new Promise((done, fail) => {
    get(url, (response) => response.resume().once('end', () => done())).once('error', fail);
  });

/** Memory at rest, after many admissions, and whether it grows from then on. */
export async function memory(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const body = review([IMAGE]);
  await withGate(stage, world, {}, async (gate) => {
    const figures: Record<string, number> = { rest: gate.memory() ?? 0 };
    const requests = stage.long ? 200_000 : 20_000;
    for (const name of ['first', 'second', 'third']) {
      stage.tell(`memory: ${requests} admissions, ${name} time`);
      await stage.loader.run({ url: gate.origin, body, callers: 32, requests });
      figures[name] = gate.memory() ?? 0;
    }
    await fetched(`${gate.origin}/metrics`);
    stage.rows.push({
      group: 'memory',
      what: `at rest, and after each ${requests} admissions`,
      subject: 'gate',
      figures,
    });
    stage.goals.push({
      name: `memory after ${requests} admissions, MB`,
      value: figures['first'] ?? 0,
      limit: 130,
      kind: 'at most',
    });
    stage.goals.push({
      name: 'memory: after three times as many / once',
      value: (figures['third'] ?? 0) / (figures['first'] ?? 1),
      limit: 1.1,
      kind: 'at most',
    });
  });
  await world.server.close();
}

/** From the start of the process to ready, and to the answer of the first admission. */
export async function startUp(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const times = { ready: [] as number[], first: [] as number[] };
  for (let index = 0; index < (stage.long ? 15 : 5); index += 1) {
    await withGate(stage, world, {}, async (gate) => {
      const result = await stage.loader.run({ url: gate.origin, body: review([IMAGE]), callers: 1, requests: 1 });
      times.ready.push(gate.ready);
      times.first.push(gate.ready + result.p50);
    });
  }
  const empty = await start(EMPTY);
  await empty.stop();
  stage.rows.push({
    group: 'start',
    what: 'process to ready, to first admission',
    subject: 'gate',
    figures: { ready: median(times.ready), first: median(times.first) },
  });
  stage.rows.push({
    group: 'start',
    what: 'process to first answer',
    subject: 'empty function',
    figures: { ready: empty.ready },
  });
  stage.goals.push({ name: 'start to ready, ms', value: median(times.ready), limit: 400, kind: 'at most' });
  await world.server.close();
}
