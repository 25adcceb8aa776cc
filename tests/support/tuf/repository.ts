import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../functions/json.ts';
import { canonicalBytes } from '../../../functions/trust/notary/canonical.ts';
import type { TestKey, TestKeyKind } from './key.ts';
import { certify, makeKey } from './key.ts';

const DAY = 24 * 3600 * 1000;
const BASE_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
type BaseRole = (typeof BASE_ROLES)[number];

/** Keys and threshold of a role. */
export interface TestRole {
  keys: TestKey[];
  threshold: number;
}
/** A delegation as its parent lists it. */
export interface TestDelegation extends TestRole {
  readonly name: string;
  paths: string[];
}
/** A role file before it is signed. */
export interface RoleDraft {
  version: number;
  expires: Date;
  /** Tag → what is signed under it; targets roles only. */
  readonly targets: Map<string, { sha256: string; length: number }>;
  /** Delegations of this role; targets roles only. */
  readonly delegations: Map<string, TestDelegation>;
  /** Published at all: a delegation is listed before anything is signed into it. */
  published: boolean;
}
/** Ways to spoil one role at publication; each is asked for the role at hand. */
export interface Corruption {
  /** Edits `signed` before it is signed. */
  readonly edit?: (signed: JsonObject) => void;
  /** Signs with these keys instead of the role's own. */
  readonly signers?: readonly TestKey[];
  /** Edits the envelope, `{signed, signatures}`, after it was signed and before the parent hashes it. */
  readonly envelope?: (envelope: { signed: JsonObject; signatures: JsonObject[] }) => void;
  /** Changes the bytes before the parent hashes them. */
  readonly bytes?: (bytes: Buffer) => Buffer;
  /** Changes the bytes that are served, behind the parent's back. */
  readonly served?: (bytes: Buffer) => Buffer | undefined;
}
/** Corruptions by role name. */
export type Corruptions = Readonly<Record<string, Corruption>>;

/** What a new repository is like. */
export interface RepositoryOptions {
  readonly gun: string;
  /** ms since the epoch; default the present. */
  readonly now?: number;
  readonly kind?: TestKeyKind;
  /** Common name of the root certificate; default the GUN. */
  readonly commonName?: string;
}

const hash = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('base64');
const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const copy = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** A TUF repository as a Notary client would leave it on a server: made in memory, signed with fresh keys, served by `serveNotary`. */
export class TestRepository {
  readonly gun: string;
  readonly now: number;
  readonly #kind: TestKeyKind;
  readonly #commonName: string;
  /** Keys and thresholds of the four base roles; change them, then `publish`. */
  readonly roles: Record<BaseRole, TestRole>;
  /** Drafts of every role by name. */
  readonly drafts = new Map<string, RoleDraft>();
  /** What the server has: file name (`root`, `2.root`, `targets.<sha256>`) → bytes. */
  readonly files = new Map<string, Buffer>();
  /** Keys that sign the next root beside its own (a rotation is signed by old and new). */
  #oldRootKeys: TestKey[] = [];

  constructor(options: RepositoryOptions) {
    this.gun = options.gun;
    this.now = options.now ?? Date.now();
    this.#kind = options.kind ?? 'ecdsa';
    this.#commonName = options.commonName ?? options.gun;
    this.roles = {
      root: { keys: [this.makeRootKey()], threshold: 1 },
      targets: { keys: [makeKey(this.#kind)], threshold: 1 },
      snapshot: { keys: [makeKey(this.#kind)], threshold: 1 },
      timestamp: { keys: [makeKey(this.#kind)], threshold: 1 },
    };
    const days: Record<BaseRole, number> = { root: 3650, targets: 1095, snapshot: 1095, timestamp: 14 };
    for (const role of BASE_ROLES) this.drafts.set(role, this.#draft(days[role], true));
  }

  /** A root key in X.509 form under this repository's name. */
  makeRootKey(kind: TestKeyKind = this.#kind === 'ed25519' ? 'ecdsa' : this.#kind): TestKey {
    return certify(makeKey(kind), this.#commonName, { now: this.now });
  }

  #draft(days: number, published: boolean): RoleDraft {
    const expires = new Date(this.now + days * DAY);
    return { version: 0, expires, targets: new Map(), delegations: new Map(), published };
  }

  /** The draft of a role that exists. */
  draft(role: string): RoleDraft {
    const draft = this.drafts.get(role);
    if (draft === undefined) throw new Error(`the test repository has no role ${role}`);
    return draft;
  }

  /** Lists a delegation in its parent; it is published once something is signed into it (or `published` is set). */
  delegate(name: string, options: Partial<Omit<TestDelegation, 'name'>> = {}): TestDelegation {
    const parent = this.draft(name.slice(0, name.lastIndexOf('/')));
    const { keys = [makeKey(this.#kind)], threshold = 1, paths = [''] } = options;
    const delegation: TestDelegation = { name, keys, threshold, paths };
    parent.delegations.set(name, delegation);
    this.drafts.set(name, this.#draft(1095, false));
    return delegation;
  }

  /** What `docker trust signer add` does: `targets/<name>` for one key, and that key for `targets/releases` too. */
  addSigner(name: string, key: TestKey = makeKey(this.#kind)): TestKey {
    const releases =
      this.draft('targets').delegations.get('targets/releases') ?? this.delegate('targets/releases', { keys: [] });
    releases.keys.push(key);
    this.delegate(`targets/${name}`, { keys: [key] });
    return key;
  }

  /** Signs a tag into each of the roles, for a digest of 64 hex digits (with or without `sha256:`). */
  tag(tag: string, digest: string, ...roles: readonly string[]): this {
    for (const role of roles.length === 0 ? ['targets'] : roles) {
      const draft = this.draft(role);
      draft.targets.set(tag, { sha256: digest.replace('sha256:', ''), length: 1234 });
      draft.published = true;
    }
    return this;
  }

  /** Gives the root new keys; the next root is signed by the old ones as well. */
  rotateRoot(keys: readonly TestKey[] = [this.makeRootKey()]): this {
    this.#oldRootKeys = this.roles.root.keys;
    this.roles.root.keys = [...keys];
    return this;
  }

  /**
   * Signs and stores every role (or those named, with snapshot and timestamp). Root is made anew only the first time, when it is
   * named, or after `rotateRoot`. Corruptions spoil single roles.
   */
  publish(corruptions: Corruptions = {}, only?: readonly string[]): this {
    const rootDue =
      this.draft('root').version === 0 || this.#oldRootKeys.length > 0 || Object.hasOwn(corruptions, 'root');
    if (rootDue || only?.includes('root')) this.#publishRoot(corruptions['root']);
    for (const [role, draft] of this.drafts) {
      const targets = role === 'targets' || role.startsWith('targets/');
      if (!targets || !draft.published || (only !== undefined && !only.includes(role))) continue;
      this.#store(role, this.#targetsBody(draft), this.keysOf(role), corruptions[role] ?? {});
    }
    const published = [...this.drafts].filter(
      ([role, { published }]) => published && role !== 'snapshot' && role !== 'timestamp',
    );
    const meta = Object.fromEntries(published.map(([role]) => [role, this.#metaOf(role)]));
    this.#store('snapshot', { _type: 'Snapshot', meta }, this.roles.snapshot.keys, corruptions['snapshot'] ?? {});
    const snapshot = { snapshot: this.#metaOf('snapshot') };
    this.#store(
      'timestamp',
      { _type: 'Timestamp', meta: snapshot },
      this.roles.timestamp.keys,
      corruptions['timestamp'] ?? {},
    );
    return this;
  }

  /** Keys a role is to be signed with: what its parent lists. */
  keysOf(role: string): readonly TestKey[] {
    const base = BASE_ROLES.find((name) => name === role);
    if (base !== undefined) return this.roles[base].keys;
    return this.draft(role.slice(0, role.lastIndexOf('/'))).delegations.get(role)?.keys ?? [];
  }

  #publishRoot(corruption: Corruption = {}): void {
    const keys = new Map(BASE_ROLES.flatMap((role) => this.roles[role].keys.map((key) => [key.id, key] as const)));
    const roles = Object.fromEntries(BASE_ROLES.map((role) => [role, this.#roleJson(this.roles[role])]));
    const signers = [
      ...this.roles.root.keys,
      ...this.#oldRootKeys.filter(({ id }) => !this.roles.root.keys.some((key) => key.id === id)),
    ];
    const body = { _type: 'Root', consistent_snapshot: false, keys: this.#keysJson([...keys.values()]), roles };
    this.#store('root', body, signers, corruption);
    this.#oldRootKeys = [];
  }

  #roleJson(role: TestRole): JsonObject {
    return { keyids: role.keys.map(({ id }) => id), threshold: role.threshold };
  }

  #keysJson(keys: readonly TestKey[]): JsonObject {
    const entries = keys.map(({ id, keytype, value }) => [
      id,
      { keytype, keyval: { private: null, public: value.toString('base64') } },
    ]);
    return Object.fromEntries(entries) as JsonObject;
  }

  #targetsBody(draft: RoleDraft): JsonObject {
    const delegations = [...draft.delegations.values()];
    const targets = [...draft.targets].map(([name, { sha256, length }]) => [
      name,
      { hashes: { sha256: Buffer.from(sha256, 'hex').toString('base64') }, length },
    ]);
    const keys = this.#keysJson(delegations.flatMap((delegation) => delegation.keys));
    const roles = delegations.map((one) => ({ ...this.#roleJson(one), name: one.name, paths: one.paths }));
    return { _type: 'Targets', delegations: { keys, roles }, targets: Object.fromEntries(targets) };
  }

  readonly #hashed = new Map<string, Buffer>();

  #metaOf(role: string): JsonObject {
    const bytes = this.#hashed.get(role) ?? Buffer.alloc(0);
    return { hashes: { sha256: hash('sha256', bytes), sha512: hash('sha512', bytes) }, length: bytes.length };
  }

  #store(role: string, body: JsonObject, keys: readonly TestKey[], corruption: Corruption): void {
    const draft = this.draft(role);
    draft.version += 1;
    const signed = copy({ ...body, expires: draft.expires.toISOString(), version: draft.version });
    corruption.edit?.(signed);
    const envelope = { signed, signatures: signaturesOf(signed, corruption.signers ?? keys) };
    corruption.envelope?.(envelope);
    const bytes = (corruption.bytes ?? ((same) => same))(Buffer.from(JSON.stringify(envelope), 'utf8'));
    this.#hashed.set(role, bytes);
    const served = corruption.served === undefined ? bytes : corruption.served(bytes);
    for (const name of [role, `${draft.version}.${role}`, `${role}.${hex(bytes)}`]) {
      if (served === undefined) this.files.delete(name);
      else this.files.set(name, served);
    }
  }
}

/** Canonical bytes; where a corruption has put in a fraction, which has no canonical form, plain JSON. */
const messageOf = (signed: JsonObject): Buffer => {
  try {
    return canonicalBytes(signed);
  } catch {
    return Buffer.from(JSON.stringify(signed), 'utf8');
  }
};

/** Signatures over the canonical form of `signed`, as they stand in a role file. */
export function signaturesOf(signed: JsonObject, keys: readonly TestKey[]): JsonObject[] {
  const message = messageOf(signed);
  return keys.map((key) => ({ keyid: key.id, method: key.method, sig: key.sign(message).toString('base64') }));
}
