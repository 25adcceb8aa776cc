import { describe, expect, it } from 'vitest';
import { seeded } from '../support/seeded.ts';
import { Gate, Simulation, Station } from './engine.ts';
import { type Second, type StormResult, simulate } from './model.ts';
import { PARAMETERS, problemsOf, stormOf } from './parameters.ts';
import { stormText } from './report.ts';

const sum = ({ seconds }: StormResult, key: keyof Second): number =>
  seconds.reduce((all, second) => all + second[key], 0);
/** A tenth of the storm, for speed. */
const SMALL = { pods: 4_000, repositories: 300 };

describe('a simulation', () => {
  it('does things in the order of their time, those of one time in the order they were planned', () => {
    const simulation = new Simulation();
    const chance = seeded(7);
    const planned = Array.from({ length: 500 }, (_, index) => ({ index, time: Math.floor(chance() * 20) }));
    const seen: number[] = [];
    for (const { index, time } of planned) simulation.after(time, () => seen.push(index));
    simulation.run(() => false);
    expect(seen).toEqual(planned.toSorted((a, b) => a.time - b.time || a.index - b.index).map(({ index }) => index));
  });

  it('has a station serve so many at once and the others in turn, and books its time', () => {
    const simulation = new Simulation();
    const station = new Station(simulation, 'two', 2);
    const ends: number[] = [];
    for (let index = 0; index < 5; index += 1) station.serve(1, () => ends.push(simulation.now));
    expect(station.queue).toBe(3);
    simulation.run(() => false);
    expect(ends).toEqual([1, 1, 2, 2, 3]);
    expect([station.use(0), station.use(1), station.use(2), station.use(3)]).toEqual([1, 1, 0.5, 0]);
    expect(station.served).toBe(5);
  });

  it('agrees with queueing theory: one server at half load with exponential service has one in it on average', () => {
    const simulation = new Simulation();
    const chance = seeded(3);
    const exponential = (mean: number): number => -Math.log(1 - chance()) * mean;
    const station = new Station(simulation, 'one', 1);
    let [left, spent, at] = [200_000, 0, 0];
    for (let index = 0; index < 200_000; index += 1) {
      at += exponential(2);
      simulation.after(at, () => {
        const began = simulation.now;
        station.serve(exponential(1), () => {
          spent += simulation.now - began;
          left -= 1;
        });
      });
    }
    simulation.run(() => left === 0);
    // M/M/1: time in the system = 1 / (μ − λ) = 1 / (1 − 0.5).
    expect(spent / 200_000).toBeGreaterThan(1.9);
    expect(spent / 200_000).toBeLessThan(2.1);
  });

  it('lets no more inside than there are places', () => {
    const gate = new Gate(2);
    const leaves: (() => void)[] = [];
    for (let index = 0; index < 3; index += 1) gate.enter((leave) => leaves.push(leave));
    expect([gate.inside, gate.queue, leaves.length]).toEqual([2, 1, 2]);
    leaves[0]?.();
    expect([gate.inside, gate.queue, leaves.length]).toEqual([2, 0, 3]);
  });
});

describe('a storm', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(simulate(stormOf(SMALL))).toEqual(simulate(stormOf(SMALL)));
    expect(simulate(stormOf({ ...SMALL, seed: 2 })).wait).not.toEqual(simulate(stormOf(SMALL)).wait);
  });

  it('admits every pod once, and each that was refused comes again', () => {
    const calm = simulate(stormOf(SMALL));
    expect([sum(calm, 'created'), sum(calm, 'admitted'), calm.refused]).toEqual([4_000, 4_000, 0]);
    const wild = simulate(stormOf({ ...SMALL, rate: 1_000, 'gate-us': 1_000, deadline: 0.05, until: 600 }));
    expect(wild.left).toBe(0);
    expect(wild.refused).toBeGreaterThan(0);
    expect(sum(wild, 'admitted')).toBe(4_000);
    expect(sum(wild, 'created')).toBe(4_000 + wild.refused);
  });

  it('asks Notary once for a repository and replica, however many pods wait for it; and not at all where owners vouch', () => {
    const result = simulate(stormOf({ ...SMALL, repositories: 1, images: 1, rate: 4_000, ttl: 1_000 }));
    expect(result.looks).toBe(3);
    expect(sum(result, 'notary')).toBe(3 * PARAMETERS.requests.value);
    expect(sum(simulate(stormOf({ ...SMALL, vouched: 1 })), 'notary')).toBe(0);
  });

  it('asks the API server for the owner, each Secret, the record of a look, and once to note a digest', () => {
    const one = { pods: 1, repositories: 1, images: 1, namespaces: 1, replicas: 1, 'grow-to': 1 };
    // Owner, Secret, record read, record written (create), noted (read, read, update).
    expect(sum(simulate(stormOf(one)), 'api')).toBe(7);
    // The second pod of the replica: owner and Secret.
    expect(sum(simulate(stormOf({ ...one, pods: 2, rate: 1 })), 'api')).toBe(9);
  });

  it.each([
    ['CPU of the gate', { 'gate-us': 8_000 }],
    ['Notary', { 'notary-ms': 40 }],
    ['API server (calls of the gate)', { 'api-ms': 40 }],
  ] as const)('names the part that is full first: %s', (part, slow) => {
    const result = simulate(stormOf({ ...SMALL, 'look-us': 500, ...slow }));
    expect(result.first?.part).toBe(part);
    expect(stormText(stormOf(SMALL), result)).toContain(`first bottleneck: ${part}, full from second`);
  });

  it('says so where nothing is full', () => {
    const result = simulate(stormOf({ ...SMALL, replicas: 30, 'grow-to': 30 }));
    expect(result.first).toBeUndefined();
    expect(stormText(stormOf(SMALL), result)).toContain('first bottleneck: none');
  });

  it('ends, though not everybody is served: more than the gate can do, with a deadline that comes before its turn', () => {
    const result = simulate(stormOf({ ...SMALL, 'gate-us': 50_000, deadline: 0.3, until: 60 }));
    expect(result.left).toBeGreaterThan(0);
    expect(result.end).toBeLessThan(61);
  });

  it('is shortened by replicas that come while it lasts', () => {
    const load = { ...SMALL, 'gate-us': 20_000, rate: 1_000, replicas: 1 };
    const alone = simulate(stormOf({ ...load, 'grow-to': 1 }));
    const joined = simulate(stormOf({ ...load, 'grow-to': 10, 'grow-after': 1 }));
    expect(joined.end).toBeLessThan(alone.end / 2);
  });

  it('names every parameter that cannot be', () => {
    expect(problemsOf(stormOf())).toEqual([]);
    const wrong = stormOf({ pods: Number.NaN, rate: 0, vouched: 2, requests: 1, replicas: 9 });
    expect(problemsOf(wrong)).toEqual([
      '--pods is not a number of 0 or more',
      '--rate must be above 0',
      '--vouched is a share from 0 to 1',
      '--requests must not be less than --rounds',
      '--grow-to must not be less than --replicas',
    ]);
  });
});
