import { Fault } from '../codes.ts';
import type { RememberedTrust, TrustMemory, TrustQuery } from '../ports.ts';
import { changedAdmitted } from '../trust/notary/admitted.ts';
import { isBehind, isNews, sameKeys, sameRoot } from '../trust/notary/remembered.ts';
import type { TrustedRoot } from '../trust/notary/root.ts';
import { rememberedOf, rememberedRoot } from '../trust/notary/update.ts';
import type { Entry } from './entries.ts';
import type { CacheObserver } from './observer.ts';

/** For whom something is written, and when. */
export interface Occasion {
  readonly query: TrustQuery;
  /** True where the look that gave the entry had its root remembered by a first use, and nobody changed the record since. */
  readonly rooted: boolean;
  /** ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Has what was verified remembered before anybody counts on it. */
export class Remembering {
  readonly #memory: TrustMemory;
  readonly #observe: CacheObserver;

  constructor(memory: TrustMemory, observe: CacheObserver) {
    this.#memory = memory;
    this.#observe = observe;
  }

  /**
   * The entry once the memory holds what it shows; nothing is written where it does so already. A first use and a new root count only once they are
   * remembered; versions that merely rose are remembered at a later update where the memory gives no answer now, and those of a first use by whoever notes it.
   */
  async written(entry: Entry, { query, rooted, now, signal }: Occasion): Promise<Entry> {
    const { record, facts } = entry;
    const seen = { ...rememberedOf(facts, query.vouches), admitted: changedAdmitted(record, facts, now) };
    // Another replica may have gone ahead while this one looked: the next caller looks anew.
    const behind = record !== undefined && isBehind(seen, record);
    if (!isNews(record, seen, now)) return { ...entry, written: true, behind };
    if (rooted && query.noted && record !== undefined && sameRoot(record, seen))
      return { ...entry, facts: { ...facts, unversioned: true }, behind };
    try {
      const stored = await this.#memory.remember(seen, record, signal);
      return { ...entry, record: stored, written: true, behind: isBehind(seen, stored) };
    } catch (error) {
      if (!(error instanceof Fault) || record === undefined || !sameKeys(record, seen)) throw error;
      this.#observe.cache('unwritten');
      return { ...entry, written: true };
    }
  }
}

/** The root of a first use on its way into the memory, while what hangs from it is still verified (TUF 5.3.8): next to nobody has to wait for it. */
export class FirstUse {
  readonly #memory: TrustMemory;
  readonly #query: TrustQuery;
  readonly #signal: AbortSignal;
  #record: Promise<RememberedTrust> | undefined;

  constructor(memory: TrustMemory, query: TrustQuery, signal: AbortSignal) {
    this.#memory = memory;
    this.#query = query;
    this.#signal = signal;
  }

  /** For `updateTrust`, as `trusted`. */
  readonly trusted = ({ facts }: TrustedRoot): void => {
    const { address, vouches } = this.#query;
    this.#record = this.#memory.remember(rememberedRoot(address, facts, vouches), undefined, this.#signal);
    // Whoever asks for the record has the error; until then it is nobody's.
    this.#record.catch(() => undefined);
  };

  /** The record that holds the root; undefined where no root was trusted at first sight. Throws as `TrustMemory.remember` does. */
  get record(): Promise<RememberedTrust> | undefined {
    return this.#record;
  }
}
