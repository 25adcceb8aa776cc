import type { DenyCode, Fault, FaultCode } from '../codes.ts';
import type { Digest } from '../image/reference.ts';
import type { Mode } from '../policy/policy.ts';

/** One thing that was seen to hold, for logs and `explain`: "targets/releases version 3, signed by 1 of 1 keys, expires …". */
export interface Evidence {
  readonly subject: string;
  readonly detail: string;
}

/** Why an image would be refused, if the mode of its rule did not let it pass. */
export interface ToleratedFailure {
  readonly mode: Exclude<Mode, 'enforce'>;
  readonly code: DenyCode | FaultCode;
  readonly message: string;
  /** What broke, where a bug did; for the log. */
  readonly cause?: unknown;
}

/** What is known of one image under its rule. */
export type Verdict =
  /** digest undefined: no proof was asked, nothing to patch. */
  | {
      readonly outcome: 'trusted';
      readonly digest: Digest | undefined;
      readonly evidence: readonly Evidence[] /** What whoever sent the workload should know. */;
      readonly warning?: string;
    }
  /** A proof failed, and the mode of the rule lets the image pass; `digest` is what another rule had proven. */
  | {
      readonly outcome: 'tolerated';
      readonly digest: Digest | undefined;
      readonly failures: readonly ToleratedFailure[];
      readonly evidence: readonly Evidence[];
      readonly warning?: string;
    }
  | { readonly outcome: 'denied'; readonly code: DenyCode; readonly message: string }
  /** No answer: denied too, but never cached. */
  | { readonly outcome: 'unknown'; readonly fault: Fault };
