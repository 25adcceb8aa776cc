import { hash } from 'node:crypto';
import { TrustError } from './error.ts';
import type { FileMeta } from './metadata.ts';

/** SHA-256 and SHA-512 of bytes, by the names Notary gives them. */
export function hashesOf(bytes: Uint8Array): ReadonlyMap<string, Buffer> {
  return new Map([
    ['sha256', hash('sha256', bytes, 'buffer')],
    ['sha512', hash('sha512', bytes, 'buffer')],
  ]);
}

/**
 * Holds hashes and length of a file to what its parent states: each hash of a kind we know, and at least one (Notary's `CheckHashes`;
 * TUF 5.5.2, 5.6.2). Throws `TrustError` TRUST_INCONSISTENT.
 */
export function checkHashes(found: ReadonlyMap<string, Buffer>, length: number, meta: FileMeta, what: string): void {
  let checked = 0;
  for (const [algorithm, stated] of meta.hashes) {
    const actual = found.get(algorithm);
    if (actual === undefined) continue;
    if (!actual.equals(stated))
      throw new TrustError(
        'TRUST_INCONSISTENT',
        `${what} has the ${algorithm} ${actual.toString('hex')}, but its parent states ${stated.toString('hex')}`,
      );
    checked += 1;
  }
  if (checked === 0)
    throw new TrustError('TRUST_INCONSISTENT', `the parent of ${what} states no hash of it that is known`);
  if (length !== meta.length)
    throw new TrustError('TRUST_INCONSISTENT', `${what} is ${length} bytes long, but its parent states ${meta.length}`);
}

/** Whether bytes are the file that a parent states, by length and SHA-256: false where it states none. What else it states is for `checkHashes` to hold. */
export const isStated = (bytes: Uint8Array, { length, hashes }: FileMeta): boolean =>
  bytes.length === length && hashes.get('sha256')?.equals(hash('sha256', bytes, 'buffer')) === true;

/** Whether two parents state the same of a file. */
export function isSameFile(one: FileMeta | undefined, other: FileMeta | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.length !== other.length || one.hashes.size !== other.hashes.size || one.hashes.size === 0) return false;
  return [...one.hashes].every(([name, value]) => other.hashes.get(name)?.equals(value) === true);
}
