import { randomBytes } from 'node:crypto';
import { isObject, type JsonObject, own } from '../json.ts';
import type { Cluster } from '../ports.ts';
import type { Channel, EventStore, Tally } from './channel.ts';
import { eventOf, microTime, type Reference, regardingOf } from './event.ts';
import { Intake, type Rates, type Told } from './intake.ts';
import type { Notice } from './notice.ts';
import { Pump } from './pump.ts';

/** What Events are written with. */
export interface EventsOptions {
  readonly store: EventStore;
  /** Reads the controller that an object names, to see that it exists. */
  readonly cluster: Pick<Cluster, 'owner'>;
  readonly tally: Tally;
  /** Which process reports. */
  readonly instance: string;
  readonly rates?: Rates;
}

/** Writes of one process: 25 at once and then 5 a minute for a namespace (client-go lets an object have 25 and then one in 5 minutes), 100 and then 120 for all. */
export const EVENT_RATES = { namespace: { burst: 25, perMinute: 5 }, all: { burst: 100, perMinute: 120 } } as const;
/** Writes that may wait for the API server. */
const ROOM = 256;
/** Milliseconds for the read of a controller. */
const OWNER_TIMEOUT = 5_000;
const INSTANCE_LENGTH = 128;

type Write =
  | (Told & { readonly do: 'create'; readonly notice: Notice })
  | {
      readonly do: 'count';
      readonly key: string;
      readonly namespace: string;
      readonly name: string;
      readonly series: JsonObject;
    };

/** Tells refusals as Events of Kubernetes: one for each image and reason, then a count on it; within the rates of the namespace and of all. */
export class Events implements Channel {
  readonly name = 'events';
  readonly #options: EventsOptions;
  readonly #intake: Intake;
  readonly #pump: Pump<Write>;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#intake = new Intake(options.rates ?? EVENT_RATES, options.tally);
    this.#pump = new Pump<Write>({
      room: ROOM,
      work: (write) => this.#write(write),
      dropped: ({ key }) => this.#intake.lost('dropped', key),
      failed: ({ key }, error) => this.#intake.lost('failed', key, error),
    });
  }

  /** A dry run leaves nothing behind; what has no namespace has no place for an Event. */
  offer(notice: Notice): void {
    if (notice.dryRun || notice.namespace === '') return;
    for (const told of this.#intake.take(notice, () => `portieris.${randomBytes(10).toString('hex')}`))
      this.#pump.offer({ do: 'create', notice, ...told });
  }

  tick(now: number, last = false): void {
    for (const [key, series] of this.#intake.due(now, last)) {
      const { namespace, name, count, seen } = series;
      series.written = count;
      series.wrote = now;
      const told = { count, lastObservedTime: microTime(seen) };
      this.#pump.offer({ do: 'count', key, namespace, name, series: told });
    }
  }

  idle(): Promise<void> {
    return this.#pump.idle();
  }

  async #write(write: Write): Promise<void> {
    if (write.do === 'create') {
      const { notice, image, name } = write;
      const regarding = await this.#regarding(notice);
      const instance = this.#options.instance.slice(0, INSTANCE_LENGTH);
      await this.#options.store.create(eventOf(notice, image, { name, regarding, instance }));
    } else if (!(await this.#options.store.count(write.namespace, write.name, write.series))) {
      // Events live an hour (kube-apiserver --event-ttl); the next time makes a new one.
      return this.#intake.forget(write.key);
    }
    this.#options.tally('sent');
  }

  /** The controller counts where it is stored under the UID that the object claims: else anybody could write into what others look at. */
  async #regarding(notice: Notice): Promise<Reference> {
    const { namespace, stands, controller } = notice;
    if (stands || controller === undefined) return regardingOf(notice);
    const { apiVersion, kind, name, uid } = controller;
    try {
      const stored = await this.#options.cluster.owner(namespace, controller, AbortSignal.timeout(OWNER_TIMEOUT));
      const metadata = stored === undefined ? undefined : own(stored, 'metadata');
      if (isObject(metadata) && own(metadata, 'uid') === uid) return { apiVersion, kind, name, uid, namespace };
    } catch {
      // An owner that can't be read is none: the namespace is where people look next.
    }
    return regardingOf(notice);
  }
}
