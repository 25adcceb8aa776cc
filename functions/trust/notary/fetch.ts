import { LIMITS } from '../../limits.ts';
import type { RoleFile } from '../../ports.ts';
import { TrustError } from './error.ts';
import { isStated } from './hashes.ts';
import type { FileMeta } from './metadata.ts';
import type { Ahead, TrustRequest, Update } from './request.ts';

const limitOf = (role: string): number =>
  role === 'root' || role === 'timestamp' || role === 'snapshot' ? LIMITS.roleBytes[role] : LIMITS.roleBytes.targets;

const latestOf = (role: string): RoleFile => ({ role, maxBytes: limitOf(role) });

/** The root the server serves now. */
export const LATEST_ROOT = latestOf('root');
/** The timestamp the server serves now. */
export const LATEST_TIMESTAMP = latestOf('timestamp');

/** Whom a file is asked of, and for how long. */
type Question = Pick<Update, 'files' | 'signal'> & { readonly request: Pick<TrustRequest, 'address'> };

/** One file of the repository, or undefined where the server has none. Throws `TrustError` TRUST_TOO_LARGE and `Fault`. */
export async function fetchFile({ files, request, signal }: Question, file: RoleFile): Promise<Buffer | undefined> {
  const bytes = await files.fetch(request.address, file, signal);
  if (bytes === undefined) return undefined;
  if (bytes.length > file.maxBytes)
    throw new TrustError('TRUST_TOO_LARGE', `${file.role} is longer than ${file.maxBytes} bytes`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Root and timestamp, with which every look from scratch begins. */
export const FIRST: readonly string[] = ['root', 'timestamp'];

/**
 * Asks for the latest files of these roles side by side, before it is known what their parents state of them: they arrive while root is verified, and no parent
 * has to be waited for. None is looked at before it has proven to be the one that is stated.
 */
export function fetchAhead(question: Question, roles: readonly string[]): Ahead {
  const asked = roles.map((role) => [role, fetchFile(question, latestOf(role))] as const);
  // A fault counts where the file is needed. Of one that is not, nobody asks what became of it.
  for (const [, file] of asked) file.catch(() => undefined);
  return new Map(asked);
}

/** The file that was asked for ahead, where it is the one that the parent states; an older or newer one, or one too long, is none. Throws `Fault`. */
async function fetchedAhead({ ahead }: Update, role: string, meta: FileMeta): Promise<Buffer | undefined> {
  try {
    const bytes = await ahead?.get(role);
    return bytes !== undefined && isStated(bytes, meta) ? bytes : undefined;
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}

/**
 * A file by what its parent states of it: the one that was asked for ahead, if it is that; else under its SHA-256, where one is stated (`ConsistentName`), and
 * never more bytes than stated.
 * Throws `TrustError` (TRUST_TOO_LARGE beyond our own limit, TRUST_INCONSISTENT where it is missing or longer than stated) and `Fault`.
 */
export async function fetchStated(update: Update, role: string, meta: FileMeta): Promise<Buffer> {
  const limit = limitOf(role);
  if (meta.length > limit)
    throw new TrustError('TRUST_TOO_LARGE', `${role} is ${meta.length} bytes long; at most ${limit} are read`);
  const ahead = await fetchedAhead(update, role, meta);
  if (ahead !== undefined) return ahead;
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
