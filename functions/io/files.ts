import type { Dirent } from 'node:fs';
import { open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { LIMITS } from '../limits.ts';

/** A file that was found: its path below the directory, and its bytes or the sentence that says why there are none. */
export type FoundFile =
  | { readonly path: string; readonly bytes: Buffer }
  | { readonly path: string; readonly problem: string };

/** One look at a directory. `problems` concern the whole of it: then the list of files is not complete. */
export interface Listing {
  readonly files: readonly FoundFile[];
  readonly problems: readonly string[];
  /** Real paths of every folder that was looked into. */
  readonly folders: readonly string[];
}

interface Entry {
  readonly path: string;
  readonly stamp: string;
  readonly problem?: string;
}

/** Looks taken again when something changed in between; the last one counts, and the next notice corrects it. */
const LOOKS = 4;
const ENDINGS = ['.yaml', '.yml', '.json'];

const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const known: Record<string, string> = {
    ENOENT: 'does not exist; create it, or correct the path',
    EACCES: 'may not be read; give the process permission to read it',
    ENOTDIR: 'is not a directory; name a directory',
  };
  return Object.hasOwn(known, code) ? (known[code] as string) : `cannot be read (${code})`;
};

/** Walks a directory for manifests, in order of path. */
class Walk {
  readonly entries: Entry[] = [];
  readonly folders: string[] = [];
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
      this.folders.push(await realpath(path));
      list = await readdir(path, { withFileTypes: true });
    } catch (error) {
      return void this.problems.push(`${this.#shown(path)} ${reasonOf(error)}`);
    }
    for (const entry of list.sort((a, b) => (a.name < b.name ? -1 : 1))) await this.#entry(path, entry, depth);
  }

  async #entry(folder: string, entry: Dirent, depth: number): Promise<void> {
    // Hidden names are editors' files, and the real folders behind a Kubernetes volume, which are reached by their links.
    if (entry.name.startsWith('.')) return;
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return this.#link(path, depth);
    if (entry.isDirectory()) return this.folder(path, depth + 1);
    if (entry.isFile()) await this.#file(path);
  }

  async #link(path: string, depth: number): Promise<void> {
    try {
      if (!(await this.#isVolumeLink(path))) {
        if (!isManifest(path)) return;
        const problem = 'is a symbolic link, which is followed only in a Kubernetes volume; put the file itself there';
        return void this.entries.push({ path: this.#shown(path), stamp: 'link', problem });
      }
      const target = await stat(path);
      if (target.isDirectory()) await this.folder(path, depth + 1);
      else if (target.isFile()) await this.#file(path);
    } catch (error) {
      this.entries.push({ path: this.#shown(path), stamp: 'link', problem: reasonOf(error) });
    }
  }

  /** Kubernetes' volumes show `name -> ..data/name`, with `..data` swapped as a whole; a link that leaves the directory is none. */
  async #isVolumeLink(path: string): Promise<boolean> {
    if (!(await readlink(path)).startsWith(`..data${sep}`)) return false;
    const inside = relative(this.#root, await realpath(path));
    return inside !== '..' && !inside.startsWith(`..${sep}`);
  }

  async #file(path: string): Promise<void> {
    if (!isManifest(path)) return;
    if (this.entries.length >= LIMITS.directoryFiles) {
      if (this.entries.length === LIMITS.directoryFiles)
        this.problems.push(`more than ${LIMITS.directoryFiles} files; remove some`);
      return;
    }
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const stamp = [ino, size, mtimeNs, ctimeNs].join('.');
      if (size <= LIMITS.manifestBytes) return void this.entries.push({ path: this.#shown(path), stamp });
      this.entries.push({
        path: this.#shown(path),
        stamp,
        problem: `is larger than ${LIMITS.manifestBytes} bytes; split it`,
      });
    } catch (error) {
      this.entries.push({ path: this.#shown(path), stamp: 'gone', problem: reasonOf(error) });
    }
  }

  #shown(path: string): string {
    return relative(this.#root, path) || 'the directory';
  }
}

const isManifest = (path: string): boolean => ENDINGS.some((ending) => path.endsWith(ending));

async function look(root: string): Promise<Walk> {
  const walk = new Walk(root);
  await walk.folder(root, 0);
  return walk;
}

const stampsOf = (walk: Walk): string => JSON.stringify([walk.entries, walk.problems]);

/** Reads at most `limit` bytes, whatever the size was a moment ago. */
async function readBounded(path: string, limit: number): Promise<Buffer | undefined> {
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

async function readAll(root: string, walk: Walk): Promise<Listing> {
  const files: FoundFile[] = [];
  let left: number = LIMITS.directoryBytes;
  for (const { path, problem } of walk.entries) {
    if (problem !== undefined) files.push({ path, problem });
    else files.push(await readOne(root, path, left));
    const last = files.at(-1);
    if (last !== undefined && 'bytes' in last) left -= last.bytes.length;
  }
  return { files, problems: walk.problems, folders: walk.folders };
}

async function readOne(root: string, path: string, left: number): Promise<FoundFile> {
  try {
    const bytes = await readBounded(join(root, path), Math.min(LIMITS.manifestBytes, left));
    if (bytes !== undefined) return { path, bytes };
    return { path, problem: `is too large, or all files together exceed ${LIMITS.directoryBytes} bytes; remove some` };
  } catch (error) {
    return { path, problem: reasonOf(error) };
  }
}

/**
 * Reads every `*.yaml`, `*.yml` and `*.json` below a directory, paths relative to it and in order. A directory that changes
 * while it is read is read again, so that half of an old state is not mixed with half of a new one. Never throws.
 */
export async function readDirectory(directory: string): Promise<Listing> {
  let root: string;
  try {
    root = await realpath(directory);
  } catch (error) {
    return { files: [], problems: [`the directory ${directory} ${reasonOf(error)}`], folders: [] };
  }
  let before = await look(root);
  for (let turn = 1; ; turn += 1) {
    const listing = await readAll(root, before);
    const after = await look(root);
    if (turn === LOOKS || stampsOf(before) === stampsOf(after)) return listing;
    before = after;
  }
}
