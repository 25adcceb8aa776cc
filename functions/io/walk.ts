import type { Dirent } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { LIMITS } from '../limits.ts';

/** A manifest that was seen: its path below the directory, and what changes with it. */
export interface Entry {
  readonly path: string;
  /** Inode, size and both times to the nanosecond: two looks that give the same one saw the same file, unless both fell into one tick of the clock. */
  readonly stamp: string;
  readonly size: number;
  /** Why it is not to be read. */
  readonly problem?: string;
}

/** A folder by its real path, and which one stands there now. */
export interface Folder {
  readonly path: string;
  readonly id: string;
}

/** What stands in a directory, unread. `problems` concern the whole of it: then the list of entries is not complete. */
export interface Walk {
  readonly entries: readonly Entry[];
  readonly folders: readonly Folder[];
  readonly problems: readonly string[];
}

const ENDINGS = ['.yaml', '.yml', '.json'];
/** Files that are asked for at once; more would only queue before what else the process asks of the system. */
const AT_ONCE = 64;

const TOO_MANY = `more than ${LIMITS.directoryFiles} files; remove some`;

const unread = (path: string, problem: string): Entry => ({ path, stamp: 'none', size: 0, problem });

/** Whether a name is that of a manifest. */
export const isManifest = (name: string): boolean => ENDINGS.some((ending) => name.endsWith(ending));

/** The sentence for an error of the file system, without its subject. */
export const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const known: Record<string, string> = {
    ENOENT: 'does not exist; create it, or correct the path',
    EACCES: 'may not be read; give the process permission to read it',
    ENOTDIR: 'is not a directory; name a directory',
  };
  return Object.hasOwn(known, code) ? (known[code] as string) : `cannot be read (${code})`;
};

/** Works on all items, so many at once; the results are in the order of the items. */
export async function inBatches<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += size)
    results.push(...(await Promise.all(items.slice(from, from + size).map(work))));
  return results;
}

/** What a file is now. Rejects where there is none. */
export async function entryOf(root: string, path: string): Promise<Entry> {
  const { ino, size: bytes, mtimeNs, ctimeNs } = await stat(join(root, path), { bigint: true });
  const stamp = `${ino}.${bytes}.${mtimeNs}.${ctimeNs}`;
  const size = Number(bytes);
  if (size <= LIMITS.manifestBytes) return { path, stamp, size };
  return { path, stamp, size, problem: `is larger than ${LIMITS.manifestBytes} bytes; split it` };
}

/** Walks a directory for manifests, in order of path. */
class Walker {
  readonly found: (string | Entry)[] = [];
  readonly folders: Folder[] = [];
  readonly problems: string[] = [];
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async folder(path: string, depth: number): Promise<void> {
    if (depth > LIMITS.directoryDepth)
      return void this.problems.push(`${path}: folders are nested too deeply; move the files up`);
    let list: Dirent[];
    try {
      const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
      this.folders.push({ path: await realpath(path), id: `${dev}.${ino}.${birthtimeNs}` });
      list = await readdir(path, { withFileTypes: true });
    } catch (error) {
      return void this.problems.push(`${this.#shown(path)} ${reasonOf(error)}`);
    }
    for (const entry of list.sort((a, b) => (a.name < b.name ? -1 : 1))) await this.#entry(path, entry, depth);
  }

  async walk(): Promise<Walk> {
    await this.folder(this.#root, 0);
    const entries = await inBatches(this.found, AT_ONCE, async (one) => {
      if (typeof one !== 'string') return one;
      return entryOf(this.#root, one).catch((error) => unread(one, reasonOf(error)));
    });
    return { entries, folders: this.folders, problems: this.problems };
  }

  async #entry(folder: string, entry: Dirent, depth: number): Promise<void> {
    // Hidden names are editors' files, and the real folders behind a Kubernetes volume, which are reached by their links.
    if (entry.name.startsWith('.')) return;
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return this.#link(path, depth);
    if (entry.isDirectory()) return this.folder(path, depth + 1);
    if (entry.isFile()) this.#file(path);
  }

  async #link(path: string, depth: number): Promise<void> {
    try {
      if (!(await this.#isVolumeLink(path))) {
        const problem = 'is a symbolic link, which is followed only in a Kubernetes volume; put the file itself there';
        if (isManifest(path)) this.#add(unread(this.#shown(path), problem));
        return;
      }
      const target = await stat(path);
      if (target.isDirectory()) await this.folder(path, depth + 1);
      else if (target.isFile()) this.#file(path);
    } catch (error) {
      this.#add(unread(this.#shown(path), reasonOf(error)));
    }
  }

  /** Kubernetes' volumes show `name -> ..data/name`, with `..data` swapped as a whole; a link that leaves the directory is none. */
  async #isVolumeLink(path: string): Promise<boolean> {
    if (!(await readlink(path)).startsWith(`..data${sep}`)) return false;
    const inside = relative(this.#root, await realpath(path));
    return inside !== '..' && !inside.startsWith(`..${sep}`);
  }

  #file(path: string): void {
    if (isManifest(path)) this.#add(this.#shown(path));
  }

  #add(one: string | Entry): void {
    if (this.found.length < LIMITS.directoryFiles) this.found.push(one);
    else if (!this.problems.includes(TOO_MANY)) this.problems.push(TOO_MANY);
  }

  #shown(path: string): string {
    return relative(this.#root, path) || 'the directory';
  }
}

/** What stands in a directory (its real path): every `*.yaml`, `*.yml` and `*.json` below it, in order of path. Never throws. */
export const walk = (root: string): Promise<Walk> => new Walker(root).walk();

/** Whether two walks saw the same. */
export const sameWalk = (one: Walk, other: Walk): boolean =>
  one.entries.length === other.entries.length &&
  one.entries.every(({ path, stamp }, at) => other.entries[at]?.path === path && other.entries[at]?.stamp === stamp) &&
  one.problems.join('\n') === other.problems.join('\n');
