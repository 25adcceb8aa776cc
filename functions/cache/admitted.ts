import { LRUCache } from 'lru-cache';
import { turn } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import { within } from '../deadline.ts';
import type { Log } from '../log.ts';
import type { AdmittedMemory, AdmittedQuery, Clock, RememberedTrust, SignedToday, TrustMemory } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';
import type { TrustFacts } from '../trust/notary/facts.ts';
import { isAbove, isNews, sameKeys } from '../trust/notary/remembered.ts';
import { rememberedOf } from '../trust/notary/update.ts';

/** Digests known to be remembered already: they are not written again within a day. */
const KNOWN = 100_000;
const DAY = 24 * 3600 * 1000;
/** An admission waits this long (ms) for its digest to be remembered. */
const PATIENCE = 1_000;
/** What keeps notes from being written is told again after this long (ms); in between it is counted. */
const TOLD_AGAIN = 600_000;
/** The longest tag that an image can name (OCI distribution specification). */
const TAG_LENGTH = 128;

/** What the memory of admitted digests is made of. */
export interface AdmittedOptions {
  readonly memory: TrustMemory;
  readonly clock: Clock;
  /** For how long (ms) after it left the trust data a digest may be admitted where it was admitted before. */
  readonly grace: number;
  /** Told of `pardon`: admitted for what was; `unnoted`: what was admitted could not be remembered. */
  readonly observe: (event: 'pardon' | 'unnoted') => void;
  /** Told why something could not be remembered: each cause once in ten minutes. */
  readonly log: Log;
}

/** What is noted, and when. */
interface Note {
  readonly query: AdmittedQuery & { readonly tag: string };
  readonly facts: TrustFacts;
  readonly now: number;
}

/** True where another replica noted the same today: that all of them write what all of them admit would cost the API server a write for each. */
const isNoted = (record: RememberedTrust, query: AdmittedQuery, now: number): boolean =>
  (record.admitted ?? []).some(
    ({ sha256, namespace, tag, demand, seen, left }) =>
      left === undefined &&
      now - seen < DAY &&
      sha256 === query.sha256 &&
      namespace === query.namespace &&
      tag === query.tag &&
      demand === query.demand,
  );

/** The memory of admitted digests; undefined where the operator gives no grace, for then nobody would profit by it. */
export const openAdmitted = (options: AdmittedOptions): Admitted | undefined =>
  options.grace > 0 ? new Admitted(options) : undefined;

/** Remembers in the TrustRecord which digests were admitted where, and by which proof. */
export class Admitted implements AdmittedMemory {
  readonly #options: AdmittedOptions;
  readonly #noting = new Set<Promise<void>>();
  /** When each cause was last told (ms), by its code. */
  readonly #told = new Map<string, number>();
  readonly #known = new LRUCache<string, number>({ max: KNOWN });
  /** Roots of first uses whose versions are noted: a record that was reset has none, whatever is known. */
  readonly #versioned = new WeakSet<TrustFacts['root']>();

  constructor(options: AdmittedOptions) {
    this.#options = options;
  }

  note(query: AdmittedQuery, facts: TrustFacts): void {
    const now = this.#options.clock.now();
    const key = JSON.stringify([query.server, query.gun, query.sha256, query.namespace, query.tag, query.demand]);
    const { tag } = query;
    if (tag === undefined || tag.length > TAG_LENGTH) return;
    const isKnown = now - (this.#known.get(key) ?? Number.NEGATIVE_INFINITY) < DAY;
    if (isKnown && (facts.unversioned !== true || this.#versioned.has(facts.root))) return;
    this.#known.set(key, now);
    this.#versioned.add(facts.root);
    const noting = this.#noted(key, { query: { ...query, tag }, facts, now }).finally(() =>
      this.#noting.delete(noting),
    );
    this.#noting.add(noting);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#noting);
  }

  async #noted(key: string, note: Note): Promise<void> {
    // The answer goes out first.
    await turn();
    try {
      const timed = AbortSignal.timeout(PATIENCE);
      await within(timed, this.#write(note, timed), 'What was admitted could not be remembered in time.');
    } catch (error) {
      // Whatever it was: the digest is admitted by its signature, and is noted by a later admission.
      this.#known.delete(key);
      this.#versioned.delete(note.facts.root);
      this.#options.observe('unnoted');
      this.#tell(error, note.query);
    }
  }

  #tell(error: unknown, { server, gun }: AdmittedQuery): void {
    const { log, clock } = this.#options;
    const expected = error instanceof Fault || error instanceof TrustError;
    const code = expected ? error.code : 'BUG';
    const now = clock.now();
    if (Math.abs(now - (this.#told.get(code) ?? Number.NEGATIVE_INFINITY)) < TOLD_AGAIN) return;
    this.#told.set(code, now);
    const what = 'what was admitted could not be remembered';
    if (expected) log.warn({ code, server, repository: gun, reason: error.message }, what);
    else log.error({ code, server, repository: gun, err: error }, what);
  }

  async #write({ query, facts, now }: Note, signal: AbortSignal): Promise<void> {
    const { server, gun, sha256, namespace, tag, demand } = query;
    const { memory } = this.#options;
    const record = await memory.read(server, gun, signal);
    if (record === undefined) return;
    const seen = rememberedOf(facts);
    // Where the record went on meanwhile, or to other keys, these facts have nothing to say to it.
    const { versions, expires } = sameKeys(record, seen) && isAbove(seen, record) ? seen : record;
    const admitted = isNoted(record, query, now) ? [] : [{ sha256, namespace, tag, demand, seen: now }];
    const told = { ...record, versions, expires, admitted };
    if (isNews(record, told, now)) await memory.remember(told, record, signal);
  }

  async pardon(
    { server, gun, sha256, namespace, tag, demand }: AdmittedQuery,
    { isSigned, stands }: SignedToday,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { memory, clock, grace, observe } = this.#options;
    const record = await memory.read(server, gun, signal);
    const ends = (record?.admitted ?? [])
      .filter((one) => one.sha256 === sha256 && one.namespace === namespace && one.demand === demand)
      .filter((one) => (tag === undefined || one.tag === tag) && stands(one.tag))
      .flatMap(({ left }) => (isSigned ? [Number.POSITIVE_INFINITY] : left === undefined ? [] : [left + grace]));
    const until = Math.max(...ends);
    if (ends.length === 0 || clock.now() >= until) return undefined;
    observe('pardon');
    return until;
  }
}
