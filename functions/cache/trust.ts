import type { Awaitable } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import { detached, within } from '../deadline.ts';
import { LIMITS } from '../limits.ts';
import type { FetchOutcome, TrustHoldings } from '../metrics/trust.ts';
import type {
  Clock,
  NotaryFiles,
  RememberedTrust,
  RepositoryAddress,
  TrustMemory,
  TrustQuery,
  TrustSource,
} from '../ports.ts';
import type { TrustFacts } from '../trust/notary/facts.ts';
import { fetchAhead } from '../trust/notary/fetch.ts';
import { rolesWanted, updateTrust } from '../trust/notary/update.ts';
import { afterChange, Entries, type Entry, isSettled, isUsable, previousOf } from './entries.ts';
import { Expiries } from './expiry.ts';
import { FaultMemory, isBusy, isOutage, restOf } from './faults.ts';
import { keyOf } from './key.ts';
import { type CacheObserver, SILENT } from './observer.ts';
import { FirstUse, Remembering } from './remembering.ts';
import { type Moment, SteadyClock } from './steady.ts';

/** What the cache is made of. Times in milliseconds. */
export interface TrustCacheOptions {
  readonly files: NotaryFiles;
  readonly memory: TrustMemory;
  readonly clock: Clock;
  /** For how long facts serve before the server is asked again; it is asked ahead after half of it. */
  readonly ttl: number;
  /** For how long beyond the TTL they go on serving while there is no answer, never beyond a role's expiry; by default until that. */
  readonly staleIfError?: number;
  /** How long callers wait for an update while there are facts to fall back on, counted from its beginning; default one second. */
  readonly patience?: number;
  readonly maxBytes: number;
  readonly observe?: CacheObserver;
  /** How trust data is fetched and verified; default `updateTrust`. */
  readonly update?: typeof updateTrust;
}

/** An update under way. */
interface Flight {
  readonly address: RepositoryAddress;
  readonly began: Moment;
  readonly done: Promise<Entry>;
  /** Aborts when whoever has something to fall back on has waited long enough, whenever he came; undefined where nobody has. */
  readonly patience: AbortSignal | undefined;
  /** What its record became since, by whomever; the update may have read it before. */
  told?: { readonly record: RememberedTrust | undefined };
}

/** What answers a query; `cause`: why the server gave no answer to it. */
interface Found {
  readonly entry: Entry;
  readonly cause?: Fault;
}

/** However long an outage lasts: its bound is the expiry of the timestamp, which the repository's owner chose (TUF §5.4.4). */
const DEFAULT_STALE = Number.POSITIVE_INFINITY;
const DEFAULT_PATIENCE = 1_000;

/**
 * Verified trust data until the first of its TTL and any role's expiry. One update in flight per key, detached from the callers, who wait with their own
 * signals; refreshed ahead. Facts are kept, never decisions; failures only for moments, against hammering.
 */
export class TrustCache implements TrustSource {
  readonly #options: TrustCacheOptions;
  readonly #clock: SteadyClock;
  readonly #observe: CacheObserver;
  readonly #entries: Entries;
  readonly #remembering: Remembering;
  readonly #expiries = new Expiries();
  readonly #flights = new Map<string, Flight>();
  readonly #failures = new FaultMemory();

  constructor(options: TrustCacheOptions) {
    this.#options = options;
    this.#clock = new SteadyClock(options.clock);
    this.#observe = options.observe ?? SILENT;
    this.#entries = new Entries(options.maxBytes, (event) => this.#observe.cache(event));
    this.#remembering = new Remembering(options.memory, this.#observe);
    options.memory.listen((server, gun, record) => this.#recorded(server, gun, record));
  }

  /** Facts that the query may rely on. Throws `TrustError` where the data does not hold, and `Fault`, DEADLINE when `signal` ends first. */
  facts(query: TrustQuery, signal: AbortSignal): Awaitable<TrustFacts> {
    const key = keyOf(query);
    const ready = this.#ready(key, query);
    return ready !== undefined && isSettled(ready, query) ? ready.facts : this.#asked(key, query, ready, signal);
  }

  async #asked(key: string, query: TrustQuery, ready: Entry | undefined, signal: AbortSignal): Promise<TrustFacts> {
    const { entry, cause }: Found = ready === undefined ? await this.#awaited(key, query, signal) : { entry: ready };
    const { facts, verified } = isSettled(entry, query) ? entry : await this.#settled(key, query, entry, signal);
    return cause === undefined ? facts : { ...facts, unanswered: { since: verified.now, cause } };
  }

  /** What is held, for a scrape. */
  holdings(): TrustHoldings {
    const { size, bytes } = this.#entries;
    const shown = this.#expiries.of(this.#entries.all(), this.#clock.moment().now);
    return { entries: size, bytes, maxBytes: this.#options.maxBytes, ...shown };
  }

  /** What is in the cache and good enough, with a refresh begun where half of its time is over. */
  #ready(key: string, query: TrustQuery): Entry | undefined {
    const moment = this.#clock.moment();
    const entry = this.#entries.get(key);
    const age = entry === undefined ? 0 : moment.now - entry.verified.now;
    if (entry === undefined || entry.behind || !isUsable(entry, moment) || age >= this.#options.ttl) return undefined;
    if (query.notBefore !== undefined && entry.verified.now < query.notBefore) return undefined;
    if (age * 2 >= this.#options.ttl && !this.#flights.has(key) && this.#failure(key, query) === undefined) {
      this.#observe.cache('refresh');
      this.#begin(key, query);
    }
    this.#observe.cache('hit');
    this.#observe.served(age / 1000);
    return entry;
  }

  /** The outcome of an update that began late enough, or what may stand in its place in an outage. */
  async #awaited(key: string, query: TrustQuery, signal: AbortSignal): Promise<Found> {
    this.#observe.cache('miss');
    const update = this.#updated(key, query);
    const late = `The trust data of ${query.address.gun} was not complete in time.`;
    if (this.#fallback(key, query) === undefined) return { entry: await within(signal, update, late) };
    try {
      // A server that hangs is an outage too: with something to fall back on, nobody waits for its end.
      const patience = this.#flights.get(key)?.patience;
      const waited = patience === undefined ? signal : AbortSignal.any([signal, patience]);
      return { entry: await within(waited, update, late) };
    } catch (error) {
      const entry = isOutage(error) && !signal.aborted ? this.#fallback(key, query) : undefined;
      if (entry === undefined || !(error instanceof Fault)) throw error;
      this.#observe.cache('stale');
      this.#observe.served((this.#clock.moment().now - entry.verified.now) / 1000);
      return { entry, cause: error };
    }
  }

  /** The failure that answers in the server's place: that of the last look, or its wish to be left alone by this caller. */
  #failure(key: string, query: TrustQuery): { readonly error: unknown } | undefined {
    const { now } = this.#clock.moment();
    return this.#failures.get(key, now) ?? this.#failures.get(restOf(query), now);
  }

  /** Facts past their TTL that may serve while there is no answer. */
  #fallback(key: string, query: TrustQuery): Entry | undefined {
    const moment = this.#clock.moment();
    const entry = this.#entries.get(key);
    if (entry === undefined || !isUsable(entry, moment) || query.notBefore !== undefined) return undefined;
    const limit = this.#options.ttl + (this.#options.staleIfError ?? DEFAULT_STALE);
    return moment.now - entry.verified.now < limit ? entry : undefined;
  }

  async #updated(key: string, query: TrustQuery): Promise<Entry> {
    const flight = this.#flights.get(key);
    if (flight !== undefined) {
      // A server slower than the TTL must not make older facts of what a caller is given.
      if (flight.began.now >= (query.notBefore ?? this.#clock.moment().now - this.#options.ttl)) return flight.done;
      // Too early for this caller; whatever comes of it, the next one begins after it.
      await flight.done.catch(() => undefined);
    }
    const failure = this.#failure(key, query);
    if (failure !== undefined) throw failure.error;
    return (this.#flights.get(key) ?? this.#begin(key, query)).done;
  }

  #begin(key: string, query: TrustQuery): Flight {
    const began = this.#clock.moment();
    // Detached: the caller may give up, the next one finds the data.
    const late = `The trust data of ${query.address.gun} was not complete in ${LIMITS.fetchMilliseconds / 1000} seconds.`;
    const look = (signal: AbortSignal): Promise<Entry> => this.#update(key, { query, began }, signal);
    const done = detached(LIMITS.fetchMilliseconds, look, late);
    const patience = this.#entries.get(key) && AbortSignal.timeout(this.#options.patience ?? DEFAULT_PATIENCE);
    const flight: Flight = { address: query.address, began, done, patience };
    this.#flights.set(key, flight);
    const crashed = (error: unknown): void => this.#crashed(key, { query, began }, error);
    done.then((entry) => this.#landed(key, entry), crashed);
    return flight;
  }

  async #update(
    key: string,
    { query, began }: { query: TrustQuery; began: Moment },
    signal: AbortSignal,
  ): Promise<Entry> {
    const { memory, files, update = updateTrust } = this.#options;
    const isNew = this.#entries.get(key) === undefined;
    const ahead = isNew ? fetchAhead({ files, request: query, signal }, rolesWanted(query.roles)) : undefined;
    const remembered = await memory.read(query.address.server, query.address.gun, signal);
    const previous = previousOf(this.#entries.get(key), remembered);
    const isFirst = remembered === undefined && query.noted === true && !query.dryRun;
    const first = isFirst ? new FirstUse(memory, query, signal) : undefined;
    const request = { ...query, remembered, previous, ahead, trusted: first?.trusted };
    // The end of the look would end the write.
    const facts = await update(request, files, began.now, signal).finally(() => Promise.allSettled([first?.record]));
    const record = (await first?.record) ?? remembered;
    const entry: Entry = { facts, verified: began, record, written: false, stands: true, behind: false };
    if (query.dryRun) return entry;
    const told = this.#flights.get(key)?.told;
    const rooted = record !== remembered && (told === undefined || afterChange(entry, told.record).stands);
    return this.#remembering.written(entry, { query, rooted, now: this.#clock.moment().now, signal });
  }

  /** A record was changed by an operator or another replica, which counts for what is held, and for what is under way. */
  #recorded(server: string, gun: string, record: RememberedTrust | undefined): void {
    for (const [key, entry] of this.#entries.of(server, gun)) {
      const changed = afterChange(entry, record);
      if (changed !== entry) this.#entries.keep(key, changed);
    }
    for (const flight of this.#flights.values())
      if (flight.address.gun === gun && flight.address.server === server) flight.told = { record };
  }

  /** What a dry run fetched is written down by the first admission that counts on it, before it counts on it. */
  async #settled(key: string, query: TrustQuery, entry: Entry, signal: AbortSignal): Promise<Entry> {
    const { now } = this.#clock.moment();
    const settled = await this.#remembering.written(entry, { query, rooted: false, now, signal });
    if (this.#entries.get(key) === entry) this.#entries.keep(key, settled);
    return settled;
  }

  #landed(key: string, entry: Entry): void {
    const told = this.#flights.get(key)?.told;
    this.#flights.delete(key);
    this.#failures.delete(key);
    this.#fetched(entry.verified, 'verified');
    this.#entries.keep(key, told === undefined ? entry : afterChange(entry, told.record));
  }

  #crashed(key: string, { query, began }: { query: TrustQuery; began: Moment }, error: unknown): void {
    const { now } = this.#clock.moment();
    this.#flights.delete(key);
    this.#failures.add(key, error, now);
    // Who is asked to call less often asks for no other repository either.
    if (isBusy(error)) this.#failures.add(restOf(query), error, now);
    const outage = isOutage(error);
    this.#observe.cache(outage ? 'fault' : 'refusal');
    this.#fetched(began, outage ? 'fault' : 'refused');
    const entry = this.#entries.get(key);
    if (entry !== undefined && !outage) this.#entries.keep(key, { ...entry, stands: false });
  }

  #fetched(began: Moment, outcome: FetchOutcome): void {
    this.#observe.fetched(Math.max(0, this.#clock.moment().now - began.now) / 1000, outcome);
  }
}
