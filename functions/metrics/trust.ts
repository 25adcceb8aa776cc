import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the trust data cache and the memory of what was admitted tell, by event, and what each means. */
export const CACHE_EVENTS = {
  hit: 'served from the cache',
  miss: 'an admission waits for an update',
  refresh: 'an update was begun ahead of the end of the TTL',
  stale: 'served beyond the TTL, for the server gave no answer',
  fault: 'an update ended without an answer',
  refusal: 'an update ended with an answer that does not hold',
  unwritten: 'versions that rose could not be remembered',
  evict: 'data left the cache to make room',
  oversize: 'data that is larger than the whole cache was not kept',
  pardon: 'a digest was admitted for the time after it left the trust data (TRUST_GRACE_HOURS)',
  unnoted: 'an admitted digest could not be remembered',
} as const satisfies Record<string, string>;
/** One event of `portieris_trust_cache_total`. */
export type CacheEvent = keyof typeof CACHE_EVENTS;

/** How an update of trust data ended: verified, refused for what the data is, or without an answer. */
export const FETCH_OUTCOMES = ['verified', 'refused', 'fault'] as const;
/** One of `FETCH_OUTCOMES`. */
export type FetchOutcome = (typeof FETCH_OUTCOMES)[number];

/** The expiry of one role of a repository, as it was seen last. */
export interface RoleExpiry {
  readonly server: string;
  readonly gun: string;
  /** `root`, `timestamp`, `targets/releases`; `root-certificate` is the certificate of the root key. */
  readonly role: string;
  /** ms since the epoch. */
  readonly expires: number;
}

/** What the trust data cache holds at the moment of a scrape. */
export interface TrustHoldings {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** The soonest first; as many as a scrape shows. */
  readonly expiries: readonly RoleExpiry[];
  /** Repositories whose expiries are not among them. */
  readonly omitted: number;
}

/** Told by the cache and by the door to the network. */
export interface TrustMetrics {
  /** Counts what the trust data cache did. */
  cache(event: CacheEvent): void;
  /** Seconds since the data was verified that an admission is answered from. */
  served(age: number): void;
  /** Seconds one update of trust data took, and how it ended. */
  fetched(seconds: number, outcome: FetchOutcome): void;
  /** Counts one request to a trust server or token service: its HTTP status, or what came in place of an answer. */
  requested(status: number | 'unreachable' | 'timeout'): void;
  /** What to ask at each scrape for what the cache holds. */
  holds(look: () => TrustHoldings): void;
}

/** Statuses that are counted by themselves; another one counts as its class. */
const STATUSES: ReadonlySet<number> = new Set([200, 401, 403, 404, 429, 500, 502, 503, 504]);
const statusOf = (status: number | string): string =>
  typeof status === 'string' || STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;

/** The longest value of a label; a name of a stranger may be longer. */
const LABEL_LENGTH = 256;
/** A name as a label: what is not printable ASCII would make lines that tools fail on, or names that look like others. */
export const labelOf = (name: string): string => name.slice(0, LABEL_LENGTH).replaceAll(/[^\x20-\x7e]/g, '?');

/** Registers what is told of trust data. */
export function openTrustMetrics(registry: Registry): TrustMetrics {
  const registers = [registry];
  const events = new Counter({
    name: 'portieris_trust_cache_total',
    help: 'What the trust data cache did, by event',
    labelNames: ['event'],
    registers,
  });
  for (const event of Object.keys(CACHE_EVENTS)) events.inc({ event }, 0);
  const age = new Histogram({
    name: 'portieris_trust_age_seconds',
    help: 'Time since the trust data was verified that an admission is answered from',
    buckets: [1, 10, 60, 300, 600, 900, 1800, 3600, 14_400, 86_400],
    registers,
  });
  const fetches = new Histogram({
    name: 'portieris_trust_fetch_seconds',
    help: 'Time of one update of trust data, by outcome',
    labelNames: ['outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  for (const outcome of FETCH_OUTCOMES) fetches.zero({ outcome });
  const requests = new Counter({
    name: 'portieris_trust_requests_total',
    help: 'Requests to trust servers and their token services, by HTTP status or by what came in its place',
    labelNames: ['status'],
    registers,
  });
  for (const status of [...STATUSES, 'unreachable', 'timeout']) requests.inc({ status: String(status) }, 0);
  return {
    cache: (event) => events.inc({ event }),
    served: (seconds) => age.observe(seconds),
    fetched: (seconds, outcome) => fetches.observe({ outcome }, seconds),
    requested: (status) => requests.inc({ status: statusOf(status) }),
    holds: (look) => registerHoldings(registry, look),
  };
}

function registerHoldings(registry: Registry, look: () => TrustHoldings): void {
  new Gauge({
    name: 'portieris_trust_expiry_timestamp_seconds',
    help: 'When a role of a repository expires that an admission asked for within the last day; the soonest ones',
    labelNames: ['server', 'repository', 'role'],
    registers: [registry],
    // One look serves all five. It stands first: a registry reads its metrics in the order in which they were made.
    collect() {
      const held = look();
      entries.set(held.entries);
      bytes.set(held.bytes);
      maxBytes.set(held.maxBytes);
      omitted.set(held.omitted);
      this.reset();
      // Of two that look alike as labels the one that expires sooner is told: it comes last.
      for (const { server, gun, role, expires } of held.expiries.toReversed())
        this.set({ server: labelOf(server), repository: labelOf(gun), role: labelOf(role) }, expires / 1000);
    },
  });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers: [registry] });
  const entries = gauge('portieris_trust_cache_entries', 'Sets of trust data in the cache');
  const bytes = gauge('portieris_trust_cache_bytes', 'Bytes of trust data in the cache, about');
  const maxBytes = gauge('portieris_trust_cache_max_bytes', 'Bytes that the cache may hold (TRUST_CACHE_BYTES)');
  const omitted = gauge(
    'portieris_trust_expiry_omitted',
    'Repositories of the last day that portieris_trust_expiry_timestamp_seconds leaves out',
  );
}
