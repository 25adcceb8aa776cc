import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../ports.ts';
import { invalidRecord } from '../trust/notary/remembered.ts';
import { type HeldLock, takeLock } from './filelock.ts';
import { readBounded } from './files.ts';

/** Ending of a record's file. */
export const RECORD_ENDING = '.json';
/** Folder, within that of the records, for what is being written. Apart, for what happens in it is not watched. */
const WORK = '.work';
const LOCK = '.lock';
/** Between two looks at a lock that another process holds (ms). */
const LOCK_PAUSE = 10;
/** What nobody waits for is begun this much later (ms): whoever waits for the record's admission has the disk and the processor for himself. */
const LATER = 10;
/** What was begun longer ago (ms) was left by a process that was killed: a write takes milliseconds. */
const LEFT = 3_600_000;

/** A file that is no record yet. */
interface Draft {
  readonly path: string;
  readonly file: FileHandle;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const stampOf = ({ ino, size, mtimeNs }: BigIntStats): string => `${ino}.${size}.${mtimeNs}`;

/** Undefined where nothing is there. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Records as bytes: a file of its own for each, in one directory that several processes may share. A reader finds a record whole or not at all: it is written
 * beside, and then given its name in one step. Every method throws `Fault` TRUST_RECORD_UNAVAILABLE where the system does not do what is asked.
 */
export class RecordFolder {
  readonly path: string;
  readonly #clock: Clock;
  readonly #work: string;
  #swept = false;
  /** Made ahead; undefined where it could not be, and is made when it is needed. */
  #next: Promise<Draft | undefined> | undefined;
  readonly #closing = new AbortController();
  /** Ends when there is nothing left to do for the records that have their name by now. */
  #tidied: Promise<void> = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
    this.#work = join(path, WORK);
  }

  /** The folder in which the directory stands. */
  get parent(): string {
    return dirname(this.path);
  }

  /** The file of a record. */
  fileOf(name: string): string {
    return join(this.path, `${name}${RECORD_ENDING}`);
  }

  /** What differs when a file was changed; undefined where there is none. */
  async stampOf(name: string): Promise<string | undefined> {
    const file = this.fileOf(name);
    const stats = await statOf(file).catch((error: unknown) => {
      throw this.#fault(file, 'read', error);
    });
    // The end of a pipe would be waited for.
    if (stats?.isFile() === false) throw invalidRecord(file, 'is no file; remove it.');
    return stats && stampOf(stats);
  }

  /** What stands in a file; undefined where there is none. Throws `TrustError` TRUST_RECORD_INVALID where that is more than a record can be. */
  async read(name: string): Promise<Buffer | undefined> {
    const file = this.fileOf(name);
    let bytes: Buffer | undefined;
    try {
      bytes = await readBounded(file, LIMITS.recordBytes);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw this.#fault(file, 'read', error);
    }
    if (bytes !== undefined) return bytes;
    throw invalidRecord(file, `is larger than ${LIMITS.recordBytes} bytes; correct or delete it.`);
  }

  /**
   * Writes a record that is not there, and gives its stamp; undefined where it is there. Of two that do it at once one succeeds: a second name for a file
   * is given only where it is free (POSIX link), so that no lock is waited for, and nothing is flushed, as a file system does for what takes another's place.
   */
  async create(name: string, bytes: Uint8Array): Promise<string | undefined> {
    const file = this.fileOf(name);
    try {
      const prepared = await this.#taken();
      try {
        return await this.#named(file, bytes, prepared ?? (await this.#made()));
      } catch (error) {
        // Somebody removed what was prepared, and the directory with it, it may be.
        if (prepared === undefined || codeOf(error) !== 'ENOENT') throw error;
        return await this.#named(file, bytes, await this.#made());
      } finally {
        // To make a file takes longer than all the rest of this: nobody waits for that of the next record.
        this.#later(() => {
          if (!this.#closing.signal.aborted) this.#next ??= this.#made().catch(() => undefined);
        });
      }
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return undefined;
      throw this.#fault(file, 'written', error);
    }
  }

  /** Removes what was made for the next record. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#tidied;
    const draft = await this.#taken();
    await draft?.file.close();
    if (draft !== undefined) await unlink(draft.path).catch(() => undefined);
  }

  /** Writes a record in the place of the one that is there, and gives its stamp. For whoever holds the lock. */
  async replace(name: string, bytes: Uint8Array): Promise<string> {
    const file = this.fileOf(name);
    try {
      const path = await this.#begin(bytes, await this.#made());
      const stamp = stampOf(await stat(path, { bigint: true }));
      await rename(path, file);
      return stamp;
    } catch (error) {
      throw this.#fault(file, 'written', error);
    }
  }

  /** Does the work while no other process, and no other part of this one, does any under this lock. Waits for it until `isOver`. */
  async locked<T>(work: () => Promise<T>, isOver: () => boolean): Promise<T> {
    const lock = await this.#lock(join(this.path, LOCK), isOver);
    try {
      if (!this.#swept) await this.#sweep();
      this.#swept = true;
      return await work();
    } finally {
      lock.release();
    }
  }

  async #lock(path: string, isOver: () => boolean): Promise<HeldLock> {
    try {
      await mkdir(this.#work, { recursive: true });
      for (;;) {
        const lock = takeLock(path);
        if (lock !== undefined) return lock;
        if (isOver()) break;
        await pause(LOCK_PAUSE);
      }
    } catch (error) {
      throw this.#fault(path, 'locked', error);
    }
    throw new Fault('TRUST_RECORD_UNAVAILABLE', `${path} is held by another process that does not end its work.`);
  }

  /** Writes a draft and gives its path. It is closed before it becomes a record: a network file system shows others what was written only then. */
  async #begin(bytes: Uint8Array, { path, file: handle }: Draft): Promise<string> {
    await using file = handle;
    await file.writeFile(bytes);
    return path;
  }

  /** Gives a draft with these bytes the name of a record, and its stamp. */
  async #named(file: string, bytes: Uint8Array, draft: Draft): Promise<string> {
    const path = await this.#begin(bytes, draft);
    try {
      const [stats] = await Promise.all([stat(path, { bigint: true }), link(path, file)]);
      return stampOf(stats);
    } finally {
      // What can't be removed does no harm, and is swept one day.
      this.#later(() => unlink(path).catch(() => undefined));
    }
  }

  /** Does what no record waits for; before its time where the folder is closed. */
  #later(work: () => unknown): void {
    const over = pause(LATER, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    this.#tidied = Promise.all([this.#tidied, over.then(work)]).then(() => undefined);
  }

  /** The draft that was made ahead, if there is one; it is nobody else's then. */
  #taken(): Promise<Draft | undefined> {
    const next = this.#next ?? Promise.resolve(undefined);
    this.#next = undefined;
    return next;
  }

  /** A new file; the directory is made where it is not there, at the first write or because somebody removed it. */
  async #made(): Promise<Draft> {
    const path = join(this.#work, randomUUID());
    try {
      return { path, file: await open(path, 'wx', 0o644) };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await mkdir(this.#work, { recursive: true });
      return { path, file: await open(path, 'wx', 0o644) };
    }
  }

  /** Removes what processes left that were killed while they wrote. What can't be removed does no harm. */
  async #sweep(): Promise<void> {
    const old = this.#clock.now() - LEFT;
    for (const name of await readdir(this.#work).catch(() => [])) {
      const path = join(this.#work, name);
      const isOld = await stat(path).then(
        ({ mtimeMs }) => mtimeMs < old,
        () => false,
      );
      if (isOld) await unlink(path).catch(() => undefined);
    }
  }

  #fault(file: string, verb: string, error: unknown): Fault {
    const message = `${file} cannot be ${verb} (${codeOf(error) ?? (error as Error).message}).`;
    return new Fault('TRUST_RECORD_UNAVAILABLE', message, { cause: error });
  }
}
