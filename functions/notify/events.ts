import { randomBytes } from 'node:crypto';
import { isObject, type JsonObject, own } from '../json.ts';
import type { Cluster } from '../ports.ts';
import { Buckets, type Rate } from './bucket.ts';
import type { Channel, EventStore, Tally } from './channel.ts';
import { eventOf, keyOf, microTime, type Reference, regardingOf } from './event.ts';
import type { Notice, NoticeImage } from './notice.ts';
import { Pump } from './pump.ts';
import { SeriesBook } from './series.ts';

/** What Events are written with. */
export interface EventsOptions {
  readonly store: EventStore;
  /** Reads the controller that an object names, to see that it exists. */
  readonly cluster: Pick<Cluster, 'owner'>;
  readonly tally: Tally;
  /** Which process reports. */
  readonly instance: string;
  readonly rates?: { readonly namespace: Rate; readonly all: Rate };
}

/** Writes of one process: 25 at once and then 5 a minute for a namespace (client-go lets an object have 25 and then one in 5 minutes), 100 and then 120 for all. */
export const EVENT_RATES = { namespace: { burst: 25, perMinute: 5 }, all: { burst: 100, perMinute: 120 } } as const;
/** Writes that may wait for the API server. */
const ROOM = 256;
/** Milliseconds for the read of a controller. */
const OWNER_TIMEOUT = 5_000;
const INSTANCE_LENGTH = 128;

type Write =
  | {
      readonly do: 'create';
      readonly key: string;
      readonly name: string;
      readonly notice: Notice;
      readonly image: NoticeImage;
    }
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
  readonly #book = new SeriesBook();
  readonly #buckets: Buckets;
  readonly #pump: Pump<Write>;

  constructor(options: EventsOptions) {
    this.#options = options;
    const { namespace, all } = options.rates ?? EVENT_RATES;
    this.#buckets = new Buckets(namespace, all);
    this.#pump = new Pump<Write>({
      room: ROOM,
      work: (write) => this.#write(write),
      dropped: ({ key }) => {
        this.#book.forget(key);
        options.tally('dropped');
      },
      failed: ({ key }, error) => {
        this.#book.forget(key);
        options.tally('failed', error);
      },
    });
  }

  /** A dry run leaves nothing behind; what has no namespace has no place for an Event. */
  offer(notice: Notice): void {
    if (notice.dryRun || notice.namespace === '') return;
    for (const image of notice.images) this.#offer(notice, image);
  }

  tick(now: number, last = false): void {
    for (const [key, series] of this.#book.due(now, last)) {
      const { namespace, name, count, seen } = series;
      if (!this.#buckets.take(namespace, now)) continue;
      series.written = count;
      series.wrote = now;
      const told = { count, lastObservedTime: microTime(seen) };
      this.#pump.offer({ do: 'count', key, namespace, name, series: told });
    }
  }

  idle(): Promise<void> {
    return this.#pump.idle();
  }

  #offer(notice: Notice, image: NoticeImage): void {
    const { namespace, time } = notice;
    const key = keyOf(notice, image);
    if (this.#book.seen(key, time)) this.#options.tally('repeated');
    else if (this.#buckets.take(namespace, time)) {
      const name = `portieris.${randomBytes(10).toString('hex')}`;
      this.#book.begin(key, namespace, name, time);
      this.#pump.offer({ do: 'create', key, name, notice, image });
    } else this.#options.tally('limited');
  }

  async #write(write: Write): Promise<void> {
    if (write.do === 'create') {
      const { notice, image, name } = write;
      const regarding = await this.#regarding(notice);
      const instance = this.#options.instance.slice(0, INSTANCE_LENGTH);
      await this.#options.store.create(eventOf(notice, image, { name, regarding, instance }));
    } else if (!(await this.#options.store.count(write.namespace, write.name, write.series))) {
      // Events live an hour (kube-apiserver --event-ttl); the next time makes a new one.
      return this.#book.forget(write.key);
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
