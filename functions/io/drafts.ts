import { randomUUID } from 'node:crypto';
import { close, open, writeFile } from 'node:fs';
import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What nobody waits for is begun this much later (ms): whoever waits for an admission has the disk and the processor for himself. */
export const LATER = 10;
/** What was begun longer ago (ms) was left by a process that was killed: a write takes milliseconds. */
const LEFT = 3_600_000;

// By callbacks: node:fs/promises makes an object of a file.
const calls = { open: promisify(open), write: promisify(writeFile), close: promisify(close) };

/** A new file that nobody else has. */
export interface Draft {
  readonly path: string;
  /** Descriptor. */
  readonly file: number;
}

/** Files in a folder of their own that are to be given another name once they are written. Methods throw the errors of node:fs. */
export class Drafts {
  readonly #folder: string;
  /** Made ahead; undefined where it could not be, and is made when it is needed. */
  #next: Promise<Draft | undefined> | undefined;
  #closed = false;
  #rest: (() => unknown)[] = [];
  #resting: NodeJS.Timeout | undefined;
  /** Ends when nothing is left of the rest that was begun. */
  #tidied: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder where it is not there. */
  async ready(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  /** The one that was made ahead, if there is one; it is nobody else's then. */
  taken(): Promise<Draft | undefined> {
    const next = this.#next ?? Promise.resolve(undefined);
    this.#next = undefined;
    return next;
  }

  /** A new one; its folder is made where it is not there, at the first write or because somebody removed it. */
  async made(): Promise<Draft> {
    const path = join(this.#folder, randomUUID());
    try {
      return { path, file: await calls.open(path, 'wx', 0o644) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await this.ready();
      return { path, file: await calls.open(path, 'wx', 0o644) };
    }
  }

  /** Writes one and closes it: a network file system shows others what was written only then. */
  async write({ file }: Draft, bytes: Uint8Array): Promise<void> {
    try {
      await calls.write(file, bytes);
    } finally {
      await calls.close(file);
    }
  }

  /** Has the next one made ahead: to make a file takes longer than all the rest of a write. */
  prepare(): void {
    this.#later(() => {
      if (!this.#closed) this.#next ??= this.made().catch(() => undefined);
    });
  }

  /** Has the name of one removed. What can't be removed does no harm, and is swept one day. */
  drop({ path }: Draft): void {
    this.#later(() => unlink(path).catch(() => undefined));
  }

  /** Removes what processes left that were killed while they wrote. `now`: ms since the epoch. */
  async sweep(now: number): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name);
      const isOld = await stat(path).then(
        ({ mtimeMs }) => mtimeMs < now - LEFT,
        () => false,
      );
      if (isOld) await unlink(path).catch(() => undefined);
    }
  }

  /** Ends when nothing is left to do; what was made ahead is removed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tidy();
    await this.#tidied;
    const draft = await this.taken();
    if (draft === undefined) return;
    await calls.close(draft.file);
    await unlink(draft.path).catch(() => undefined);
  }

  /** Does what no record waits for; at once where all is closed. */
  #later(work: () => unknown): void {
    this.#rest.push(work);
    if (this.#closed) this.#tidy();
    else this.#resting ??= setTimeout(() => this.#tidy(), LATER);
  }

  #tidy(): void {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    const rest = this.#rest.splice(0);
    this.#tidied = Promise.all([this.#tidied, ...rest.map((work) => work())]).then(() => undefined);
  }
}
