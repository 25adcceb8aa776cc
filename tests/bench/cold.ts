import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE, median, type Stage, withGate } from './cases.ts';
import type { LoadResult } from './load.ts';
import { type RealNotary, startNotary } from './notary.ts';
import type { Subject } from './subject.ts';
import { COLD_HOST, HOST, review, type SignedWorld, serveSigned } from './world.ts';

/** Looks at other repositories, and fetches as many, before either is measured: what V8 compiles meanwhile, in whichever of the two processes, is no part of them. */
const LOOKS = 400;
/** As many again, by which the CPU of a look is counted, with all that it leaves to do. */
const COUNTED = 200;
/** Before each thing that is measured at rest (ms): what the one before left to do is done by then. */
const REST = 60;
/** Cached admissions before each thing that is measured at work. */
const BETWEEN = 40;

/** Waits until a process is at rest: what the gate noted of the admissions before it is written by then. */
async function atRest(subject: Subject): Promise<void> {
  for (let before = Number.NaN, now = 0; before !== now; before = now, now = subject.cpu() ?? 0)
    await new Promise((done) => setTimeout(done, 300));
}

type State = 'at rest' | 'at work';

/** Figures (ms; CPU in µs) by what they are of. */
type Times = Map<string, number[]>;

/** Something of which the time is taken (ms), of one repository after the other. */
interface Taken {
  readonly what: string;
  readonly take: (index: number) => Promise<number>;
}

/** In which states, and of how many repositories in each. */
interface Wanted {
  readonly states: readonly State[];
  readonly count: number;
}

/** Takes each of them once for each repository; the first quarter does not count. */
async function inTurns(
  taken: readonly Taken[],
  indexes: readonly number[],
  before: () => Promise<unknown>,
): Promise<Times> {
  const times: Times = new Map(taken.map(({ what }) => [what, []]));
  for (const [place, index] of indexes.entries()) {
    for (const { what, take } of taken) {
      await before();
      const time = await take(index);
      if (place * 4 >= indexes.length) times.get(what)?.push(time);
    }
  }
  return times;
}

/** Processes of the gate and of Notary, one pair after the other, and how many repositories each: two processes of one kind differ by a tenth for as long as they live. */
const paceOf = ({ long }: Stage): { processes: number; count: number } =>
  long ? { processes: 5, count: 28 } : { processes: 1, count: 24 };

const BARE = 'five files in turn';
const SIGHT = 'first sight';
const KNOWN = 'a known image';
const CPU = 'CPU of a first sight, four callers';

/** How to reach each state. */
function reachOf(stage: Stage, notary: RealNotary, gate: Subject): Record<State, () => Promise<unknown>> {
  return {
    'at rest': () => new Promise((done) => setTimeout(done, REST)),
    'at work': async () => {
      await ask(stage, gate, { image: IMAGE, requests: BETWEEN });
      await notary.fetchInTurn(nameOf(0));
    },
  };
}

const nameOf = (index: number): string => `${COLD_HOST}/c${String(index).padStart(6, '0')}`;

const ask = (
  stage: Stage,
  gate: Subject,
  { image, requests }: { image: string; requests: number },
): Promise<LoadResult> =>
  stage.loader.run({ url: gate.origin, body: review([image]), callers: 1, requests, stay: true });

/** Everything that is looked at of one gate. */
async function looksOf(stage: Stage, notary: RealNotary, gate: Subject, { states, count }: Wanted): Promise<Times> {
  const looks = async (from: number, requests: number): Promise<void> => {
    const job = { body: review([`${HOST}/r~~~~~~:t000000`]), vary: { mark: '~~~~~~', from, count: requests } };
    await stage.loader.run({ url: gate.origin, ...job, callers: 4, requests });
    await atRest(gate);
  };
  await looks(0, LOOKS);
  for (let index = 0; index < LOOKS; index += 1) await notary.fetchInTurn(nameOf(index % count));
  const admitted = async (image: string): Promise<number> => {
    const { allowed, p50 } = await ask(stage, gate, { image, requests: 1 });
    if (allowed !== 1) throw new Error(`${image} was not admitted`);
    return p50;
  };
  const taken: Taken[] = [
    { what: BARE, take: (index) => notary.fetchInTurn(nameOf(index)) },
    { what: SIGHT, take: (index) => admitted(`${nameOf(index)}:v1`) },
  ];
  // What of a first sight is the way to the gate and back.
  if (stage.long) taken.push({ what: KNOWN, take: () => admitted(IMAGE) });
  const times: Times = new Map();
  for (const [place, state] of states.entries()) {
    const indexes = Array.from({ length: count }, (_, index) => place * count + index);
    const found = await inTurns(taken, indexes, reachOf(stage, notary, gate)[state]);
    for (const [what, some] of found) times.set(`${what}, ${state}`, some);
  }
  const before = gate.cpu() ?? 0;
  await looks(LOOKS, COUNTED);
  return times.set(CPU, [(((gate.cpu() ?? 0) - before) * 1e6) / COUNTED]);
}

/** One gate and one Notary, with this many repositories for each state: figures by what they are of. */
async function pair(stage: Stage, world: SignedWorld, { states, count }: Wanted): Promise<Times> {
  const notary = await startNotary(mkdtempSync(join(stage.folder, 'notary-')));
  try {
    await notary.publish(`${COLD_HOST}/c`, count * states.length);
    const authorityFile = join(stage.folder, 'both.pem');
    const authorities = [notary.authorityFile, world.authorityFile].map((file) => readFileSync(file, 'utf8'));
    writeFileSync(authorityFile, authorities.join(''));
    const servers = `${HOST}=${world.server.origin},${COLD_HOST}=${notary.origin}`;
    return await withGate(stage, { ...world, authorityFile }, { TRUST_SERVERS: servers }, (gate) =>
      looksOf(stage, notary, gate, { states, count }),
    );
  } finally {
    await notary.stop();
  }
}

/**
 * Cold: first sight of a repository of a real Notary server, beside a bare fetch of its five files one after the other, neither with the other's leavings in its
 * way. At rest, as first sights come; and in the long mode at work as well, after cached admissions and a fetch, where everything takes half the time.
 */
export async function cold(stage: Stage): Promise<void> {
  const states: readonly State[] = stage.long ? ['at rest', 'at work'] : ['at rest'];
  const { processes, count } = paceOf(stage);
  const world = await serveSigned(stage.folder, { repositories: LOOKS + COUNTED });
  const all: Times = new Map();
  for (let round = 1; round <= processes; round += 1) {
    stage.tell(`cold: ${count * states.length} repositories signed with the notary client, ${round} of ${processes}`);
    for (const [what, found] of await pair(stage, world, { states, count }))
      all.set(what, [...(all.get(what) ?? []), ...found]);
  }
  await world.server.close();
  const settled = (what: string): number => median(all.get(what) ?? []);
  for (const what of all.keys())
    stage.rows.push({
      group: 'cold',
      what,
      subject: what.startsWith(BARE) ? 'bare fetch' : 'gate',
      figures: what === CPU ? { cpu: settled(what) } : { p50: settled(what) },
    });
  stage.goals.push({
    name: 'cold: first sight / bare sequential fetch',
    value: settled(`${SIGHT}, at rest`) / settled(`${BARE}, at rest`),
    limit: 1.5,
    kind: 'at most',
  });
}
