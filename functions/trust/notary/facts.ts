/** Verified facts of one role's file. */
export interface RoleFacts {
  readonly role: string;
  readonly version: number;
  /** Expiry, ms since the epoch. */
  readonly expires: number;
  /** Key IDs (recomputed, lower-case hex) whose signature over the file was verified. */
  readonly signedBy: ReadonlySet<string>;
  /** Threshold that was met. */
  readonly threshold: number;
  /** SHA-256 (hex) of the file's bytes; lets a refresh skip what did not change. */
  readonly sha256: string;
}

/** A targets role (targets or a delegation) with its signed targets. */
export interface TargetsFacts extends RoleFacts {
  /** Tag → digest and length. Target names are kept as signed. */
  readonly targets: ReadonlyMap<string, TargetFact>;
  /** Key IDs its parent lists for it. */
  readonly keyIds: ReadonlySet<string>;
}
/** What was signed under one tag. */
export interface TargetFact {
  /** Lower-case hex of the SHA-256. */
  readonly sha256: string;
  readonly length: number;
}

/** A delegation that is listed by its parent but whose file can't be used; demanding it is a refusal. */
export interface UnusableRole {
  readonly role: string;
  readonly code: import('../../codes.ts').DenyCode;
  readonly message: string;
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
  /** Earliest expiry of every role above, ms since the epoch. */
  readonly expires: number;
  /** Approximate bytes held in memory. */
  readonly bytes: number;
}
