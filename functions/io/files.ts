import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../limits.ts';
import { type Entry, type Folder, inBatches, reasonOf, sameWalk, type Walk, walk } from './walk.ts';

/** A file that was found: its bytes, the sentence that says why there are none, or that it was kept as it is known. */
export type FoundFile = Pick<Entry, 'path' | 'stamp'> &
  ({ readonly bytes: Buffer } | { readonly problem: string } | { readonly kept: true });

/** One look at a directory. `problems` concern the whole of it: then the list of files is not complete. */
export interface Listing {
  readonly files: readonly FoundFile[];
  readonly problems: readonly string[];
  /** Every folder that was looked into. */
  readonly folders: readonly Folder[];
  /** Real path of the directory. */
  readonly root: string;
}

/** What is known of the files from looks before. */
export interface Known {
  readonly size: number;
  /** Whether the file of this stamp need not be read again. */
  keeps(entry: Entry): boolean;
}

/** Looks taken again when something changed in between; the last one counts, and the next notice corrects it. */
const LOOKS = 4;
/** Files that are read at once: as many threads of the system do it, and one more for each of them to go on with. */
const READS = 8;
const NOTHING: Known = { size: 0, keeps: () => false };

/** The text of UTF-8 bytes, without a byte order mark; undefined for other bytes, whose names would be read as others. */
export function textFrom(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of a file, or undefined where there are more than `limit`, whatever its size was a moment ago. Throws the error of the system. */
export async function readBounded(path: string, limit: number): Promise<Buffer | undefined> {
  await using file = await open(path, 'r');
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(64 * 1024) });
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    if (length > limit) return undefined;
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

/** Reads the files of a walk within the bound of all together. */
async function readAll(root: string, { entries }: Walk, known: Known): Promise<readonly FoundFile[]> {
  let left: number = LIMITS.directoryBytes;
  return inBatches(entries, READS, async (entry): Promise<FoundFile> => {
    const { path, stamp, size } = entry;
    const file = known.keeps(entry) ? { path, stamp, kept: true as const } : await readFile(root, entry, left);
    if (!('problem' in file)) left -= 'bytes' in file ? file.bytes.length : size;
    return file;
  });
}

/** Reads one file of a walk, of at most `left` bytes. Never throws. */
export async function readFile(root: string, { path, stamp, problem }: Entry, left: number): Promise<FoundFile> {
  if (problem !== undefined) return { path, stamp, problem };
  try {
    const bytes = await readBounded(join(root, path), Math.min(LIMITS.manifestBytes, left));
    if (bytes !== undefined) return { path, stamp, bytes };
    const told = `is too large, or all files together exceed ${LIMITS.directoryBytes} bytes; remove some`;
    return { path, stamp, problem: told };
  } catch (error) {
    return { path, stamp, problem: reasonOf(error) };
  }
}

/**
 * Reads every `*.yaml`, `*.yml` and `*.json` below a directory, paths relative to it and in order; those that are known are not read again. A
 * directory that changes while it is read is read again, so that half of an old state is not mixed with half of a new one. Never throws.
 */
export async function readDirectory(directory: string, known: Known = NOTHING): Promise<Listing> {
  let root: string;
  try {
    root = await realpath(directory);
  } catch (error) {
    return { files: [], problems: [`the directory ${directory} ${reasonOf(error)}`], folders: [], root: directory };
  }
  let before = await walk(root);
  for (let turn = 1; ; turn += 1) {
    const files = await readAll(root, before, known);
    const listing = { files, problems: before.problems, folders: before.folders, root };
    // Every file that is known stands there, none beside them: no half of a change can be in that.
    if (files.length === known.size && files.every((file) => 'kept' in file)) return listing;
    const after = await walk(root);
    if (turn === LOOKS || sameWalk(before, after)) return listing;
    before = after;
  }
}
