import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { type PolicySnapshot, snapshotOf } from '../policy/snapshot.ts';
import type { Cluster, Readiness } from '../ports.ts';
import { readFew } from './fewfiles.ts';
import { type FoundFile, type Listing, readDirectory } from './files.ts';
import { FolderWatch } from './folders.ts';
import { type HeldFile, heldFile, keeps } from './heldfile.ts';
import { clusterOf } from './lookup.ts';
import { keyOf, type ObjectSource, type SourceContext } from './objects.ts';
import { changedKeys, type Files, type Objects, place } from './placed.ts';

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

/** What is to be looked at: all, or the names (real paths) that the system gave notice of. */
type Due = 'all' | Set<string>;

class Directory implements DirectorySource {
  readonly #path: string;
  readonly #options: DirectoryOptions;
  #root = '';
  #whole = false;
  #files: Files = new Map();
  /** What is wrong with these files. */
  #mistakes: readonly string[] = [];
  #objects: Objects = new Map();
  readonly #cluster = clusterOf((identity) => this.#objects.get(keyOf(identity))?.object);
  #snapshot: PolicySnapshot | undefined;
  #problems: readonly string[] = ['the directory has not been read yet'];
  #reading: Promise<void> | undefined;
  #due: Due = 'all';
  #again = false;
  #closed = false;
  readonly #watch = new FolderWatch((folder, name) => this.#notice(folder, name));
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
    this.#due = 'all';
    return this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    this.#watch.close();
    await this.#reading;
  }

  #notice(folder: string, name: string | null): void {
    // By its own name a folder says that it was moved or removed itself.
    if (name === null || name === basename(folder)) this.#due = 'all';
    else if (this.#due !== 'all') this.#due.add(join(folder, name));
    clearTimeout(this.#settle);
    if (!this.#closed) this.#settle = setTimeout(() => void this.#look(), this.#options.settle ?? 5);
  }

  #look(): Promise<void> {
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

  async #readUntilQuiet(): Promise<void> {
    do {
      this.#again = false;
      try {
        if (!(await this.#readFew())) await this.#readAll();
      } catch (error) {
        this.#tell([
          `the directory could not be taken over: ${error instanceof Error ? error.message : 'unknown error'}`,
        ]);
      }
    } while (this.#again && !this.#closed);
  }

  /** Reads what is due alone; false where all has to be looked at. */
  async #readFew(): Promise<boolean> {
    const due = this.#due;
    if (due === 'all' || !this.#whole) return false;
    if (due.size === 0) return true;
    this.#due = new Set();
    const now = this.#options.clock.now();
    const found = await readFew(due, {
      root: this.#root,
      file: (path) => this.#files.has(path),
      below: (path) => [...this.#files.keys()].some((file) => file.startsWith(`${path}/`)),
    });
    // Whatever changed before what was read now has been noticed after this: the system gives notices in the order of the changes.
    await polled();
    if (found === undefined || this.#isDue()) return false;
    const files = new Map(this.#files);
    for (const file of found) take(files, file, this.#files, now);
    if ([...files.values()].reduce((sum, { size }) => sum + size, 0) > LIMITS.directoryBytes) return false;
    this.#takeOver(files);
    return true;
  }

  #isDue(): boolean {
    return this.#due === 'all' || this.#due.size > 0;
  }

  async #readAll(): Promise<void> {
    this.#due = new Set();
    const now = this.#options.clock.now();
    const listing = await readDirectory(this.#path, {
      size: this.#files.size,
      keeps: (entry) => keeps(this.#files.get(entry.path), entry),
    });
    // What changed in a folder before it was watched went unnoticed: it is read once more.
    if (this.#closed || !this.#watch.follow(listing.folders)) return void this.#takeListing(listing, now);
    this.#due = 'all';
    this.#again = true;
  }

  #takeListing({ root, files: found, problems }: Listing, now: number): void {
    this.#whole = problems.length === 0;
    if (!this.#whole) return void this.#tell(problems);
    const same = found.length === this.#files.size && found.every((file) => 'kept' in file);
    if (same && this.#snapshot !== undefined) return void this.#tell(this.#mistakes);
    const files = new Map<string, HeldFile>();
    for (const file of found) take(files, file, this.#files, now);
    this.#root = root;
    this.#takeOver(files);
  }

  #takeOver(files: Files): void {
    const problems = [...files.values()].flatMap(({ problems }) => problems);
    const objects = place(files, this.#objects, problems);
    const changed = changedKeys(this.#files, files);
    this.#files = files;
    if (this.#snapshot !== undefined) this.#swap(objects, changed);
    // At the start every mistake counts: a gate that knows only part of its policies is not ready.
    else if (problems.length === 0) this.#swap(objects, objects.keys());
    this.#mistakes = problems;
    this.#tell(problems);
  }

  /** Makes these objects count; `keys` are those under which something may have changed. */
  #swap(objects: Objects, keys: Iterable<string>): void {
    const before = this.#objects;
    this.#objects = objects;
    const [put, drop]: [JsonObject[], JsonObject[]] = [[], []];
    for (const key of keys) {
      const [was, is] = [before.get(key), objects.get(key)];
      if (was?.object === is?.object) continue;
      if (is?.policy === true) put.push(is.object);
      else if (was?.policy === true) drop.push(was.object);
    }
    const snapshot = this.#snapshot?.change({ put, drop }) ?? snapshotOf(put);
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    const policies = [...objects.values()].filter(({ policy }) => policy).length;
    this.#options.log.info({ policies, version: snapshot.version }, 'policies read from the directory');
  }

  #tell(problems: readonly string[]): void {
    const before = new Set(this.#problems);
    this.#problems = problems;
    for (const problem of problems)
      if (!before.has(problem)) this.#options.log.warn({ problem }, 'directory of objects');
  }
}

function take(files: Map<string, HeldFile>, found: FoundFile, before: Files, now: number): void {
  const held = heldFile(found, before.get(found.path), now);
  if (held !== undefined) files.set(found.path, held);
}

/** A whole turn of the event loop: what the system had to tell when it began has been told. */
async function polled(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/**
 * Opens a directory of Kubernetes YAML or JSON as the source of objects, and watches it. Resolves after the first look, whatever
 * it found: with any mistake the source is not ready, every mistake stands in `readiness().problems`, and a corrected file counts
 * at once. Later a file with a mistake keeps what it held before. What did not change is neither read nor compiled again. Never throws.
 */
export async function openDirectory(path: string, options: DirectoryOptions): Promise<DirectorySource> {
  const directory = new Directory(path, options);
  await directory.refresh();
  return directory;
}
