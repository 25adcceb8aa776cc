import type { DenyCode, Fault } from '../../codes.ts';
import type { Delegation, FileMeta, TargetFact } from './metadata.ts';
import type { RoleFacts } from './rolefacts.ts';
import type { TrustedRoot } from './root.ts';

/** A targets role (targets or a delegation) with its signed targets. */
export interface TargetsFacts extends RoleFacts {
  /** Tag → digest and length, within the paths delegated to the role. Target names are kept as signed. */
  readonly targets: ReadonlyMap<string, TargetFact>;
  /** Key IDs (recomputed) its parent lists for it. */
  readonly keyIds: ReadonlySet<string>;
  /** Those of them that can verify: key ID → SHA-256 (hex) of the SubjectPublicKeyInfo, as in `PublicKey.fingerprint`. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

/** A delegation that is listed by its parent but whose file can't be used; demanding it is a refusal. */
export interface UnusableRole {
  readonly role: string;
  readonly code: DenyCode;
  readonly message: string;
}

/** What a refresh needs beside the facts: the verified parents, so that one timestamp is enough when nothing changed. */
export interface ChainState {
  readonly root: TrustedRoot;
  /** What the timestamp states of the snapshot. */
  readonly snapshot: FileMeta;
  /** What the snapshot states of each role. */
  readonly files: ReadonlyMap<string, FileMeta>;
  /** By role (`targets`, `targets/a`): the delegations it lists, their paths already cut to those of the role itself. */
  readonly delegations: ReadonlyMap<string, readonly Delegation[]>;
  /** Roles that were asked for, listed or not. */
  readonly asked: ReadonlySet<string>;
}

/** Everything the gate knows of one repository after verifying its chain. Immutable. */
export interface TrustFacts {
  readonly server: string;
  readonly gun: string;
  readonly root: RoleFacts & { readonly keyIds: ReadonlySet<string> };
  readonly timestamp: RoleFacts;
  readonly snapshot: RoleFacts;
  readonly targets: TargetsFacts;
  /** By role name, each delegation that was asked for and is listed by its parent. */
  readonly delegations: ReadonlyMap<string, TargetsFacts | UnusableRole>;
  /** Earliest expiry of every role above and of the root's certificates, ms since the epoch. */
  readonly expires: number;
  /** Approximate bytes held in memory. */
  readonly bytes: number;
  /** For `updateTrust`, as `previous`. */
  readonly state: ChainState;
  /** True where the memory holds root alone of these facts as yet: whoever notes what is admitted by them has their versions remembered. */
  readonly unversioned?: true;
  /** Set where the server gave no answer to the latest look: when the facts were verified (ms since the epoch), and what went wrong since. */
  readonly unanswered?: { readonly since: number; readonly cause: Fault };
}

/** True for a delegation whose file was verified. */
export const isUsable = (role: TargetsFacts | UnusableRole): role is TargetsFacts => 'targets' in role;
