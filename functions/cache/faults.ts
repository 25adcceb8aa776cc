import { LRUCache } from 'lru-cache';
import { Fault } from '../codes.ts';
import { credentialIdentity } from '../io/credential.ts';
import type { TrustQuery } from '../ports.ts';

/** How long a failure answers for the server (ms): enough to break a storm, too short to be a decision. */
const SHORT_MEMORY = 2_000;
/** The longest that a server may ask to be left alone (ms). */
const LONGEST_MEMORY = 60_000;
/** Failures remembered at once. */
const REMEMBERED = 10_000;

/** Faults that mean "no answer", during which verified and unexpired data may go on serving; any other failure is an answer. */
const OUTAGES: ReadonlySet<string> = new Set([
  'DEADLINE',
  'TRUST_SERVER_UNREACHABLE',
  'TRUST_SERVER_ERROR',
  'TRUST_SERVER_BUSY',
  'CLUSTER_UNREACHABLE',
  'TRUST_RECORD_UNAVAILABLE',
]);

/** True for a failure that says nothing of the trust data or of who may read it. */
export const isOutage = (error: unknown): boolean => error instanceof Fault && OUTAGES.has(error.code);

/** True where a server asks to be called less often. */
export const isBusy = (error: unknown): boolean => error instanceof Fault && error.code === 'TRUST_SERVER_BUSY';

/** The key under which a server's wish to be left alone is kept: limits are counted by caller, so another credential may still ask. */
export const restOf = ({ address }: TrustQuery): string =>
  JSON.stringify([address.server, credentialIdentity(address.credential)]);

interface Failure {
  readonly error: unknown;
  readonly from: number;
  readonly until: number;
}

/** The short memory of failed updates, by key; against hammering a server that is down or asks for rest. */
export class FaultMemory {
  readonly #failures = new LRUCache<string, Failure>({ max: REMEMBERED });

  /** Remembers a failure at `now` (ms since the epoch): two seconds, or as long as Retry-After asks, at most a minute. */
  add(key: string, error: unknown, now: number): void {
    const asked = error instanceof Fault ? (error.retryAfter ?? 0) * 1000 : 0;
    this.#failures.set(key, { error, from: now, until: now + Math.min(Math.max(asked, SHORT_MEMORY), LONGEST_MEMORY) });
  }

  /** The failure that still counts at `now`, or undefined; a clock that went back before it forgets it. */
  get(key: string, now: number): { readonly error: unknown } | undefined {
    const failure = this.#failures.get(key);
    if (failure !== undefined && now >= failure.from && now < failure.until) return failure;
    this.#failures.delete(key);
    return undefined;
  }

  /** Forgets the failure after a success. */
  delete(key: string): void {
    this.#failures.delete(key);
  }
}
