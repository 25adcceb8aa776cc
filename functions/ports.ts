import type { Awaitable } from './awaitable.ts';
import type { JsonObject } from './json.ts';
import type { PolicySnapshot } from './policy/snapshot.ts';
import type { TrustFacts } from './trust/notary/facts.ts';
import type { RootPins } from './trust/notary/pins.ts';

/** Time as the gate sees it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** Where policies come from: always a whole, immutable snapshot. */
export interface PolicySource {
  /** The newest snapshot, or undefined before the first full one. */
  current(): PolicySnapshot | undefined;
}

/** Policies as they are stored, and the place where they are told of themselves. */
export interface PolicyStatuses {
  /** Every policy as it was last seen. */
  objects(): Iterable<JsonObject>;
  /** Puts this in the place of the object's `status`; false where the object was changed or deleted meanwhile. Throws `Fault`. */
  write(object: JsonObject, status: JsonObject, signal: AbortSignal): Promise<boolean>;
}

/** Whether a source of objects can be relied on now. */
export interface Readiness {
  readonly ready: boolean;
  /** A sentence for each thing that is missing or stale; empty when all is well. */
  readonly problems: readonly string[];
}

/** A Secret as the gate needs it: values decoded from base64. */
export interface SecretObject {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** `metadata.annotations` that are texts; absent where there are none. */
  readonly annotations?: ReadonlyMap<string, string>;
}

/** A reference to an owner, from `metadata.ownerReferences` of an object. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Reads of cluster objects; every method throws `Fault` CLUSTER_UNREACHABLE or CLUSTER_FORBIDDEN when there is no answer. */
export interface Cluster {
  /** The Secret, or undefined where there is none. */
  secret(namespace: string, name: string, signal: AbortSignal): Promise<SecretObject | undefined>;
  /** Names of the imagePullSecrets of a ServiceAccount; empty where it does not exist. */
  pullSecretsOf(namespace: string, serviceAccount: string, signal: AbortSignal): Awaitable<readonly string[]>;
  /** The object that the reference names, as stored now, or undefined. The caller compares the UID. */
  owner(namespace: string, reference: OwnerReference, signal: AbortSignal): Promise<JsonObject | undefined>;
}

/** A user name and password, or a bearer of a token service, for one registry host. Never logged. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  /** An identity token (docker config `identitytoken`), given to the token service as a refresh token. */
  readonly identityToken: string | undefined;
}

/** Which repository's trust data is wanted, on which server, by whom. */
export interface RepositoryAddress {
  /** Origin of the trust server, `https://host[:port]`. */
  readonly server: string;
  /** Globally unique name of the repository: `docker.io/library/nginx`. */
  readonly gun: string;
  /** Host of the image's registry, to which the credential belongs. */
  readonly registry: string;
  /** Undefined: anonymous. */
  readonly credential: Credential | undefined;
}

/** One TUF file of a repository. */
export interface RoleFile {
  /** Role name: `root`, `timestamp`, `snapshot`, `targets`, `targets/releases`. */
  readonly role: string;
  /** Asks for this very version (`2.root.json`), where given. */
  readonly version?: number;
  /** Asks for the file with this SHA-256 (`targets.<hex>.json`), where given. */
  readonly sha256?: string;
  /** Bytes beyond which the answer is cut off and refused. */
  readonly maxBytes: number;
}

/** Files of a Notary server, by role; throws `Fault`, and `TrustError` TRUST_TOO_LARGE when an answer is longer than allowed. */
export interface NotaryFiles {
  /** The bytes, or undefined where the server says that there is no such file (404). */
  fetch(address: RepositoryAddress, file: RoleFile, signal: AbortSignal): Promise<Uint8Array | undefined>;
}

/** Told that a record was changed by somebody else: what it holds now, undefined where it was removed or can no longer be read. */
export type RecordListener = (server: string, gun: string, record: RememberedTrust | undefined) => void;

/** What is remembered of a repository beyond one process: the defence against rollback and a second first use. */
export interface TrustMemory {
  /**
   * The record, or undefined where the repository was never seen. Throws `Fault` when it can't be read, and `TrustError` TRUST_RECORD_INVALID
   * when somebody wrote into it what can't be understood.
   */
  read(server: string, gun: string, signal: AbortSignal): Promise<RememberedTrust | undefined>;
  /**
   * Stores what was verified on the ground of `base` (the record as it was read), and gives the record as it is then; never lowers a version, and
   * compares and swaps, so that of two replicas that see a repository first the first one counts. Throws `TrustError` TRUST_ROOT_CHANGED where
   * the record went another way meanwhile, and `Fault` when it can't be written.
   */
  remember(seen: RememberedTrust, base: RememberedTrust | undefined, signal: AbortSignal): Promise<RememberedTrust>;
  /** Tells of every change from now on; it may also tell of what this process wrote itself. */
  listen(listener: RecordListener): void;
  /** Stops watching, where it watches; what is remembered later is told by nobody. Never throws. */
  close?(): void | Promise<void>;
}

/**
 * How a root came to be remembered: it was the first one that was seen; pins of the cluster (TRUST_ROOTS_FILE, a ClusterImagePolicy) admitted it; or an
 * operator wrote it down.
 */
export type RootOrigin = 'firstUse' | 'pinned' | 'operator';

/** Root keys and lowest acceptable versions of a repository. */
export interface RememberedTrust {
  readonly server: string;
  readonly gun: string;
  /** Key IDs of the root role, as recomputed (lower-case hex), sorted. */
  readonly rootKeyIds: readonly string[];
  /** Undefined, as in records of before: a first use. */
  readonly rootFrom?: RootOrigin;
  /** Lowest acceptable version of each role, root included. */
  readonly versions: ReadonlyMap<string, number>;
  /** Earliest expiry of the roles seen (ms since the epoch). */
  readonly expires: number;
  /** When the record was last written (ms since the epoch); undefined in what was not written yet. */
  readonly lastSeen?: number;
  /** Digests that were admitted, so that a workload that runs outlives the day on which its tag is signed anew. */
  readonly admitted?: readonly AdmittedDigest[];
  /** Set by an operator: the root keys stay as they are, and the gate writes nothing into the record. */
  readonly frozen?: boolean;
}

/** A digest that was admitted in a namespace, by the proof of these signers. Times in ms since the epoch. */
export interface AdmittedDigest {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly namespace: string;
  /** The tag that was signed for it. */
  readonly tag: string;
  /** What was demanded: a hash over the keys of root, of the roles that release tags and of the signers, and how many of these had to sign. */
  readonly demand: string;
  /** When it was last known to be in the trust data. */
  readonly seen: number;
  /** When it was first seen to have left the trust data; undefined while it is there. */
  readonly left?: number;
}

/** An image that is pinned to a digest, and what is demanded of it. */
export interface AdmittedQuery {
  readonly server: string;
  readonly gun: string;
  readonly sha256: string;
  readonly namespace: string;
  /** The tag that is signed for it, or that the image names beside the digest; undefined where it names none. */
  readonly tag: string | undefined;
  readonly demand: string;
}

/** What the trust data of today says to a digest that was admitted before. */
export interface SignedToday {
  /** Whether the digest is signed as the query demands, under whatever tag. */
  readonly isSigned: boolean;
  /** Whether a tag is. */
  stands(tag: string): boolean;
}

/** The memory of what was trusted when it was admitted. */
export interface AdmittedMemory {
  /** Begins to remember a digest that was admitted by these facts, and their versions. Nobody waits for it. Never throws. */
  note(query: AdmittedQuery, facts: TrustFacts): void;
  /** Ends when all that was begun is remembered, or given up: bounded by time, and never throws. For the end of a process. */
  settled(): Promise<void>;
  /**
   * Until when (ms since the epoch) the digest may still be admitted although it is signed no more under its tag: some time after it left the trust data,
   * and without end while it is signed under another tag; undefined: not at all. Throws `Fault`.
   */
  pardon(query: AdmittedQuery, today: SignedToday, signal: AbortSignal): Promise<number | undefined>;
}

/** What is asked of the trust data of one repository. */
export interface TrustQuery {
  readonly address: RepositoryAddress;
  /** Delegated roles that the decision needs, beside targets/releases: `targets/alice`. Sorted. */
  readonly roles: readonly string[];
  /** Facts verified before this moment (ms since the epoch) are not good enough; undefined: those within their TTL are. */
  readonly notBefore: number | undefined;
  /** A dry run leaves nothing behind in the memory of the cluster. */
  readonly dryRun: boolean;
  /** True: whoever asks has what he admits noted in the record, and the versions of these facts with it; of a first use, root alone is remembered before. */
  readonly noted?: boolean | undefined;
  /** Which root keys may vouch for the repository; undefined: those that are remembered, or at first sight any that bear its name. */
  readonly pins?: RootPins | undefined;
  /** False: a root that is neither pinned nor remembered is refused. Undefined: it is taken at first sight. */
  readonly firstUse?: boolean | undefined;
  /** True: without pins, a root that is remembered counts only where somebody vouched for it, and not by its first use alone. */
  readonly onlyVouched?: boolean | undefined;
  /** True: the pins are the cluster's, no tenant's, so that a root which they admit is remembered as pinned. */
  readonly vouches?: boolean | undefined;
}

/** Verified trust data; throws `TrustError` where it does not hold and `Fault` where there is no answer. */
export interface TrustSource {
  facts(query: TrustQuery, signal: AbortSignal): Awaitable<TrustFacts>;
}

/** Whose credentials for which repository are wanted. */
export interface CredentialQuery {
  readonly namespace: string;
  /** Names of the workload's imagePullSecrets. */
  readonly pullSecrets: readonly string[];
  /** Its ServiceAccount, whose pull secrets come after. */
  readonly serviceAccount: string;
  /** Registry host of the image, with port where written. */
  readonly registry: string;
  /** Path of the image in the registry. */
  readonly repository: string;
}

/** The credentials that a workload holds for a repository, in the order they are tried; anonymous is not among them. Throws `Fault`. */
export interface CredentialSource {
  credentials(query: CredentialQuery, signal: AbortSignal): Awaitable<readonly Credential[]>;
}
