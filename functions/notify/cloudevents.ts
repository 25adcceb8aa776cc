import type { Channel, Tally } from './channel.ts';
import type { Foresight } from './foresight.ts';
import { Intake, type Rates } from './intake.ts';
import type { Notice } from './notice.ts';
import { expiryEvent, imageEvent, type Outgoing } from './payload.ts';
import { Pump } from './pump.ts';

/** Where CloudEvents go. Throws an Error with a sentence where one was not taken, after it was tried again. */
export interface EventSink {
  send(event: Outgoing): Promise<void>;
}

/** What CloudEvents are sent with. */
export interface CloudEventsOptions {
  readonly sink: EventSink;
  readonly tally: Tally;
  readonly foresight: Foresight;
  readonly rates?: Rates;
}

/** What is sent by one process: for people who read each, less of one namespace than Events. */
export const CLOUDEVENT_RATES = {
  namespace: { burst: 25, perMinute: 5 },
  all: { burst: 200, perMinute: 240 },
} as const;
/** Events that may wait while the receiver is slow or away. */
const ROOM = 256;

/** Sends refusals, what modes let pass, and what expires soon as CloudEvents. What goes on without a break is sent once. */
export class CloudEvents implements Channel {
  readonly name = 'cloudevents';
  readonly #options: CloudEventsOptions;
  readonly #intake: Intake;
  readonly #pump: Pump<{ readonly key: string; readonly event: Outgoing }>;

  constructor(options: CloudEventsOptions) {
    const { sink, tally, rates = CLOUDEVENT_RATES } = options;
    this.#options = options;
    this.#intake = new Intake(rates, tally);
    this.#pump = new Pump({
      room: ROOM,
      work: async ({ event }) => {
        await sink.send(event);
        tally('sent');
      },
      dropped: ({ key }) => this.#intake.lost('dropped', key),
      failed: ({ key }, error) => this.#intake.lost('failed', key, error),
    });
  }

  offer(notice: Notice): void {
    if (notice.dryRun) return;
    for (const { key, image } of this.#intake.take(notice, () => ''))
      this.#pump.offer({ key, event: imageEvent(notice, image) });
  }

  tick(now: number): void {
    for (const expiry of this.#options.foresight.due(now))
      this.#pump.offer({ key: '', event: expiryEvent(expiry, now) });
  }

  idle(): Promise<void> {
    return this.#pump.idle();
  }
}
