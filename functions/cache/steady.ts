import type { Clock } from '../ports.ts';

/** Corrections of the clock that count for nothing (ms). */
const TOLERANCE = 1_000;

/** A moment: ms since the epoch, never falling within one epoch; the epoch counts how often the clock was set back. */
export interface Moment {
  readonly now: number;
  readonly epoch: number;
}

/**
 * Reads a clock that may be set back. Small steps back are held at the highest time seen, so that nothing lives longer by them; a large one
 * begins a new epoch, in which what was verified before has to be verified again.
 */
export class SteadyClock {
  readonly #clock: Clock;
  #highest = Number.NEGATIVE_INFINITY;
  #epoch = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The present moment. */
  moment(): Moment {
    const now = this.#clock.now();
    if (now < this.#highest - TOLERANCE) {
      this.#epoch += 1;
      this.#highest = now;
    }
    this.#highest = Math.max(this.#highest, now);
    return { now: this.#highest, epoch: this.#epoch };
  }
}
