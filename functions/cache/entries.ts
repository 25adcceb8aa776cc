import { LRUCache } from 'lru-cache';
import type { RememberedTrust, TrustQuery } from '../ports.ts';
import type { TrustFacts } from '../trust/notary/facts.ts';
import { goesOn, isBehind, sameKeys } from '../trust/notary/remembered.ts';
import { rememberedOf } from '../trust/notary/update.ts';
import type { Moment } from './steady.ts';

/** Bytes of an entry beside its facts. */
const ENTRY_BYTES = 1024;

/** Verified facts and what stands around them. */
export interface Entry {
  readonly facts: TrustFacts;
  /** When the update that gave them began. */
  readonly verified: Moment;
  /** What the memory held of the repository when they were verified, or holds since. */
  readonly record: RememberedTrust | undefined;
  /** True once the memory holds what the facts show; versions that merely rose may be left to a later update. */
  readonly written: boolean;
  /** False once a later update gave an answer that is a refusal: then they are a floor for versions and nothing else. */
  readonly stands: boolean;
  /** True where the memory shows more than the facts: the server is asked before they serve again, and they serve only while it gives no answer. */
  readonly behind: boolean;
}

const repositoryOf = (server: string, gun: string): string => JSON.stringify([server, gun]);

/** Entries by key within a bound of bytes, those longest not asked for going first; each is found by its repository as well. */
export class Entries {
  readonly #entries: LRUCache<string, Entry>;
  /** Keys of the entries of each repository. */
  readonly #keys = new Map<string, Set<string>>();

  readonly #lost: (event: 'evict' | 'oversize') => void;

  /** `lost` is told of each entry that is not kept for want of room. */
  constructor(maxBytes: number, lost: (event: 'evict' | 'oversize') => void = () => undefined) {
    this.#lost = lost;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ facts }, key) => Math.ceil(facts.bytes) + key.length + ENTRY_BYTES,
      dispose: (entry, key, reason) => {
        if (reason !== 'set') this.#forget(key, entry);
        if (reason === 'evict') lost('evict');
      },
    });
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Puts an entry in the place of an older one; one that is larger than the whole is not kept. */
  keep(key: string, entry: Entry): void {
    const repository = repositoryOf(entry.facts.server, entry.facts.gun);
    this.#entries.set(key, entry);
    if (this.#entries.has(key)) this.#keys.set(repository, (this.#keys.get(repository) ?? new Set()).add(key));
    else this.#lost('oversize');
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that they hold, about. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** All entries; looking at them keeps none from being the next to go. */
  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** The entries of a repository, whoever asked for them. */
  of(server: string, gun: string): readonly (readonly [string, Entry])[] {
    const keys = [...(this.#keys.get(repositoryOf(server, gun)) ?? [])];
    return keys.flatMap((key) => {
      const entry = this.#entries.peek(key);
      return entry === undefined ? [] : [[key, entry] as const];
    });
  }

  #forget(key: string, { facts }: Entry): void {
    const repository = repositoryOf(facts.server, facts.gun);
    const keys = this.#keys.get(repository);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(repository);
  }
}

/** True where nothing has to be written down before a query may count on the entry. */
export const isSettled = ({ written, facts }: Entry, { dryRun, noted = false }: TrustQuery): boolean =>
  dryRun || written || (noted && facts.unversioned === true);

/** True while the facts may be relied on: no refusal came since, no role has expired (its last moment still counts), the clock was not set back. */
export const isUsable = (entry: Entry, moment: Moment): boolean =>
  entry.stands && entry.verified.epoch === moment.epoch && moment.now <= entry.facts.expires;

/**
 * Facts that the next update may start from. Not where the record they stand on was reset (then the repository is seen for the first time again) or names
 * other root keys or a later root (then the way from the record's root has to be walked).
 */
export function previousOf(entry: Entry | undefined, remembered: RememberedTrust | undefined): TrustFacts | undefined {
  if (entry === undefined) return undefined;
  const follows =
    remembered === undefined ? entry.record === undefined : sameKeys(remembered, rememberedOf(entry.facts));
  return follows ? entry.facts : undefined;
}

/** The entry once its record has become this one, by whomever: what stands on other keys falls, and what is older is looked at anew before it serves. */
export function afterChange(entry: Entry, record: RememberedTrust | undefined): Entry {
  const seen = rememberedOf(entry.facts);
  const stands = goesOn(record, entry.record, seen);
  const frozen = record?.frozen === entry.record?.frozen;
  const behind = !frozen || (record !== undefined && isBehind(seen, record));
  return stands && !behind ? entry : { ...entry, stands: entry.stands && stands, behind };
}
