import { LRUCache } from 'lru-cache';

/** One thing that goes on happening: the first time it is an Event, later a count on it (events.k8s.io/v1 EventSeries). */
export interface Series {
  readonly namespace: string;
  /** Name of the Event. */
  readonly name: string;
  /** Times it was seen. */
  count: number;
  /** Times that the Event tells of. */
  written: number;
  /** When it was last seen and last written, ms since the epoch. */
  seen: number;
  wrote: number;
}

/** Series that are followed at once; the one that was quiet longest goes first. */
const SERIES = 2048;
/** A repetition after this time of quiet is a new Event (client-go's events recorder: 6 minutes). */
const QUIET = 6 * 60_000;
/** The count of one series is written so often at most, but for its first rise. */
const PACE = 60_000;

/** What goes on, by key. Pure bookkeeping; times in ms since the epoch. */
export class SeriesBook {
  readonly #series = new LRUCache<string, Series>({ max: SERIES });

  /** Counts one more of what goes on; false where it is new, or began so long ago that it is new again. */
  seen(key: string, now: number): boolean {
    const series = this.#series.get(key);
    if (series === undefined || now - series.seen > QUIET) return false;
    series.count += 1;
    series.seen = Math.max(series.seen, now);
    return true;
  }

  /** Begins a series with the Event that is being written. */
  begin(key: string, namespace: string, name: string, now: number): void {
    this.#series.set(key, { namespace, name, count: 1, written: 1, seen: now, wrote: now });
  }

  /** Forgets a series whose Event is not there: the next time is the first one again. */
  forget(key: string): void {
    this.#series.delete(key);
  }

  /** The series whose count has to be written now, by key; those that ended are let go. `all`: without waiting for their time. */
  due(now: number, all = false): readonly (readonly [string, Series])[] {
    const due: (readonly [string, Series])[] = [];
    for (const [key, series] of this.#series.entries()) {
      const behind = series.count > series.written;
      const over = now - series.seen > QUIET;
      if (behind && (all || over || series.written === 1 || now - series.wrote >= PACE)) due.push([key, series]);
      else if (over) this.#series.delete(key);
    }
    return due;
  }
}
