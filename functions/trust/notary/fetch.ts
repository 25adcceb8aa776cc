import { LIMITS } from '../../limits.ts';
import type { RoleFile } from '../../ports.ts';
import { TrustError } from './error.ts';
import type { FileMeta } from './metadata.ts';
import type { Update } from './update.ts';

/** The root the server serves now. */
export const LATEST_ROOT: RoleFile = { role: 'root', maxBytes: LIMITS.roleBytes.root };
/** The timestamp the server serves now. */
export const LATEST_TIMESTAMP: RoleFile = { role: 'timestamp', maxBytes: LIMITS.roleBytes.timestamp };

/** One file of the repository, or undefined where the server has none. Throws `TrustError` TRUST_TOO_LARGE and `Fault`. */
export async function fetchFile(update: Update, file: RoleFile): Promise<Buffer | undefined> {
  const bytes = await update.files.fetch(update.request.address, file, update.signal);
  if (bytes === undefined) return undefined;
  if (bytes.length > file.maxBytes)
    throw new TrustError('TRUST_TOO_LARGE', `${file.role} is longer than ${file.maxBytes} bytes`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const limitOf = (role: string): number => (role === 'snapshot' ? LIMITS.roleBytes.snapshot : LIMITS.roleBytes.targets);

/**
 * A file by what its parent states of it: under its SHA-256, where one is stated (`ConsistentName`), and never more bytes than stated.
 * Throws `TrustError` (TRUST_TOO_LARGE beyond our own limit, TRUST_INCONSISTENT where it is missing or longer than stated) and `Fault`.
 */
export async function fetchStated(update: Update, role: string, meta: FileMeta): Promise<Buffer> {
  const limit = limitOf(role);
  if (meta.length > limit)
    throw new TrustError('TRUST_TOO_LARGE', `${role} is ${meta.length} bytes long; at most ${limit} are read`);
  const sha256 = meta.hashes.get('sha256');
  const file = { role, maxBytes: meta.length, ...(sha256 === undefined ? {} : { sha256: sha256.toString('hex') }) };
  let bytes: Buffer | undefined;
  try {
    bytes = await fetchFile(update, file);
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'TRUST_TOO_LARGE') throw error;
    throw new TrustError(
      'TRUST_INCONSISTENT',
      `${role} is longer than the ${meta.length} bytes that its parent states`,
    );
  }
  if (bytes === undefined)
    throw new TrustError(
      'TRUST_INCONSISTENT',
      `the trust server does not have the file of ${role} that its parent states`,
    );
  return bytes;
}
