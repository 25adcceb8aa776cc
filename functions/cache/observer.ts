import type { CacheEvent, FetchOutcome } from '../metrics/trust.ts';

/** What the cache tells of itself. */
export interface CacheObserver {
  /** One of `CACHE_EVENTS`. */
  cache(event: CacheEvent): void;
  /** Seconds since the data was verified that is served. */
  served(age: number): void;
  /** Seconds one update took, and how it ended. */
  fetched(seconds: number, outcome: FetchOutcome): void;
}

/** Tells nobody. */
export const SILENT: CacheObserver = { cache: () => undefined, served: () => undefined, fetched: () => undefined };
