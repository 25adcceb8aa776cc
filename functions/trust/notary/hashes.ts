import { hash } from 'node:crypto';
import { TrustError } from './error.ts';
import type { FileMeta } from './metadata.ts';

/** Of files on their way through a chain: whether one is that which its parent states is asked when it arrives, and held when it is verified. */
const hashed = new WeakMap<Uint8Array, ReadonlyMap<string, Buffer>>();

/** SHA-256 and SHA-512 of bytes, by the names Notary gives them; made once, so that nobody may write into the bytes. */
export function hashesOf(bytes: Uint8Array): ReadonlyMap<string, Buffer> {
  const known = hashed.get(bytes);
  if (known !== undefined) return known;
  const found = new Map([
    ['sha256', hash('sha256', bytes, 'buffer')],
    ['sha512', hash('sha512', bytes, 'buffer')],
  ]);
  hashed.set(bytes, found);
  return found;
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
export function isStated(bytes: Uint8Array, { length, hashes }: FileMeta): boolean {
  const stated = hashes.get('sha256');
  return stated !== undefined && bytes.length === length && hashesOf(bytes).get('sha256')?.equals(stated) === true;
}

/** Whether two parents state the same of a file. */
export function isSameFile(one: FileMeta | undefined, other: FileMeta | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.length !== other.length || one.hashes.size !== other.hashes.size || one.hashes.size === 0) return false;
  return [...one.hashes].every(([name, value]) => other.hashes.get(name)?.equals(value) === true);
}
