import type { RememberedTrust, RootOrigin } from '../../ports.ts';
import { mergeAdmitted } from './admitted.ts';
import { TrustError } from './error.ts';
import { rootChanged } from './root.ts';

/** A record is written anew after this long (ms), though nothing rose: operators see which repositories are still in use. */
const SEEN_AGAIN = 24 * 3600 * 1000;

/** True where both name the same root keys. */
export const sameKeys = (a: RememberedTrust, b: RememberedTrust): boolean =>
  a.rootKeyIds.length === b.rootKeyIds.length && a.rootKeyIds.every((id, index) => id === b.rootKeyIds[index]);

const rootOf = ({ versions }: RememberedTrust): number => versions.get('root') ?? 0;

/** True where both name the same root: its keys and its version. */
export const sameRoot = (a: RememberedTrust, b: RememberedTrust): boolean => sameKeys(a, b) && rootOf(a) === rootOf(b);

/** True where somebody vouched for the root of a record: pins of the cluster, or an operator. A first use is nobody's word but the server's. */
export const isVouched = (record: RememberedTrust | undefined): boolean =>
  record?.rootFrom === 'pinned' || record?.rootFrom === 'operator';

/** Whether what was verified as `seen`, on the ground of `base`, may go on now that the record is this one: it has the same keys, and they are still vouched for where they were. */
export function goesOn(
  record: RememberedTrust | undefined,
  base: RememberedTrust | undefined,
  seen: RememberedTrust,
): boolean {
  if (record === undefined) return base === undefined;
  return sameKeys(record, seen) && (isVouched(record) || !isVouched(base));
}

/** True where `seen` holds a version of some role that is above that of `record`, or a role that is new. */
export const isAbove = (seen: RememberedTrust, record: RememberedTrust): boolean =>
  [...seen.versions].some(([role, version]) => version > (record.versions.get(role) ?? 0));

/** True where the record knows a later version of a role that `seen` holds. Roles that `seen` was not asked for say nothing of it. */
export const isBehind = (seen: RememberedTrust, record: RememberedTrust): boolean =>
  [...seen.versions].some(([role, version]) => version < (record.versions.get(role) ?? 0));

/**
 * True where `seen` says more than `record`: other root keys, or the word of pins for them, or a role's version that is higher or was not known; and once a day at `now` (ms since the epoch).
 * A frozen record hears no news.
 */
export function isNews(record: RememberedTrust | undefined, seen: RememberedTrust, now: number): boolean {
  if (record === undefined || !sameKeys(record, seen)) return true;
  if (record.frozen === true) return false;
  if (isVouched(seen) && !isVouched(record)) return true;
  if ((seen.admitted?.length ?? 0) > 0) return true;
  return isAbove(seen, record) || (record.lastSeen !== undefined && now - record.lastSeen >= SEEN_AGAIN);
}

/**
 * The record after `seen` was verified on the ground of `base`: each role's highest version. `seen` may follow the same root keys, or a rotation away from
 * the very keys that stand in the record; facts of a dry run can be older than a first use that others wrote down meanwhile, and must not take its place.
 * Throws `TrustError` TRUST_ROOT_CHANGED where the record holds another root, or is frozen with one.
 */
export function mergeTrust(
  record: RememberedTrust | undefined,
  base: RememberedTrust | undefined,
  seen: RememberedTrust,
): RememberedTrust {
  if (record === undefined && base === undefined) return seen;
  if (record === undefined)
    throw new TrustError(
      'TRUST_ROOT_CHANGED',
      `the record of ${seen.gun} was removed while its trust data was looked at; the next admission sees it for the first time`,
    );
  checkFollows(record, base, seen);
  const versions = new Map(record.versions);
  for (const [role, version] of seen.versions) versions.set(role, Math.max(version, versions.get(role) ?? 0));
  const admitted = mergeAdmitted(record.admitted, seen.admitted);
  const { rootFrom: seenFrom, ...rest } = seen;
  const ahead = rootOf(seen) > rootOf(record);
  const rootFrom = ahead || sameKeys(record, seen) ? higher(record.rootFrom, seenFrom) : record.rootFrom;
  return {
    ...rest,
    rootKeyIds: ahead ? seen.rootKeyIds : record.rootKeyIds,
    ...(rootFrom !== undefined && { rootFrom }),
    versions,
    ...(admitted.length > 0 && { admitted }),
  };
}

/** Refuses what stands neither on the keys of the record nor follows from them. Throws `TrustError` TRUST_ROOT_CHANGED. */
function checkFollows(record: RememberedTrust, base: RememberedTrust | undefined, seen: RememberedTrust): void {
  const same = sameKeys(record, seen);
  const follows = same || (base !== undefined && sameKeys(record, base));
  if (!follows || (!same && rootOf(seen) === rootOf(record)))
    throw rootChanged(
      seen.gun,
      record.rootKeyIds,
      seen.rootKeyIds,
      'another root was remembered while this one was looked at',
    );
  checkFrozen(record, seen.rootKeyIds);
}

/** Pins raise a record whose keys they were held to; a signed rotation hands on what the old root had, and no first use takes it away. */
const higher = (known: RootOrigin | undefined, seen: RootOrigin | undefined): RootOrigin | undefined =>
  known === 'operator' || seen !== 'pinned' ? known : seen;

/** Refuses root keys other than those of a frozen record, however they were rotated to. Throws `TrustError` TRUST_ROOT_CHANGED. */
export function checkFrozen(record: RememberedTrust | undefined, rootKeyIds: readonly string[]): void {
  if (record?.frozen !== true || sameKeys(record, { ...record, rootKeyIds: rootKeyIds.toSorted() })) return;
  throw rootChanged(record.gun, record.rootKeyIds, rootKeyIds, 'its TrustRecord is frozen');
}

/** Refuses a record that can't be understood. `where` names it, `why` its field and what to do. */
export const invalidRecord = (where: string, why: string): TrustError =>
  new TrustError('TRUST_RECORD_INVALID', `${where} ${why}`);
