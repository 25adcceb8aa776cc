import { Buckets, type Rate } from './bucket.ts';
import type { Outcome, Tally } from './channel.ts';
import { keyOf } from './event.ts';
import type { Notice, NoticeImage } from './notice.ts';
import { type Series, SeriesBook } from './series.ts';

/** How much one process tells of one namespace, and of all. */
export interface Rates {
  readonly namespace: Rate;
  readonly all: Rate;
}

/** An image of a notice that is to be told now. */
export interface Told {
  /** Of its series: the same image for the same reason at the same object. */
  readonly key: string;
  readonly name: string;
  readonly image: NoticeImage;
}

/** What of the notices goes out: what goes on without a break is counted on what was told of it, and what is new goes out within the rates. */
export class Intake {
  readonly #book = new SeriesBook();
  readonly #buckets: Buckets;
  readonly #tally: Tally;

  constructor({ namespace, all }: Rates, tally: Tally) {
    this.#buckets = new Buckets(namespace, all);
    this.#tally = tally;
  }

  /** The images of a notice that are to be told now; each begins a series under the name that `name` gives. */
  take(notice: Notice, name: () => string): readonly Told[] {
    return notice.images.flatMap((image) => this.#take(notice, image, name));
  }

  /** The series whose count is to be told now, by key, within the rates; `all`: without waiting for their time. */
  due(now: number, all: boolean): readonly (readonly [string, Series])[] {
    return this.#book.due(now, all).filter(([, { namespace }]) => this.#buckets.take(namespace, now));
  }

  /** Forgets what was told: the next time is the first one again. */
  forget(key: string): void {
    this.#book.forget(key);
  }

  /** What was to go out and did not: the next time is the first one again. */
  lost(outcome: Extract<Outcome, 'dropped' | 'failed'>, key: string, error?: unknown): void {
    this.forget(key);
    this.#tally(outcome, error);
  }

  #take(notice: Notice, image: NoticeImage, nameOf: () => string): readonly Told[] {
    const { namespace, time } = notice;
    const key = keyOf(notice, image);
    const isKnown = this.#book.seen(key, time);
    if (isKnown || !this.#buckets.take(namespace, time)) {
      this.#tally(isKnown ? 'repeated' : 'limited');
      return [];
    }
    const name = nameOf();
    this.#book.begin(key, namespace, name, time);
    return [{ key, name, image }];
  }
}
