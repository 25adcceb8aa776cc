import { Fault } from '../codes.ts';
import type { RememberedTrust, TrustMemory, TrustQuery } from '../ports.ts';
import { changedAdmitted } from '../trust/notary/admitted.ts';
import { isBehind, isNews, sameKeys } from '../trust/notary/remembered.ts';
import type { TrustedRoot } from '../trust/notary/root.ts';
import { rememberedOf, rememberedRoot } from '../trust/notary/update.ts';
import { type Entry, isSettled } from './entries.ts';
import type { CacheObserver } from './observer.ts';

/** For whom something is written, when (ms since the epoch), and for how long. */
export interface Occasion {
  readonly query: TrustQuery;
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
  async written(entry: Entry, { query, now, signal }: Occasion): Promise<Entry> {
    const { record, facts } = entry;
    const seen = { ...rememberedOf(facts, query.vouches), admitted: changedAdmitted(record, facts, now) };
    // Another replica may have gone ahead while this one looked: the next caller looks anew.
    const behind = record !== undefined && isBehind(seen, record);
    if (!isNews(record, seen, now)) return { ...entry, written: 'all', behind };
    if (isSettled(entry, query)) return { ...entry, behind };
    try {
      const stored = await this.#memory.remember(seen, record, signal);
      return { ...entry, record: stored, written: 'all', behind: isBehind(seen, stored) };
    } catch (error) {
      if (!(error instanceof Fault) || record === undefined || !sameKeys(record, seen)) throw error;
      this.#observe.cache('unwritten');
      return { ...entry, written: 'all' };
    }
  }

  /** Of a repository that is not remembered: writes its root down while what hangs from it is still verified (TUF 5.3.8), so that nobody has to wait for it long. */
  firstUse({ query, signal }: Occasion): FirstUse {
    const { address, vouches } = query;
    return new FirstUse(({ facts }) =>
      this.#memory.remember(rememberedRoot(address, facts, vouches), undefined, signal),
    );
  }
}

/** A root that is taken at first sight, on its way into the memory. */
class FirstUse {
  readonly #remember: (root: TrustedRoot) => Promise<RememberedTrust>;
  #record: Promise<RememberedTrust> | undefined;

  constructor(remember: (root: TrustedRoot) => Promise<RememberedTrust>) {
    this.#remember = remember;
  }

  /** For `updateTrust`, as `trusted`. */
  readonly trusted = (root: TrustedRoot): void => {
    this.#record = this.#remember(root);
    // It counts where the facts do: where these are refused, what became of it is not asked.
    this.#record.catch(() => undefined);
  };

  /** The record that holds the root; undefined where no root was trusted at first sight. Throws as `TrustMemory.remember` does. */
  get record(): Promise<RememberedTrust> | undefined {
    return this.#record;
  }
}
