import { setImmediate } from 'node:timers/promises';

/** What a pump does with its items and tells of itself. */
export interface PumpOptions<T> {
  /** One item at a time; what it throws goes to `failed`. */
  readonly work: (item: T) => Promise<void>;
  /** Items that may wait; one that finds no room is dropped. */
  readonly room: number;
  readonly dropped: (item: T) => void;
  readonly failed: (item: T, error: unknown) => void;
}

/** A bounded queue with one worker behind it. `offer` returns at once and never throws; the work begins after what runs now. */
export class Pump<T> {
  readonly #options: PumpOptions<T>;
  readonly #waiting: T[] = [];
  #run: Promise<void> | undefined;

  constructor(options: PumpOptions<T>) {
    this.#options = options;
  }

  /** Queues an item, or drops it where there is no room. */
  offer(item: T): void {
    if (this.#waiting.length < this.#options.room) {
      this.#waiting.push(item);
      this.#run ??= this.#drain();
    } else this.#options.dropped(item);
  }

  /** Resolves once nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#run !== undefined) await this.#run;
  }

  async #drain(): Promise<void> {
    await setImmediate();
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      try {
        await this.#options.work(item);
      } catch (error) {
        this.#options.failed(item, error);
      }
    }
    this.#run = undefined;
  }
}
