import type { ImageReference } from './reference.ts';

/** A policy pattern, compiled: anchored, host and path matched apart, without a backtracking regular expression. */
export interface ImagePattern {
  readonly written: string;
  matches(reference: ImageReference): boolean;
  /** True where the pattern has no star. */
  readonly exact: boolean;
  /** Length of the pattern less its stars: the longer one wins. */
  readonly weight: number;
}
/** Compiles a pattern, or says why it can't be one (a sentence). */
export declare function compilePattern(written: string): ImagePattern | string;
