import type { Log } from '../log.ts';
import type { Clock } from '../ports.ts';
import { Events, type Feed } from './feed.ts';
import type { Kube, WatchEnd } from './kubeconfig.ts';
import { ListError, listAll, refusalOf } from './list.ts';

/** The pace of following a resource; milliseconds unless the name says seconds. */
export interface Pace {
  /** The server is asked to end each watch after this long (seconds): a quiet watch proves itself alive by its end. */
  readonly watchSeconds: number;
  /** A watch without a byte for this long is given up; longer than `watchSeconds`. */
  readonly silence: number;
  /** A full list is read at least this often: it puts right whatever a watch lost without a sign. */
  readonly relist: number;
  /** A resource that is not installed is asked for again. */
  readonly absent: number;
  /** First wait after a failure, doubled up to the last one; each is cut by chance by up to half. */
  readonly backoff: { readonly first: number; readonly last: number };
  /** Without any contact for this long a source is not ready. */
  readonly stale: number;
  /** One page of a list. */
  readonly request: number;
}

/** Quiet watches end each 40 s, like client-go's idea of minutes but soon enough that three of them fit before `stale`. */
export const PACE: Pace = {
  watchSeconds: 40,
  silence: 50_000,
  relist: 600_000,
  absent: 10_000,
  backoff: { first: 500, last: 30_000 },
  stale: 150_000,
  request: 30_000,
};

/** What following needs of its surroundings. */
export interface FollowContext {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** A number from 0 to 1 by chance, by which waits differ. */
  readonly chance: () => number;
}

/** Where following stands. */
export interface FollowState {
  /** True after the first full list, or the certainty that the resource is not installed. */
  readonly synced: boolean;
  /** When the server was last heard of (ms since the epoch). */
  readonly contact: number;
  /** What went wrong last, until something goes right. */
  readonly trouble: string | undefined;
}

/** Waits, or until the signal; never rejects. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });

/** Follows one collection for as long as the signal allows: list, watch, and list again when the watch can't be relied on. */
export class Follower {
  readonly #feed: Feed;
  readonly #context: FollowContext;
  #version: string | undefined;
  #listed = 0;
  #failures = 0;
  #hint: number | undefined;
  #state: FollowState = { synced: false, contact: 0, trouble: undefined };

  constructor(feed: Feed, context: FollowContext) {
    this.#feed = feed;
    this.#context = context;
  }

  /** A clock that was set back makes a contact lie ahead of it; age is then counted from the first look after that, or silence would never be noticed. */
  get state(): FollowState {
    const now = this.#context.clock.now();
    if (this.#state.contact > now) this.#state = { ...this.#state, contact: now };
    return this.#state;
  }

  #isDue(): boolean {
    const age = this.#context.clock.now() - this.#listed;
    return age < 0 || age >= this.#context.pace.relist;
  }

  /** Runs until the signal; never rejects. */
  async run(): Promise<void> {
    const { signal, pace } = this.#context;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined || this.#isDue()) await this.#list();
        if (this.#version === undefined) await pause(pace.absent, signal);
        else await this.#watch(this.#version);
      } catch (error) {
        this.#fail(error);
      }
      if (this.#failures > 0) await pause(this.#wait(), signal);
    }
  }

  #wait(): number {
    const { first, last } = this.#context.pace.backoff;
    const step = Math.min(last, first * 2 ** Math.min(this.#failures - 1, 16));
    // Replicas that lost the same server must not come back in step.
    const jittered = step * (0.5 + this.#context.chance() / 2);
    const hint = Math.min((this.#hint ?? 0) * 1000, 60_000);
    this.#hint = undefined;
    return Math.max(jittered, hint);
  }

  #fail(error: unknown): void {
    if (this.#context.signal.aborted) return;
    const trouble = error instanceof Error ? error.message : 'unknown error';
    this.#trouble(trouble);
    if (error instanceof ListError && error.answer !== undefined)
      this.#heed(error.answer.status, error.answer.retryAfter);
  }

  #trouble(trouble: string): void {
    this.#failures += 1;
    if (this.#state.trouble !== trouble)
      this.#context.log.warn({ resource: this.#feed.resource, trouble }, 'cluster watch');
    this.#state = { ...this.#state, trouble };
  }

  /** 401: the token was rotated or the configuration replaced; read it again rather than wait for client-node's minute. */
  #heed(status: number | undefined, retryAfter?: number): void {
    this.#hint = retryAfter;
    if (status !== 401) return;
    try {
      this.#context.kube.renew();
    } catch (error) {
      this.#trouble(`the kubeconfig cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`);
    }
  }

  /** The server was heard of; waits begin anew only when a watch lived, for lists alone would hammer it. */
  #contact(): void {
    this.#state = { ...this.#state, contact: this.#context.clock.now(), trouble: undefined };
  }

  #alive(): void {
    this.#failures = 0;
    this.#contact();
  }

  async #list(): Promise<void> {
    const { kube, pace, signal, clock } = this.#context;
    const { path, resource } = this.#feed;
    this.#version = undefined;
    const listed = await listAll({ kube, path, resource, timeout: pace.request, signal });
    this.#feed.installed?.(listed !== undefined);
    this.#feed.replace(listed?.objects ?? []);
    this.#version = listed?.version;
    this.#listed = clock.now();
    if (listed === undefined) this.#alive();
    else this.#contact();
    this.#state = { ...this.#state, synced: true };
  }

  async #watch(from: string): Promise<void> {
    const { kube, pace, signal, clock } = this.#context;
    const events = new Events(this.#feed, from);
    const stop = new AbortController();
    const started = clock.now();
    const end = await kube.watch({
      path: this.#feed.path,
      query: { resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds: pace.watchSeconds },
      silence: pace.silence,
      event: (type, object) => {
        events.take(type, object);
        if (events.outcome === 'fine') this.#alive();
        else stop.abort();
      },
      signal: AbortSignal.any([signal, stop.signal]),
    });
    if (signal.aborted) return;
    this.#version = events.version;
    if (events.outcome === 'fine') this.#ended(end, events.count > 0 || clock.now() - started >= 1000);
    else this.#interrupted(events.outcome);
  }

  #interrupted(outcome: Exclude<Events['outcome'], 'fine'>): void {
    const { resource } = this.#feed;
    if (typeof outcome === 'object') this.#refused(outcome.status);
    else {
      this.#version = undefined;
      if (outcome === 'gone') this.#trouble(`the watch of ${resource} fell behind; listing anew`);
      else this.#trouble(`an event of ${resource} could not be understood; listing anew`);
    }
  }

  #ended(end: WatchEnd, lived: boolean): void {
    if (end.how === 'closed') {
      // A server that closes each watch at once is no sign of life, and must not be asked without a pause.
      if (lived) this.#alive();
      else this.#trouble(`the API server closes the watch of ${this.#feed.resource} at once`);
    } else if (end.how === 'silent') {
      this.#version = undefined;
      this.#trouble(`the watch of ${this.#feed.resource} fell silent; listing anew`);
    } else this.#refused(end.status, end.error);
  }

  #refused(status: number | undefined, error?: unknown): void {
    if (status === 410 || status === 404) this.#version = undefined;
    const reason = error instanceof Error && status === undefined ? ` (${error.message})` : '';
    this.#trouble(`${refusalOf('watch', this.#feed.resource, status)}${reason}`);
    this.#heed(status);
  }
}
