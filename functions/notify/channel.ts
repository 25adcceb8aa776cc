import type { JsonObject } from '../json.ts';
import type { Notice } from './notice.ts';

/** Ways on which refusals go out. */
export const CHANNELS = ['events', 'cloudevents'] as const;
/** One of `CHANNELS`. */
export type ChannelName = (typeof CHANNELS)[number];

/** What became of something that was to be told; docs/alerts.md has the meaning of each. */
export const OUTCOMES = ['sent', 'repeated', 'limited', 'dropped', 'failed'] as const;
/** One of `OUTCOMES`. */
export type Outcome = (typeof OUTCOMES)[number];

/** Told of every outcome; `error` says why, where something failed. */
export type Tally = (outcome: Outcome, error?: unknown) => void;

/** One way on which notices go out. Nothing of it throws or waits. */
export interface Channel {
  readonly name: ChannelName;
  /** Takes a notice. */
  offer(notice: Notice): void;
  /** Does what is due by now (ms since the epoch); `last`: all that is left, for the process ends. */
  tick(now: number, last?: boolean): void;
  /** Resolves once nothing is under way. */
  idle(): Promise<void>;
}

/** Where Events of Kubernetes are written. Both throw an Error with a sentence where the API server does not take them or gives no answer. */
export interface EventStore {
  /** Makes an Event in the namespace of its metadata. */
  create(event: JsonObject): Promise<void>;
  /** Writes the count of an Event, and when it was last seen (`series`); false where there is no such Event any more. */
  count(namespace: string, name: string, series: JsonObject): Promise<boolean>;
}
