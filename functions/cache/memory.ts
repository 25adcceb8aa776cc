import { LRUCache } from 'lru-cache';
import type { RememberedTrust, TrustMemory } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';

/** Repositories remembered; one takes some 500 bytes. */
const DEFAULT_REPOSITORIES = 100_000;

const keyOf = (server: string, gun: string): string => JSON.stringify([server, gun]);
/** True where both name the same root keys. */
export const sameKeys = (a: RememberedTrust, b: RememberedTrust): boolean =>
  a.rootKeyIds.length === b.rootKeyIds.length && a.rootKeyIds.every((id, index) => id === b.rootKeyIds[index]);
const rootOf = ({ versions }: RememberedTrust): number => versions.get('root') ?? 0;

/** True where `seen` says more than `record`: other root keys, or a role's version that is higher or was not known. */
export function isNews(record: RememberedTrust | undefined, seen: RememberedTrust): boolean {
  if (record === undefined || !sameKeys(record, seen)) return true;
  return [...seen.versions].some(([role, version]) => version > (record.versions.get(role) ?? 0));
}

/**
 * True where `seen`, verified on the ground of `base`, may follow `record`: the same root keys, or a rotation away from the very keys that stand in the record. Facts of a
 * dry run can be older than a first use that others wrote down meanwhile; they must not take its place.
 */
export function mayFollow(
  record: RememberedTrust | undefined,
  base: RememberedTrust | undefined,
  seen: RememberedTrust,
): boolean {
  return record === undefined || sameKeys(record, seen) || (base !== undefined && sameKeys(record, base));
}

/**
 * The record after `seen` was verified: each role's highest version. Throws `TrustError` TRUST_ROOT_CHANGED where the root keys differ without a later root:
 * two first uses at once saw two roots, and the first one counts.
 */
export function mergeTrust(record: RememberedTrust | undefined, seen: RememberedTrust): RememberedTrust {
  if (record === undefined) return seen;
  if (!sameKeys(record, seen) && rootOf(seen) === rootOf(record)) {
    throw new TrustError(
      'TRUST_ROOT_CHANGED',
      `Two different roots were seen of ${seen.gun} at version ${rootOf(seen)}.`,
    );
  }
  const versions = new Map(record.versions);
  for (const [role, version] of seen.versions) versions.set(role, Math.max(version, versions.get(role) ?? 0));
  return { ...(rootOf(seen) > rootOf(record) ? seen : { ...seen, rootKeyIds: record.rootKeyIds }), versions };
}

/** Remembers within this process only: the default of the embedded snapshot. The repositories longest not asked for go first when it is full. */
export class MemoryTrust implements TrustMemory {
  readonly #records: LRUCache<string, RememberedTrust>;

  constructor(repositories: number = DEFAULT_REPOSITORIES) {
    this.#records = new LRUCache({ max: repositories });
  }

  async read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    return this.#records.get(keyOf(server, gun));
  }

  async remember(seen: RememberedTrust): Promise<void> {
    const key = keyOf(seen.server, seen.gun);
    this.#records.set(key, mergeTrust(this.#records.get(key), seen));
  }
}
