import { TrustError } from './error.ts';
import { hashesOf } from './hashes.ts';
import type { Envelope, RoleKeys, RootMetadata } from './metadata.ts';
import { decodeRoot, openEnvelope } from './metadata.ts';
import type { RootPins } from './pins.ts';
import { isPinned } from './pins.ts';
import type { RoleFacts } from './rolefacts.ts';
import type { RootKey } from './rootkeys.ts';
import { asRole, certifiedUntil, rootKeysOf } from './rootkeys.ts';
import { verifyThreshold } from './signature.ts';

/** A root that was verified. */
export interface TrustedRoot {
  readonly facts: RoleFacts & { readonly keyIds: ReadonlySet<string> };
  /** Until when enough of its signatures are by keys whose certificates hold (ms since the epoch). */
  readonly certifiedUntil: number;
  /** Roles with their keys. */
  readonly roles: RootMetadata['roles'];
  /** Hashes of its bytes, that the snapshot must state: `sha256` and `sha512`. */
  readonly hashes: ReadonlyMap<string, Buffer>;
}

/** What a root is verified against. */
export interface RootRules {
  readonly gun: string;
  /** ms since the epoch. */
  readonly now: number;
  readonly pins: RootPins | undefined;
}

const roleOf = (root: RootMetadata | TrustedRoot, role: string): RoleKeys => {
  const keys = root.roles.get(role);
  if (keys === undefined) throw new TrustError('TRUST_MALFORMED', `root does not list ${role}`);
  return keys;
};

const trusted = (bytes: Buffer, root: RootMetadata, envelope: Envelope, keys: readonly RootKey[]): TrustedRoot => {
  const own = roleOf(root, 'root');
  const signedBy = verifyThreshold(envelope, asRole(keys, own.threshold), 'root');
  const hashes = hashesOf(bytes);
  return {
    facts: {
      role: 'root',
      version: root.version,
      expires: root.expires,
      signedBy,
      threshold: own.threshold,
      sha256: hashes.get('sha256')?.toString('hex') ?? '',
      length: bytes.length,
      keyIds: new Set([...own.keys.values()].map(({ id }) => id)),
    },
    certifiedUntil: certifiedUntil(keys, signedBy, own.threshold),
    roles: root.roles,
    hashes,
  };
};

const open = (bytes: Buffer): { readonly envelope: Envelope; readonly root: RootMetadata } => {
  const envelope = openEnvelope(bytes, 'root');
  return { envelope, root: decodeRoot(envelope.signed, 'root') };
};

const pinned = (keys: readonly RootKey[], rules: RootRules): readonly RootKey[] => {
  const { pins } = rules;
  if (pins === undefined) return keys;
  const admitted = keys.filter((key) => isPinned(key, pins, rules.now));
  if (admitted.length > 0) return admitted;
  const seen = keys.map(({ key }) => key.id).join(', ');
  throw new TrustError('TRUST_ROOT_UNPINNED', `no root key of ${rules.gun} is pinned; the root has ${seen}`);
};

/**
 * Verifies a root by itself: certificates for the GUN that the pins admit sign it to its own threshold (TUF 5.3.4, Notary's
 * `ValidateRoot`). Its expiry is left to the caller, for on the way of a rotation it does not count. Throws `TrustError`.
 */
export function verifyRoot(bytes: Buffer, rules: RootRules): TrustedRoot {
  const { envelope, root } = open(bytes);
  const own = roleOf(root, 'root');
  const keys = pinned(rootKeysOf(own, rules.gun, rules.now), rules);
  return trusted(bytes, root, envelope, keys);
}

/** Verifies a root from which a rotation starts: as `verifyRoot`, but what was trusted once needs no pins and no current certificates. */
export function verifyOldRoot(bytes: Buffer, gun: string): TrustedRoot {
  const { envelope, root } = open(bytes);
  const own = roleOf(root, 'root');
  const keys = rootKeysOf(own, gun, undefined);
  return trusted(bytes, root, envelope, keys);
}

/** Verifies the root that follows another: signed to the threshold of the old as well as to its own (TUF 5.3.4). Throws `TrustError`. */
export function verifySuccessor(bytes: Buffer, previous: TrustedRoot, rules: RootRules): TrustedRoot {
  const { envelope } = open(bytes);
  const old = roleOf(previous, 'root');
  const keys = asRole(rootKeysOf(old, rules.gun, undefined), old.threshold);
  try {
    verifyThreshold(envelope, keys, `root after version ${previous.facts.version}`);
  } catch (error) {
    if (error instanceof TrustError && error.code === 'TRUST_SIGNATURE')
      throw changed(open(bytes).root, previous, rules.gun);
    throw error;
  }
  return verifyRoot(bytes, rules);
}

const changed = (root: RootMetadata, previous: TrustedRoot, gun: string): TrustError => {
  const ids = [...roleOf(root, 'root').keys.values()].map(({ id }) => id);
  return rootChanged(gun, [...previous.facts.keyIds], ids);
};

/** The refusal for a root whose keys are not those known, naming both. */
export function rootChanged(gun: string, known: readonly string[], seen: readonly string[], why = ''): TrustError {
  const reason = why === '' ? 'the known keys did not sign it' : why;
  return new TrustError(
    'TRUST_ROOT_CHANGED',
    `the root of ${gun} has the keys ${seen.join(', ')}; known are ${known.join(', ')}, and no signed rotation leads from one to the other (${reason})`,
  );
}
