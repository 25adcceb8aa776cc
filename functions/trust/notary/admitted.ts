import { createHash } from 'node:crypto';
import { LIMITS } from '../../limits.ts';
import type { AdmittedDigest, RememberedTrust } from '../../ports.ts';
import { isUsable, type TrustFacts } from './facts.ts';
import type { Signer } from './signers.ts';

/** Longer than this (ms) not seen, a digest is forgotten: what ran with it is long gone. */
const FORGOTTEN = 90 * 24 * 3600 * 1000;
/** The time at which a digest was last seen is kept to a day (ms). */
const LOOKED_AGAIN = 24 * 3600 * 1000;

/** The demand that a proof was given for: other keys, or another number of them, is another demand. 32 hex digits. */
export function demandOf(signers: readonly Signer[], threshold: number | undefined): string {
  const keys = signers.map(({ name, key }) => `${name} ${key.fingerprint}`).toSorted();
  return createHash('sha256')
    .update(JSON.stringify([threshold ?? keys.length, keys]))
    .digest('hex')
    .slice(0, 32);
}

const keyOf = ({ sha256, namespace, demand }: AdmittedDigest): string => JSON.stringify([sha256, namespace, demand]);

/** Both lists as one; of an entry that stands in both, that of `newer` counts. At most LIMITS.admittedPerRecord, those seen last. */
export function mergeAdmitted(
  older: readonly AdmittedDigest[] = [],
  newer: readonly AdmittedDigest[] = [],
): readonly AdmittedDigest[] {
  const merged = new Map([...older, ...newer].map((entry) => [keyOf(entry), entry]));
  return [...merged.values()].toSorted((a, b) => b.seen - a.seen).slice(0, LIMITS.admittedPerRecord);
}

/** Digests of the release roles: those that an image may have. */
function releasedAmong(facts: TrustFacts, wanted: ReadonlySet<string>): ReadonlySet<string> {
  const releases = facts.delegations.get('targets/releases');
  const roles = [facts.targets, ...(releases !== undefined && isUsable(releases) ? [releases] : [])];
  const found = new Set<string>();
  for (const { targets } of roles)
    for (const { sha256 } of targets.values()) if (sha256 !== undefined && wanted.has(sha256)) found.add(sha256);
  return found;
}

/** The entries of a record that verified trust data shows in another light at `now` (ms): digests that have left it, are back, or were not looked at for a day. */
export function changedAdmitted(
  record: RememberedTrust | undefined,
  facts: TrustFacts,
  now: number,
): readonly AdmittedDigest[] {
  const entries = record?.admitted ?? [];
  if (entries.length === 0) return [];
  const released = releasedAmong(facts, new Set(entries.map(({ sha256 }) => sha256)));
  return entries.flatMap((entry): AdmittedDigest[] => {
    const { left, ...there } = entry;
    if (released.has(entry.sha256))
      return left === undefined && now - entry.seen < LOOKED_AGAIN ? [] : [{ ...there, seen: now }];
    return left === undefined ? [{ ...there, left: now }] : [];
  });
}

/** The entries that are not yet forgotten at `now` (ms). */
export const keptAdmitted = (entries: readonly AdmittedDigest[], now: number): readonly AdmittedDigest[] =>
  entries.filter(({ seen, left }) => now - Math.max(seen, left ?? 0) < FORGOTTEN);
