import { seeded } from '../support/seeded.ts';
import { Gate, Simulation, Station } from './engine.ts';
import type { Storm } from './parameters.ts';

/** What happened in one second of the storm. */
export interface Second {
  created: number;
  admitted: number;
  refused: number;
  /** Requests that reached Notary, and that the gate made to the API server. */
  notary: number;
  api: number;
  /** At the end of the second: admissions open at the gate, and creations that wait for the API server. */
  open: number;
  waiting: number;
}

/** What came of a storm. Times in seconds. */
export interface StormResult {
  readonly seconds: readonly Second[];
  /** When the last pod was admitted, or the simulation ended. */
  readonly end: number;
  /** Pods that were not admitted by then. */
  readonly left: number;
  /** How long admitted pods waited at the gate. */
  readonly wait: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  readonly refused: number;
  readonly looks: number;
  /** The busiest second of each part: share of its time in use. */
  readonly peaks: readonly { readonly part: string; readonly use: number; readonly second: number }[];
  /** The part that was first in use for nine tenths of a second or more; undefined where none was. */
  readonly first: { readonly part: string; readonly second: number } | undefined;
}

/** From here on a part counts as the bottleneck: queues before it grow without bound. */
const FULL = 0.9;

interface Known {
  verified: number;
  waiting: (() => void)[] | undefined;
}

interface Replica {
  readonly cpu: Station;
  readonly connections: Gate;
  readonly known: Map<number, Known>;
  readonly noted: Set<number>;
}

interface Pod {
  readonly namespace: number;
  readonly images: readonly number[];
}

/** Ranks by Zipf's law: the second is asked for half as often as the first. */
function zipf(count: number, chance: () => number): () => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += 1 / (rank + 1);
    sums[rank] = sum;
  }
  return () => {
    const wanted = chance() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

class Model {
  readonly #storm: Storm;
  readonly #simulation = new Simulation();
  readonly #chance: () => number;
  readonly #repository: () => number;
  readonly #notary: Station;
  readonly #api: Station;
  readonly #inflight: Gate;
  readonly #replicas: Replica[] = [];
  /** Repositories that have a TrustRecord, and digests that are noted in one. */
  readonly #recorded = new Set<number>();
  readonly #noted = new Set<number>();
  readonly #seconds: Second[] = [];
  readonly #waits: number[] = [];
  #turn = 0;
  #left: number;
  #refused = 0;
  #looks = 0;
  #open = 0;

  constructor(storm: Storm) {
    this.#storm = storm;
    this.#chance = seeded(storm.seed);
    this.#repository = zipf(storm.repositories, this.#chance);
    this.#notary = new Station(this.#simulation, 'Notary', storm['notary-workers']);
    this.#api = new Station(this.#simulation, 'API server (calls of the gate)', storm['api-seats']);
    this.#inflight = new Gate(storm.inflight);
    this.#left = storm.pods;
    this.#grow(storm.replicas);
  }

  run(): StormResult {
    const { pods, rate, 'grow-to': most, 'grow-after': after } = this.#storm;
    for (let index = 0; index < pods; index += 1) this.#simulation.after(index / rate, () => this.#create(this.#pod()));
    this.#simulation.after(after, () => this.#grow(most));
    this.#tick();
    this.#simulation.run(() => this.#left === 0 || this.#simulation.now >= this.#storm.until);
    return this.#result();
  }

  #grow(to: number): void {
    while (this.#replicas.length < to) {
      const cpu = new Station(this.#simulation, 'CPU of the gate', this.#storm.cores);
      const connections = new Gate(this.#storm.connections);
      this.#replicas.push({ cpu, connections, known: new Map(), noted: new Set() });
    }
  }

  #pod(): Pod {
    const namespace = Math.floor(this.#chance() * this.#storm.namespaces);
    const images = new Set(Array.from({ length: this.#storm.images }, () => this.#repository()));
    return { namespace, images: [...images] };
  }

  #second(): Second {
    const index = Math.floor(this.#simulation.now);
    this.#seconds[index] ??= { created: 0, admitted: 0, refused: 0, notary: 0, api: 0, open: 0, waiting: 0 };
    return this.#seconds[index];
  }

  #tick(): void {
    Object.assign(this.#second(), { open: this.#open, waiting: this.#inflight.queue });
    this.#simulation.after(1, () => this.#tick());
  }

  /** A controller creates a pod: the API server calls the gate once it has room for the call. */
  #create(pod: Pod): void {
    this.#inflight.enter((leave) => {
      this.#second().created += 1;
      this.#open += 1;
      const began = this.#simulation.now;
      let over = false;
      const end = (): boolean => {
        if (over) return false;
        over = true;
        this.#open -= 1;
        leave();
        return true;
      };
      this.#simulation.after(this.#storm.deadline, () => {
        if (end()) this.#refuse(pod);
      });
      this.#admit(pod, () => {
        if (end()) this.#admitted(this.#simulation.now - began);
      });
    });
  }

  #refuse(pod: Pod): void {
    this.#refused += 1;
    this.#second().refused += 1;
    this.#simulation.after(this.#storm.retry, () => this.#create(pod));
  }

  #admitted(wait: number): void {
    this.#waits.push(wait);
    this.#second().admitted += 1;
    this.#left -= 1;
  }

  #admit(pod: Pod, done: () => void): void {
    const replica = this.#replicas[this.#turn++ % this.#replicas.length];
    if (replica === undefined) return;
    const { vouched, 'gate-us': gate, 'image-us': each } = this.#storm;
    replica.cpu.serve((gate + each * pod.images.length) / 1e6, () =>
      // The controller is read first: what it vouches for needs no proof.
      this.#ask(() => {
        if (this.#chance() < vouched) return done();
        let left = pod.images.length;
        for (const image of pod.images) {
          this.#prove(replica, pod.namespace, image, () => {
            left -= 1;
            if (left === 0) done();
          });
        }
      }),
    );
  }

  #prove(replica: Replica, namespace: number, image: number, done: () => void): void {
    let left = this.#storm.secrets;
    const read = (): void => this.#trust(replica, image, () => this.#note(replica, namespace, image, done));
    if (left === 0) read();
    for (let index = 0; index < this.#storm.secrets; index += 1) {
      this.#ask(() => {
        left -= 1;
        if (left === 0) read();
      });
    }
  }

  /** Trust data: from the cache, from a look under way, or by a look; ahead of its end it is looked at anew behind the caller. */
  #trust(replica: Replica, image: number, done: () => void): void {
    const { ttl } = this.#storm;
    const known = replica.known.get(image) ?? { verified: Number.NEGATIVE_INFINITY, waiting: undefined };
    replica.known.set(image, known);
    const age = this.#simulation.now - known.verified;
    if (age < ttl) {
      if (age * 2 >= ttl && known.waiting === undefined) this.#look(replica, image, known);
      done();
      return;
    }
    if (known.waiting === undefined) this.#look(replica, image, known);
    known.waiting?.push(done);
  }

  #look(replica: Replica, image: number, known: Known): void {
    const { rounds, requests, 'look-us': look } = this.#storm;
    const isFirst = known.verified === Number.NEGATIVE_INFINITY;
    const began = this.#simulation.now;
    this.#looks += 1;
    known.waiting = [];
    const end = (): void => {
      const waiting = known.waiting ?? [];
      known.waiting = undefined;
      known.verified = began;
      for (const wake of waiting) wake();
    };
    const verified = (): void => {
      const isThere = this.#recorded.has(image);
      this.#recorded.add(image);
      // Root is written down while the rest is verified.
      let left = isThere ? 1 : 2;
      const step = (): void => {
        left -= 1;
        if (left === 0) end();
      };
      replica.cpu.serve(look / 1e6, step);
      if (!isThere) this.#ask(step);
    };
    this.#ask(() => {
      if (!isFirst) return this.#fetch(replica, 1, 1, end);
      this.#fetch(replica, rounds, requests, verified);
    });
  }

  /** Rounds of requests to Notary one after the other; what is beyond one for each goes with the last. */
  #fetch(replica: Replica, rounds: number, requests: number, done: () => void): void {
    const together = rounds === 1 ? requests : 1;
    let left = together;
    for (let index = 0; index < together; index += 1) {
      replica.connections.enter((leave) => {
        this.#second().notary += 1;
        this.#notary.serve(this.#exponential(this.#storm['notary-ms']), () => {
          this.#simulation.after(this.#storm['notary-rtt-ms'] / 1000, () => {
            leave();
            left -= 1;
            if (left > 0) return;
            if (rounds === 1) done();
            else this.#fetch(replica, rounds - 1, requests - 1, done);
          });
        });
      });
    }
  }

  /** A digest admitted in a namespace for the first time by this replica is looked up in the record, and written there by the first of them. */
  #note(replica: Replica, namespace: number, image: number, done: () => void): void {
    const key = image * this.#storm.namespaces + namespace;
    if (replica.noted.has(key)) {
      done();
      return;
    }
    replica.noted.add(key);
    this.#ask(() => {
      const isThere = this.#noted.has(key);
      this.#noted.add(key);
      if (isThere) done();
      else this.#ask(() => this.#ask(done));
    });
  }

  #ask(done: () => void): void {
    this.#second().api += 1;
    this.#api.serve(this.#exponential(this.#storm['api-ms']), done);
  }

  #exponential(milliseconds: number): number {
    return (-Math.log(1 - this.#chance()) * milliseconds) / 1000;
  }

  #result(): StormResult {
    const waits = Float64Array.from(this.#waits).sort();
    const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
    const seconds = Array.from(
      { length: this.#seconds.length },
      (_, index) =>
        this.#seconds[index] ?? { created: 0, admitted: 0, refused: 0, notary: 0, api: 0, open: 0, waiting: 0 },
    );
    const [peaks, first] = this.#busiest(seconds.length);
    const wait = { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
    return {
      seconds,
      end: this.#simulation.now,
      left: this.#left,
      wait,
      refused: this.#refused,
      looks: this.#looks,
      peaks,
      first,
    };
  }

  #busiest(seconds: number): [StormResult['peaks'], StormResult['first']] {
    const parts: { readonly part: string; readonly use: (second: number) => number }[] = [
      // Of all replicas the busiest: admissions wait there.
      { part: 'CPU of the gate', use: (second) => Math.max(...this.#replicas.map(({ cpu }) => cpu.use(second))) },
      ...[this.#notary, this.#api].map((station) => ({
        part: station.name,
        use: (second: number) => station.use(second),
      })),
    ];
    let first: StormResult['first'];
    const peaks = parts.map(({ part, use }) => {
      let peak = { part, use: 0, second: 0 };
      for (let second = 0; second < seconds; second += 1) {
        const share = use(second);
        if (share > peak.use) peak = { part, use: share, second };
        if (share >= FULL && (first === undefined || second < first.second)) first = { part, second };
      }
      return peak;
    });
    return [peaks, first];
  }
}

/** Lets a storm pass: deterministic, for the same parameters give the same result. */
export const simulate = (storm: Storm): StormResult => new Model(storm).run();
