import { type BigIntStats, link, stat } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Fault } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../ports.ts';
import { invalidRecord } from '../trust/notary/remembered.ts';
import { type Draft, Drafts } from './drafts.ts';
import { type HeldLock, takeLock } from './filelock.ts';
import { readBounded } from './files.ts';

/** Ending of a record's file. */
export const RECORD_ENDING = '.json';
/** Folder, within that of the records, for what is being written. Apart, for what happens in it is not watched. */
const WORK = '.work';
const LOCK = '.lock';
/** Between two looks at a lock that another process holds (ms). */
const LOCK_PAUSE = 10;

// By callbacks: node:fs/promises makes of a file that is not there an error with a stack.
const calls = { link: promisify(link), stat: promisify(stat) };

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const stampOf = ({ ino, size, mtimeNs }: BigIntStats): string => `${ino}.${size}.${mtimeNs}`;

/** Undefined where nothing is there. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await calls.stat(path, { bigint: true });
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
  readonly #drafts: Drafts;
  #swept = false;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
    this.#drafts = new Drafts(join(path, WORK));
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
      const prepared = await this.#drafts.taken();
      try {
        return await this.#named(file, bytes, prepared ?? (await this.#drafts.made()));
      } catch (error) {
        // Somebody removed what was prepared, and the directory with it, it may be.
        if (prepared === undefined || codeOf(error) !== 'ENOENT') throw error;
        return await this.#named(file, bytes, await this.#drafts.made());
      } finally {
        this.#drafts.prepare();
      }
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return undefined;
      throw this.#fault(file, 'written', error);
    }
  }

  /** Removes what was made for the next record. */
  async close(): Promise<void> {
    await this.#drafts.close();
  }

  /** Writes a record in the place of the one that is there, and gives its stamp. For whoever holds the lock. */
  async replace(name: string, bytes: Uint8Array): Promise<string> {
    const file = this.fileOf(name);
    try {
      const draft = await this.#drafts.made();
      await this.#drafts.write(draft, bytes);
      const stamp = stampOf(await calls.stat(draft.path, { bigint: true }));
      await rename(draft.path, file);
      return stamp;
    } catch (error) {
      throw this.#fault(file, 'written', error);
    }
  }

  /** Does the work while no other process, and no other part of this one, does any under this lock. Waits for it until `isOver`. */
  async locked<T>(work: () => Promise<T>, isOver: () => boolean): Promise<T> {
    const lock = await this.#lock(join(this.path, LOCK), isOver);
    try {
      if (!this.#swept) await this.#drafts.sweep(this.#clock.now());
      this.#swept = true;
      return await work();
    } finally {
      lock.release();
    }
  }

  async #lock(path: string, isOver: () => boolean): Promise<HeldLock> {
    try {
      for (;;) {
        const lock = await this.#tryLock(path);
        if (lock !== undefined) return lock;
        if (isOver()) break;
        await pause(LOCK_PAUSE);
      }
    } catch (error) {
      throw this.#fault(path, 'locked', error);
    }
    throw new Fault('TRUST_RECORD_UNAVAILABLE', `${path} is held by another process that does not end its work.`);
  }

  async #tryLock(path: string): Promise<HeldLock | undefined> {
    try {
      return takeLock(path);
    } catch {
      // Somebody removed the directory, it may be.
      await this.#drafts.ready();
      return takeLock(path);
    }
  }

  /** Gives a draft with these bytes the name of a record, and its stamp. */
  async #named(file: string, bytes: Uint8Array, draft: Draft): Promise<string> {
    try {
      await this.#drafts.write(draft, bytes);
      const [stats] = await Promise.all([calls.stat(draft.path, { bigint: true }), calls.link(draft.path, file)]);
      return stampOf(stats);
    } finally {
      this.#drafts.drop(draft);
    }
  }

  #fault(file: string, verb: string, error: unknown): Fault {
    const message = `${file} cannot be ${verb} (${codeOf(error) ?? (error as Error).message}).`;
    return new Fault('TRUST_RECORD_UNAVAILABLE', message, { cause: error });
  }
}
