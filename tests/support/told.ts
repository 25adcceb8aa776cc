import type { JsonObject } from '../../functions/json.ts';
import type { EventStore, Outcome } from '../../functions/notify/channel.ts';
import { Events } from '../../functions/notify/events.ts';
import { noticeOf } from '../../functions/notify/notice.ts';
import type { OwnerReference } from '../../functions/ports.ts';
import { admissionOf, type PodShape, podReview } from './admission.ts';

/** Events in a map, behind the port that the API server stands behind in a cluster. */
export class EventList implements EventStore {
  readonly events = new Map<string, JsonObject>();
  /** Counts written so far, in order. */
  readonly counts: JsonObject[] = [];
  /** Thrown by every write, while it is set. */
  broken: Error | undefined;

  async create(event: JsonObject): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    this.events.set(String((event['metadata'] as JsonObject)['name']), event);
  }

  async count(_namespace: string, name: string, series: JsonObject): Promise<boolean> {
    if (this.broken !== undefined) throw this.broken;
    this.counts.push(series);
    return this.events.has(name);
  }

  get list(): readonly JsonObject[] {
    return [...this.events.values()];
  }
}

/** Events of a cluster that holds these owners, with all that became of them. */
export class TellingEvents {
  readonly store = new EventList();
  readonly outcomes: Outcome[] = [];
  readonly errors: unknown[] = [];
  /** Stored owners by UID. */
  readonly owners = new Map<string, JsonObject>();
  readonly events: Events;
  now = Date.parse('2026-03-01T12:00:00.250Z');

  constructor() {
    const owner = async (_namespace: string, { uid }: OwnerReference) => this.owners.get(uid);
    const tally = (outcome: Outcome, error?: unknown) => {
      this.outcomes.push(outcome);
      if (error !== undefined) this.errors.push(error);
    };
    this.events = new Events({ store: this.store, cluster: { owner }, tally, instance: 'gate-0' });
  }

  /** Tells of the admission of a pod, and waits until it is written. */
  async pod(shape: PodShape = {}, message?: string): Promise<void> {
    await this.offer(shape, message);
    await this.events.idle();
  }

  /** The same, without waiting. */
  async offer(shape: PodShape = {}, message?: string): Promise<void> {
    const notice = noticeOf(await admissionOf(podReview(shape), message), this.now);
    if (notice !== undefined) this.events.offer(notice);
  }

  /** Lets time go by, and what is due be written. */
  async after(milliseconds: number, last = false): Promise<void> {
    this.now += milliseconds;
    this.events.tick(this.now, last);
    await this.events.idle();
  }
}
