import type { Admission } from '../admit.ts';
import type { Log } from '../log.ts';
import type { Channel, Outcome, Tally } from './channel.ts';
import { noticeOf } from './notice.ts';

/** Tells people and their tools of admissions after they were answered. Nothing of it throws, and nobody waits for it. */
export interface Notifier {
  /** Told of every admission, at `time` (ms since the epoch). */
  admission(admission: Admission, time: number): void;
  /** Sends what is left, for a bounded time. */
  close(): Promise<void>;
}

/** What a notifier is made with. */
export interface NotifierOptions {
  readonly log: Log;
  readonly clock: { now(): number };
  /** Counts every outcome of a channel. */
  readonly observe: (channel: Channel['name'], outcome: Outcome) => void;
  /** Makes a channel that tells its outcomes to the tally. */
  readonly channels: readonly ((tally: Tally) => Channel)[];
}

/** How often it is looked what is due, and what was lost is said (ms). */
const TICK = 10_000;
const SAID_EVERY = 60_000;
/** How long the end of the process is held up (ms). */
const LAST = 2_000;

/** What one channel lost since it was last said. */
class Losses {
  readonly #lost = new Map<Outcome, number>();
  #error: unknown;
  #said = Number.NEGATIVE_INFINITY;

  add(outcome: Outcome, error: unknown): void {
    if (outcome === 'sent' || outcome === 'repeated') return;
    this.#lost.set(outcome, (this.#lost.get(outcome) ?? 0) + 1);
    this.#error = error ?? this.#error;
  }

  say(channel: string, log: Log, now: number): void {
    if (this.#lost.size === 0 || now - this.#said < SAID_EVERY) return;
    const reason = this.#error instanceof Error ? this.#error.message : undefined;
    log.warn({ channel, ...Object.fromEntries(this.#lost), reason }, 'not everything could be told');
    this.#lost.clear();
    this.#error = undefined;
    this.#said = now;
  }
}

class Telling implements Notifier {
  readonly #options: NotifierOptions;
  readonly #channels: readonly { readonly channel: Channel; readonly losses: Losses }[];
  readonly #timer: NodeJS.Timeout;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#channels = options.channels.map((open) => {
      const losses = new Losses();
      const channel = open((outcome, error) => {
        losses.add(outcome, error);
        options.observe(channel.name, outcome);
      });
      return { channel, losses };
    });
    this.#timer = setInterval(() => this.#tick(), TICK).unref();
  }

  admission(admission: Admission, time: number): void {
    try {
      const notice = noticeOf(admission, time);
      if (notice !== undefined) for (const { channel } of this.#channels) channel.offer(notice);
    } catch (error) {
      this.#options.log.error({ err: error }, 'an admission could not be told');
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick(true);
    const all = Promise.all(this.#channels.map(({ channel }) => channel.idle()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST);
    await Promise.race([all, late]);
    clearTimeout(timer);
  }

  #tick(last = false): void {
    const now = this.#options.clock.now();
    for (const { channel, losses } of this.#channels) {
      channel.tick(now, last);
      losses.say(channel.name, this.#options.log, now);
    }
  }
}

/** A notifier that tells nobody, at no cost. */
const SILENT: Notifier = { admission: () => undefined, close: async () => undefined };

/** Opens the channels; without any, the notifier costs nothing. */
export const openNotifier = (options: NotifierOptions): Notifier =>
  options.channels.length === 0 ? SILENT : new Telling(options);
