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
  /** Length of the file, bytes. */
  readonly length: number;
}
