import { TrustError } from './error.ts';
import type { TargetsFacts } from './facts.ts';
import { checkHashes, hashesOf } from './hashes.ts';
import { certificatesOf, usableKey } from './keys.ts';
import type { Delegation, Envelope, FileMeta, ListMetadata, RoleKeys, TargetsMetadata } from './metadata.ts';
import { decodeList, decodeTargets, openEnvelope, stated } from './metadata.ts';
import type { RoleFacts } from './rolefacts.ts';
import type { TrustedRoot } from './root.ts';
import { verifyThreshold } from './signature.ts';

/** A file as it arrived, and what it must not fall behind. */
export interface Arrival {
  readonly bytes: Buffer;
  /** Lowest acceptable version. */
  readonly minVersion: number;
  /** ms since the epoch. */
  readonly now: number;
}
/** A verified timestamp or snapshot. */
export interface TrustedList {
  readonly facts: RoleFacts;
  readonly meta: ListMetadata['meta'];
}
/** A verified targets role. */
export interface TrustedTargets {
  readonly facts: TargetsFacts;
  /** What it delegates, each role's paths cut to those of this role. */
  readonly delegations: readonly Delegation[];
}

/** Throws `TrustError` TRUST_EXPIRED where the role's time is before `now` (Notary: the last moment still counts). */
export function checkExpiry(facts: Pick<RoleFacts, 'role' | 'expires'>, now: number): void {
  if (facts.expires >= now) return;
  throw new TrustError('TRUST_EXPIRED', `${facts.role} expired at ${timeText(facts.expires)}`);
}

/** A time as text, also beyond the years a Date can hold. */
export const timeText = (time: number): string =>
  Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time);

/** Throws `TrustError` TRUST_ROLLBACK where the version is below the lowest acceptable one. */
export function checkVersion(role: string, version: number, minVersion: number): void {
  if (version >= minVersion) return;
  throw new TrustError('TRUST_ROLLBACK', `${role} has version ${version}, but version ${minVersion} was seen before`);
}

const keysOf = (root: TrustedRoot, role: string): RoleKeys => {
  const keys = root.roles.get(role);
  if (keys === undefined) throw new TrustError('TRUST_MALFORMED', `root does not list ${role}`);
  return keys;
};

interface Opened {
  readonly envelope: Envelope;
  readonly signedBy: ReadonlySet<string>;
  readonly sha256: string;
}

/** Hash and length on the bytes, then the form, then the signatures; nothing of the content is looked at before. */
const openSigned = (role: string, bytes: Buffer, keys: RoleKeys, meta: FileMeta | undefined): Opened => {
  const hashes = hashesOf(bytes);
  if (meta !== undefined) checkHashes(hashes, bytes.length, meta, role);
  const envelope = openEnvelope(bytes, role);
  return {
    envelope,
    signedBy: verifyThreshold(envelope, keys, role),
    sha256: hashes.get('sha256')?.toString('hex') ?? '',
  };
};

const finish = (
  role: string,
  opened: Opened,
  keys: RoleKeys,
  rest: { arrival: Arrival; version: number; expires: number },
): RoleFacts => {
  const { arrival, version, expires } = rest;
  checkVersion(role, version, arrival.minVersion);
  checkExpiry({ role, expires }, arrival.now);
  const { signedBy, sha256 } = opened;
  return { role, version, expires, signedBy, threshold: keys.threshold, sha256, length: arrival.bytes.length };
};

const verifyList = (
  role: 'timestamp' | 'snapshot',
  arrival: Arrival,
  root: TrustedRoot,
  meta: FileMeta | undefined,
): TrustedList => {
  const keys = keysOf(root, role);
  const opened = openSigned(role, arrival.bytes, keys, meta);
  const list = decodeList(role, opened.envelope.signed, role);
  return { facts: finish(role, opened, keys, { arrival, ...list }), meta: list.meta };
};

/** TUF 5.4: the timestamp, by root's keys for it. Throws `TrustError`. */
export function verifyTimestamp(arrival: Arrival, root: TrustedRoot): TrustedList {
  return verifyList('timestamp', arrival, root, undefined);
}

/** TUF 5.5: the snapshot, by root's keys for it and the hashes of the timestamp. Throws `TrustError`. */
export function verifySnapshot(arrival: Arrival, root: TrustedRoot, meta: FileMeta): TrustedList {
  return verifyList('snapshot', arrival, root, meta);
}

/** The snapshot states root too: data of two publications must not be mixed (Notary's `validateChecksumsFromSnapshot`). */
export function checkRoot(root: TrustedRoot, files: ReadonlyMap<string, FileMeta>): void {
  checkHashes(root.hashes, root.facts.length, stated(files, 'root'), 'root');
}

const isWithin = (name: string, paths: readonly string[]): boolean => paths.some((path) => name.startsWith(path));

const targetsOf = (
  role: string,
  arrival: Arrival,
  keys: RoleKeys & { readonly paths: readonly string[] },
  meta: FileMeta,
): TrustedTargets => {
  const opened = openSigned(role, arrival.bytes, keys, meta);
  const decoded = decodeTargets(opened.envelope.signed, role);
  const facts = finish(role, opened, keys, { arrival, ...decoded });
  const { paths } = keys;
  return {
    facts: {
      ...facts,
      targets: within(decoded, paths),
      keyIds: new Set([...keys.keys.values()].map(({ id }) => id)),
      fingerprints: fingerprints(keys),
    },
    delegations: decoded.delegations.map((one) => ({
      ...one,
      paths: one.paths.filter((path) => isWithin(path, paths)),
    })),
  };
};

const within = ({ targets }: TargetsMetadata, paths: readonly string[]): TargetsFacts['targets'] =>
  paths.includes('') ? targets : new Map([...targets].filter(([name]) => isWithin(name, paths)));

const fingerprints = (keys: RoleKeys): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const key of keys.keys.values()) {
    const usable = usableKey(key);
    if (usable !== undefined) found.set(key.id, usable.fingerprint);
  }
  return found;
};

/** TUF 5.6: the top-level targets, by root's keys for it and the hashes of the snapshot. Throws `TrustError`. */
export function verifyTargets(arrival: Arrival, root: TrustedRoot, meta: FileMeta): TrustedTargets {
  return targetsOf('targets', arrival, { ...keysOf(root, 'targets'), paths: [''] }, meta);
}

/** TUF 5.6.7: a delegation, by the keys its parent lists and the hashes of the snapshot. Throws `TrustError`. */
export function verifyDelegation(arrival: Arrival, delegation: Delegation, meta: FileMeta): TrustedTargets {
  for (const { value } of delegation.keys.values()) {
    const leaf = certificatesOf(value)?.[0];
    // Notary refuses the delegation for one such certificate among its keys, but lets their expiry pass: the role has its own.
    if (leaf !== undefined && (leaf.sha1 || leaf.weak || leaf.notBefore > leaf.notAfter))
      throw new TrustError(
        'TRUST_MALFORMED',
        `${delegation.name} lists a certificate that is signed over SHA-1, holds a weak RSA key, or ends before it begins`,
      );
  }
  return targetsOf(delegation.name, arrival, delegation, meta);
}
