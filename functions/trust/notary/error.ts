import type { DenyCode } from '../../codes.ts';

/** Thrown inside `trust/notary` and by its ports when trust data does not hold; the verifier turns it into a denied verdict. */
export class TrustError extends Error {
  readonly code: DenyCode;
  constructor(code: DenyCode, message: string) {
    super(message);
    this.name = 'TrustError';
    this.code = code;
  }
}
