import type { DenyCode, Fault } from '../codes.ts';
import type { Digest } from '../image/reference.ts';

/** One thing that was seen to hold, for logs and `explain`: "targets/releases version 3, signed by 1 of 1 keys, expires …". */
export interface Evidence {
  readonly subject: string;
  readonly detail: string;
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
  | { readonly outcome: 'denied'; readonly code: DenyCode; readonly message: string }
  /** No answer: denied too, but never cached. */
  | { readonly outcome: 'unknown'; readonly fault: Fault };
