import { hash } from 'node:crypto';
import { LIMITS } from '../../limits.ts';
import type { AdmittedDigest, RememberedTrust } from '../../ports.ts';
import { isUsable, type TargetsFacts, type TrustFacts } from './facts.ts';
import type { Signer } from './signers.ts';

/** Longer than this (ms) not seen, a digest is forgotten: what ran with it is long gone. */
const FORGOTTEN = 90 * 24 * 3600 * 1000;
/** The time at which a digest was last seen is kept to a day (ms). */
const LOOKED_AGAIN = 24 * 3600 * 1000;

/** `targets/releases` where it can be used. */
function releasesIn(facts: TrustFacts): TargetsFacts | undefined {
  const releases = facts.delegations.get('targets/releases');
  return releases !== undefined && isUsable(releases) ? releases : undefined;
}

/** Demands of facts that are kept: those of the policies that ask for one repository. */
const DEMANDS = 8;
const demands = new WeakMap<TrustFacts, ReadonlyMap<string, string>>();

/**
 * The demand that a proof was given for: other signers, another number of them, or other keys of root or of the roles that release tags is another demand,
 * so that nothing outlives the revocation of a key. 32 hex digits.
 */
export function demandOf(facts: TrustFacts, signers: readonly Signer[], threshold: number | undefined): string {
  const keys = signers.map(({ name, key }) => `${name} ${key.fingerprint}`).toSorted();
  const asked = `${threshold ?? keys.length} ${keys.join('\n')}`;
  const known = demands.get(facts)?.get(asked);
  if (known !== undefined) return known;
  const demand = hashOf(facts, keys, threshold);
  demands.set(facts, new Map([...(demands.get(facts) ?? []), [asked, demand]].slice(-DEMANDS) as [string, string][]));
  return demand;
}

function hashOf(facts: TrustFacts, keys: readonly string[], threshold: number | undefined): string {
  const roles = [facts.root, facts.targets, releasesIn(facts)].map((role) => [...(role?.keyIds ?? [])].toSorted());
  return hash('sha256', JSON.stringify([threshold ?? keys.length, keys, roles]), 'hex').slice(0, 32);
}

const keyOf = ({ sha256, namespace, tag, demand }: AdmittedDigest): string =>
  JSON.stringify([sha256, namespace, tag, demand]);

/** Both lists as one; of an entry that stands in both, that of `newer` counts. At most LIMITS.admittedPerRecord, those seen last. */
export function mergeAdmitted(
  older: readonly AdmittedDigest[] = [],
  newer: readonly AdmittedDigest[] = [],
): readonly AdmittedDigest[] {
  const merged = new Map([...older, ...newer].map((entry) => [keyOf(entry), entry]));
  return [...merged.values()].toSorted((a, b) => b.seen - a.seen).slice(0, LIMITS.admittedPerRecord);
}

/** Digests of the roles that release tags: those that an image may have. */
function releasedAmong(facts: TrustFacts, wanted: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const role of [facts.targets, releasesIn(facts)])
    for (const { sha256 } of role?.targets.values() ?? [])
      if (sha256 !== undefined && wanted.has(sha256)) found.add(sha256);
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
