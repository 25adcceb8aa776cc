import type { JsonObject } from '../../json.ts';
import { LIMITS } from '../../limits.ts';
import { canonicalBytes } from './canonical.ts';
import { TrustError } from './error.ts';
import type { TufKey } from './keys.ts';
import { keyId } from './keys.ts';
import { decodeBase64 } from './pem.ts';
import { checkShape } from './schema.ts';
import { parseStrict } from './strict.ts';
import { parseInstant } from './time.ts';

/** A signature as it stands in a role file; the method in lower case, as Notary reads it. */
export interface Signature {
  readonly keyId: string;
  readonly method: string;
  readonly value: Buffer;
}
/** A role file, opened: what was signed, the bytes the signatures are over, and the signatures. */
export interface Envelope {
  readonly signed: JsonObject;
  readonly message: Buffer;
  readonly signatures: readonly Signature[];
}
/** Keys of a role by the ID they are listed under, and how many must sign. */
export interface RoleKeys {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly threshold: number;
}
/** Length and hashes that a parent states of a file; hash values by algorithm (`sha256`, `sha512`, …). */
export interface FileMeta {
  readonly length: number;
  readonly hashes: ReadonlyMap<string, Buffer>;
}
interface Common {
  readonly version: number;
  /** ms since the epoch. */
  readonly expires: number;
}
/** Decoded root. */
export interface RootMetadata extends Common {
  readonly roles: ReadonlyMap<string, RoleKeys>;
}
/** Decoded timestamp or snapshot: file metadata by role name. */
export interface ListMetadata extends Common {
  readonly meta: ReadonlyMap<string, FileMeta>;
}
/** A delegation as its parent lists it. */
export interface Delegation extends RoleKeys {
  readonly name: string;
  /** Prefixes of target names it may sign. */
  readonly paths: readonly string[];
}

/** What was signed under one tag. */
export interface TargetFact {
  /** Lower-case hex of the SHA-256; undefined where the entry has none of 32 bytes: it names no image. */
  readonly sha256: string | undefined;
  readonly length: number;
}

/** Decoded targets role. */
export interface TargetsMetadata extends Common {
  readonly targets: ReadonlyMap<string, TargetFact>;
  readonly delegations: readonly Delegation[];
}

/** Shapes below are those `checkShape` has proven; they are not checked again. */
type FileJson = { length: number; hashes: Record<string, string> };
type RoleJson = { keyids: string[] | null; threshold: number };
type DelegationJson = RoleJson & { name: string; paths?: string[] | null };
type KeysJson = Record<string, { keytype: string; keyval: { public: string; private?: string | null } }>;
type Body<T> = { version: number; expires: string } & T;

const malformed = (what: string, problem: string): TrustError =>
  new TrustError('TRUST_MALFORMED', `${what} is not valid: ${problem}`);

const base64 = (text: string, what: string): Buffer => {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw malformed(what, 'a value is not base64 in its one padded form');
  return bytes;
};

/** Opens the bytes of a role file. Throws `TrustError` TRUST_MALFORMED or TRUST_TOO_LARGE. */
export function openEnvelope(bytes: Uint8Array, what: string): Envelope {
  const document = parseStrict(bytes, what);
  checkShape('envelope', document, what);
  const { signed, signatures } = document as unknown as {
    signed: JsonObject;
    signatures: readonly { keyid: string; method: string; sig: string }[];
  };
  return {
    signed,
    message: canonicalBytes(signed),
    signatures: signatures.map(({ keyid, method, sig }) => ({
      keyId: keyid,
      method: method.toLowerCase(),
      value: base64(sig, what),
    })),
  };
}

const common = (body: { version: number; expires: string }, what: string): Common => {
  const expires = parseInstant(body.expires);
  if (expires === undefined)
    throw malformed(what, `its expiry ${JSON.stringify(body.expires.slice(0, 64))} is not a time`);
  return { version: body.version, expires };
};

const decodeKeys = (keys: KeysJson, what: string): Map<string, TufKey> =>
  new Map(
    Object.entries(keys).map(([listed, { keytype, keyval }]) => {
      const value = base64(keyval.public, what);
      // Held to its form as the Notary client holds it; what it says is never used.
      if (keyval.private) base64(keyval.private, what);
      return [listed, { type: keytype, id: keyId(keytype, value), value }];
    }),
  );

const decodeRole = (role: RoleJson, keys: ReadonlyMap<string, TufKey>, what: string): RoleKeys => {
  const own = new Map<string, TufKey>();
  for (const listed of role.keyids ?? []) {
    const key = keys.get(listed);
    if (key === undefined)
      throw malformed(what, `a role names the key ${listed.slice(0, 64)}, which is not among its keys`);
    own.set(listed, key);
  }
  return { keys: own, threshold: role.threshold };
};

/** Decodes the signed part of a root. Throws `TrustError` TRUST_MALFORMED or TRUST_TOO_LARGE. */
export function decodeRoot(signed: JsonObject, what: string): RootMetadata {
  checkShape('root', signed, what);
  const body = signed as unknown as Body<{ keys: KeysJson; roles: Record<string, RoleJson | null> }>;
  const keys = decodeKeys(body.keys, what);
  const roles = new Map<string, RoleKeys>();
  for (const name of ['root', 'targets', 'snapshot', 'timestamp']) {
    const role = body.roles[name];
    if (role !== undefined && role !== null) roles.set(name, decodeRole(role, keys, what));
  }
  return { ...common(body, what), roles };
}

const decodeFile = (file: FileJson, what: string): FileMeta => ({
  length: file.length,
  hashes: new Map(Object.entries(file.hashes).map(([name, value]) => [name, base64(value, what)])),
});

const HASH_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha256', 32],
  ['sha512', 64],
]);

/** Notary demands a SHA-256 of these files, and each hash it knows in its right length (`CheckValidHashStructures`). */
const requireHashes = (meta: ReadonlyMap<string, FileMeta>, role: string, what: string): void => {
  const hashes = meta.get(role)?.hashes;
  if (hashes?.has('sha256') !== true) throw malformed(what, `it states no SHA-256 of ${role}`);
  for (const [name, value] of hashes) {
    const wanted = HASH_BYTES.get(name);
    if (wanted !== undefined && value.length !== wanted)
      throw malformed(what, `its ${name} of ${role} is ${value.length} bytes long`);
  }
};

/** Decodes the signed part of a timestamp or snapshot. Throws `TrustError` TRUST_MALFORMED or TRUST_TOO_LARGE. */
export function decodeList(kind: 'timestamp' | 'snapshot', signed: JsonObject, what: string): ListMetadata {
  checkShape(kind, signed, what);
  const body = signed as unknown as Body<{ meta: Record<string, FileJson> }>;
  const meta = new Map(Object.entries(body.meta).map(([name, file]) => [name, decodeFile(file, what)]));
  for (const role of kind === 'timestamp' ? ['snapshot'] : ['root', 'targets']) requireHashes(meta, role, what);
  return { ...common(body, what), meta };
}

/** What a parent states of a file. Throws `TrustError` TRUST_MALFORMED where it states nothing. */
export function stated(files: ReadonlyMap<string, FileMeta>, role: string): FileMeta {
  const meta = files.get(role);
  if (meta === undefined) throw new TrustError('TRUST_MALFORMED', `the parent of ${role} does not list it`);
  return meta;
}

const SEGMENT = /^[-a-z0-9_]+$/;

/** Whether the name is that of a direct delegation of the parent (Notary's `IsDelegation`: lower case, digits, `-`, `_`, no empty part). */
const isChild = (name: string, parent: string): boolean =>
  name.length < LIMITS.roleNameLength && name.startsWith(`${parent}/`) && SEGMENT.test(name.slice(parent.length + 1));

const decodeTarget = ({ length, hashes }: FileJson, what: string): TargetFact => {
  let sha256: string | undefined;
  for (const [name, value] of Object.entries(hashes)) {
    const bytes = base64(value, what);
    if (name === 'sha256' && bytes.length === 32) sha256 = bytes.toString('hex');
  }
  return { length, sha256 };
};

/** Decodes the signed part of `targets` or a delegation called `role`. Throws `TrustError` TRUST_MALFORMED or TRUST_TOO_LARGE. */
export function decodeTargets(signed: JsonObject, role: string): TargetsMetadata {
  checkShape('targets', signed, role);
  const body = signed as unknown as Body<{
    targets?: Record<string, FileJson> | null;
    delegations?: { keys?: KeysJson | null; roles?: DelegationJson[] | null } | null;
  }>;
  const keys = decodeKeys(body.delegations?.keys ?? {}, role);
  const delegations = new Map<string, Delegation>();
  for (const one of body.delegations?.roles ?? []) {
    if (!isChild(one.name, role))
      throw malformed(role, `it delegates to ${JSON.stringify(one.name.slice(0, 64))}, which is no role of its own`);
    if (delegations.has(one.name)) throw malformed(role, `it delegates twice to ${one.name}`);
    delegations.set(one.name, { ...decodeRole(one, keys, role), name: one.name, paths: one.paths ?? [] });
  }
  const targets = new Map(Object.entries(body.targets ?? {}).map(([name, file]) => [name, decodeTarget(file, role)]));
  return { ...common(body, role), targets, delegations: [...delegations.values()] };
}
