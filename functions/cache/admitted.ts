import { LRUCache } from 'lru-cache';
import { Fault } from '../codes.ts';
import type { AdmittedMemory, AdmittedQuery, Clock, TrustMemory } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';

/** Digests known to be remembered already: they are not written again within a day. */
const KNOWN = 100_000;
const DAY = 24 * 3600 * 1000;

/** What the memory of admitted digests is made of. */
export interface AdmittedOptions {
  readonly memory: TrustMemory;
  readonly clock: Clock;
  /** For how long (ms) after it left the trust data a digest may be admitted where it was admitted before; 0: never. */
  readonly grace: number;
  /** Told of `pardon`: admitted for what was; `unnoted`: what was admitted could not be remembered. */
  readonly observe: (event: 'pardon' | 'unnoted') => void;
}

/** Remembers in the TrustRecord which digests were admitted where, and by which proof. */
export class Admitted implements AdmittedMemory {
  readonly #options: AdmittedOptions;
  readonly #known = new LRUCache<string, number>({ max: KNOWN });

  constructor(options: AdmittedOptions) {
    this.#options = options;
  }

  async note(query: AdmittedQuery, signal: AbortSignal): Promise<void> {
    const { memory, clock, grace, observe } = this.#options;
    const now = clock.now();
    const key = JSON.stringify([query.server, query.gun, query.sha256, query.namespace, query.demand]);
    if (grace === 0 || now - (this.#known.get(key) ?? Number.NEGATIVE_INFINITY) < DAY) return;
    this.#known.set(key, now);
    try {
      const record = await memory.read(query.server, query.gun, signal);
      if (record === undefined) return;
      const { sha256, namespace, demand } = query;
      await memory.remember({ ...record, admitted: [{ sha256, namespace, demand, seen: now }] }, record, signal);
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof TrustError)) throw error;
      this.#known.delete(key);
      observe('unnoted');
    }
  }

  async pardon(
    { server, gun, sha256, namespace, demand }: AdmittedQuery,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { memory, clock, grace, observe } = this.#options;
    if (grace === 0) return undefined;
    const record = await memory.read(server, gun, signal);
    const entry = record?.admitted?.find(
      (one) => one.sha256 === sha256 && one.namespace === namespace && one.demand === demand,
    );
    // One that is signed still is refused for another reason: the tag beside it is signed for something else.
    if (entry?.left === undefined) return undefined;
    const until = entry.left + grace;
    if (clock.now() >= until) return undefined;
    observe('pardon');
    return until;
  }
}
