import { lstat } from 'node:fs/promises';
import { basename, relative } from 'node:path';
import { LIMITS } from '../limits.ts';
import { type FoundFile, readFile } from './files.ts';
import { entryOf, isManifest } from './walk.ts';

/** What is known of a directory when some of its files are looked at. */
export interface Seen {
  /** Real path of the directory. */
  readonly root: string;
  /** Whether there is a file of this path below it. */
  file(path: string): boolean;
  /** Whether there is one below this path. */
  below(path: string): boolean;
}

/**
 * Looks at these names alone (real paths). Undefined where that is not enough, so that all is to be looked at: a file came or went, a folder or a link
 * is concerned, or a file changes while it is read. Never throws.
 */
export async function readFew(names: Iterable<string>, seen: Seen): Promise<readonly FoundFile[] | undefined> {
  const found: FoundFile[] = [];
  for (const name of names) {
    const file = await readName(name, seen).catch(() => undefined);
    if (file === undefined) return undefined;
    if (file !== 'none of ours') found.push(file);
  }
  return found;
}

async function readName(name: string, seen: Seen): Promise<FoundFile | 'none of ours' | undefined> {
  const path = relative(seen.root, name);
  if (seen.below(path)) return undefined;
  if (!seen.file(path)) return (await isNoneOfOurs(name)) ? 'none of ours' : undefined;
  if (!(await lstat(name)).isFile()) return undefined;
  const entry = await entryOf(seen.root, path);
  const file = await readFile(seen.root, entry, LIMITS.manifestBytes);
  return (await entryOf(seen.root, path)).stamp === entry.stamp ? file : undefined;
}

/** A name that no look at the whole would find: hidden, or of a file that is no manifest; a volume's own names (`..data`) lead to others. */
async function isNoneOfOurs(name: string): Promise<boolean> {
  const base = basename(name);
  if (base.startsWith('.')) return !base.startsWith('..');
  if (isManifest(base)) return false;
  try {
    return (await lstat(name)).isFile();
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}
