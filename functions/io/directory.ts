import type { JsonObject } from '../json.ts';
import { type PolicySnapshot, snapshotOf } from '../policy/snapshot.ts';
import type { Cluster, Readiness } from '../ports.ts';
import { type FoundFile, type Listing, readDirectory } from './files.ts';
import { FolderWatch } from './folders.ts';
import { clusterOf } from './lookup.ts';
import { type ManifestObject, parseManifest } from './manifest.ts';
import { isPolicy, keyOf, nameOf, type ObjectSource, type SourceContext } from './objects.ts';

/** How a directory is watched; milliseconds. */
export interface DirectoryOptions extends SourceContext {
  /** Between looks that need no notice of the system: network file systems send none. Default 5000. */
  readonly poll?: number;
  /** A notice waits this long for its siblings, so that a file written in pieces is read once. Default 5. */
  readonly settle?: number;
}

/** A directory of Kubernetes objects as a source. */
export interface DirectorySource extends ObjectSource {
  /** Looks now, and resolves when what is there counts. Never throws. */
  refresh(): Promise<void>;
}

interface KnownFile {
  readonly bytes: Buffer;
  readonly objects: readonly ManifestObject[];
}

interface Placed extends ManifestObject {
  readonly path: string;
}

const EMPTY = 'is empty; what it held still counts: delete the file to remove it';

/** The text of UTF-8 bytes, without a byte order mark; undefined for other bytes, whose names would be read as others. */
function textFrom(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

class Directory implements DirectorySource {
  readonly #path: string;
  readonly #options: DirectoryOptions;
  #files = new Map<string, KnownFile>();
  #objects = new Map<string, Placed>();
  readonly #cluster = clusterOf((identity) => this.#objects.get(keyOf(identity))?.object);
  #policies: readonly JsonObject[] = [];
  #snapshot: PolicySnapshot | undefined;
  #problems: readonly string[] = ['the directory has not been read yet'];
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;
  readonly #watch = new FolderWatch(() => this.#notice());
  #settle: NodeJS.Timeout | undefined;
  readonly #poll: NodeJS.Timeout;

  constructor(path: string, options: DirectoryOptions) {
    this.#path = path;
    this.#options = options;
    this.#poll = setInterval(() => void this.refresh(), options.poll ?? 5_000);
    this.#poll.unref();
  }

  current(): PolicySnapshot | undefined {
    return this.#snapshot;
  }

  readiness(): Readiness {
    return { ready: this.#snapshot !== undefined, problems: this.#problems };
  }

  readonly secret: Cluster['secret'] = (...asked) => this.#cluster.secret(...asked);
  readonly pullSecretsOf: Cluster['pullSecretsOf'] = (...asked) => this.#cluster.pullSecretsOf(...asked);
  readonly owner: Cluster['owner'] = (...asked) => this.#cluster.owner(...asked);

  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#reading !== undefined) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#readUntilQuiet().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    this.#watch.close();
    await this.#reading;
  }

  async #readUntilQuiet(): Promise<void> {
    do {
      this.#again = false;
      try {
        const listing = await readDirectory(this.#path);
        // What changed in a folder before it was watched went unnoticed: it is read once more.
        if (!this.#closed && this.#watch.follow(listing.folders)) this.#again = true;
        else this.#take(listing);
      } catch (error) {
        this.#tell([
          `the directory could not be taken over: ${error instanceof Error ? error.message : 'unknown error'}`,
        ]);
      }
    } while (this.#again && !this.#closed);
  }

  #notice(): void {
    clearTimeout(this.#settle);
    if (!this.#closed) this.#settle = setTimeout(() => void this.refresh(), this.#options.settle ?? 5);
  }

  #take(listing: Listing): void {
    const problems: string[] = [...listing.problems];
    if (problems.length === 0) this.#takeFiles(listing.files, problems);
    this.#tell(problems);
  }

  #takeFiles(found: readonly FoundFile[], problems: string[]): void {
    const files = new Map<string, KnownFile>();
    for (const file of found) {
      const known = this.#read(file, problems);
      if (known !== undefined) files.set(file.path, known);
    }
    const objects = this.#place(files, problems);
    // At the start every mistake counts: a gate that knows only part of its policies is not ready.
    if (this.#snapshot === undefined && problems.length > 0) return;
    this.#files = files;
    this.#objects = objects;
    this.#swap();
  }

  #read(found: FoundFile, problems: string[]): KnownFile | undefined {
    const known = this.#files.get(found.path);
    if ('problem' in found) {
      problems.push(`${found.path} ${found.problem}`);
      return known;
    }
    if (known?.bytes.equals(found.bytes)) return known;
    if (known !== undefined && known.objects.length > 0 && found.bytes.toString('utf8').trim() === '') {
      // A file is empty for a moment while it is written in place; its policies must not vanish in that moment.
      problems.push(`${found.path} ${EMPTY}`);
      return known;
    }
    const text = textFrom(found.bytes);
    if (text === undefined) {
      problems.push(`${found.path} is not UTF-8; save it in that encoding`);
      return known;
    }
    const { objects, mistakes } = parseManifest(text);
    for (const { line, column, message } of mistakes) problems.push(`${found.path}:${line}:${column} ${message}`);
    return mistakes.length > 0 ? known : { bytes: found.bytes, objects };
  }

  /** Every object by identity. Of two files that hold the same one, the file that held it before counts, else the first by path. */
  #place(files: ReadonlyMap<string, KnownFile>, problems: string[]): Map<string, Placed> {
    const placed = new Map<string, Placed>();
    for (const [path, { objects }] of files) {
      for (const object of objects) {
        const key = keyOf(object.identity);
        const first = placed.get(key);
        if (first !== undefined) {
          problems.push(
            `${path}:${object.line}:1 ${nameOf(object.identity)} stands in ${first.path}:${first.line} too; keep one of them`,
          );
        }
        if (first === undefined || this.#objects.get(key)?.path === path) placed.set(key, { ...object, path });
      }
    }
    return placed;
  }

  #swap(): void {
    const policies = [...this.#objects.values()]
      .filter(({ identity }) => isPolicy(identity))
      .map(({ object }) => object);
    const same =
      policies.length === this.#policies.length && policies.every((object, index) => object === this.#policies[index]);
    if (this.#snapshot !== undefined && same) return;
    this.#snapshot = snapshotOf(policies);
    this.#policies = policies;
    this.#options.log.info(
      { policies: policies.length, version: this.#snapshot.version },
      'policies read from the directory',
    );
  }

  #tell(problems: readonly string[]): void {
    const before = new Set(this.#problems);
    this.#problems = problems;
    for (const problem of problems)
      if (!before.has(problem)) this.#options.log.warn({ problem }, 'directory of objects');
  }
}

/**
 * Opens a directory of Kubernetes YAML or JSON as the source of objects, and watches it. Resolves after the first look, whatever
 * it found: with any mistake the source is not ready, every mistake stands in `readiness().problems`, and a corrected file counts
 * at once. Later a file with a mistake keeps what it held before. Never throws.
 */
export async function openDirectory(path: string, options: DirectoryOptions): Promise<DirectorySource> {
  const directory = new Directory(path, options);
  await directory.refresh();
  return directory;
}
