import { type FSWatcher, watch } from 'node:fs';
import { access, constants, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../codes.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Clock, RecordListener, RememberedTrust, TrustMemory } from '../ports.ts';
import { parseRecord, recordedRepository, recordName, recordObject } from '../trust/notary/record.ts';
import { mergeTrust } from '../trust/notary/remembered.ts';
import { type HeldLock, takeLock } from './filelock.ts';
import { bytesOf, type Records, recordsIn } from './recordlist.ts';

/** Between two looks at a lock that another process holds (ms). */
const LOCK_PAUSE = 10;

/** What somebody wants remembered, and how he is told. */
interface Wish {
  readonly seen: RememberedTrust;
  readonly base: RememberedTrust | undefined;
  readonly signal: AbortSignal;
  readonly resolve: (record: RememberedTrust) => void;
  readonly reject: (error: unknown) => void;
}

/** A wish that was merged; `answer` tells him whose it is, once the records are written. */
interface Granted {
  readonly isNew: boolean;
  readonly answer: () => void;
}

/** TrustRecords in a file, as a Kubernetes List in JSON: the memory of a gate that runs on a directory. Several processes may share it. */
export class RecordFile implements TrustMemory {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #listeners: RecordListener[] = [];
  readonly #watcher: FSWatcher;
  #writing = false;
  #stamp = '';
  #records: Records = new Map();
  #wishes: Wish[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      // What this process writes itself it takes over as it is.
      if (name === basename(path) && !this.#writing) void this.#load().catch(() => undefined);
    });
    this.#watcher.on('error', () => this.#watcher.close());
  }

  async read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    await this.#load();
    return this.#recorded(server, gun);
  }

  /** Under a lock between processes. What is wanted while a write is under way is written together by the next one, so that a busy gate does not queue for its file. */
  remember(seen: RememberedTrust, base: RememberedTrust | undefined, signal: AbortSignal): Promise<RememberedTrust> {
    const { promise, resolve, reject } = Promise.withResolvers<RememberedTrust>();
    this.#wishes.push({ seen, base, signal, resolve, reject });
    this.#turn = this.#turn.then(() => this.#grant());
    return promise;
  }

  listen(listener: RecordListener): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#watcher.close();
  }

  #recorded(server: string, gun: string, records = this.#records): RememberedTrust | undefined {
    const name = recordName(server, gun);
    const object = records.get(name);
    return object === undefined ? undefined : parseRecord(object, `TrustRecord ${name} in ${this.#path}`);
  }

  async #grant(): Promise<void> {
    const wishes = this.#wishes.splice(0);
    if (wishes.length === 0) return;
    try {
      const answers = await this.#locked(
        () => this.#write(wishes),
        () => wishes.every(({ signal }) => signal.aborted),
      );
      for (const { answer } of answers) answer();
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }

  async #write(wishes: readonly Wish[]): Promise<readonly Granted[]> {
    await this.#load();
    const now = this.#clock.now();
    const records = new Map(this.#records);
    const answers = wishes.map((wish) => this.#merged(wish, records, now));
    if (!answers.some(({ isNew }) => isNew)) return answers;
    this.#writing = true;
    try {
      await this.#store(records);
      // Under the lock nobody else writes: what was stored needs no reading.
      this.#take(records, await this.#stampOf());
    } finally {
      this.#writing = false;
    }
    return answers;
  }

  /** Merges one wish into the records; its mistakes are its own. */
  #merged({ seen, base, resolve, reject }: Wish, records: Map<string, JsonObject>, now: number): Granted {
    try {
      const record = this.#recorded(seen.server, seen.gun, records);
      const merged = mergeTrust(record, base, seen);
      if (record?.frozen === true) return { isNew: false, answer: () => resolve(record) };
      records.set(recordName(seen.server, seen.gun), recordObject(merged, now));
      return { isNew: true, answer: () => resolve({ ...merged, lastSeen: now }) };
    } catch (error) {
      return { isNew: false, answer: () => reject(error) };
    }
  }

  async #store(records: Records): Promise<void> {
    const text = bytesOf(records);
    await this.#told('written', async () => {
      // A new file takes the place of the old one in one step: no reader sees half of it.
      const next = `${this.#path}.${process.pid}.next`;
      await writeFile(next, text, { mode: 0o644 });
      await rename(next, this.#path);
    });
  }

  /** Reads the file where it is another one than before, and tells what changed in it. */
  async #load(): Promise<void> {
    if (this.#writing) return;
    const stamp = await this.#stampOf();
    if (stamp === this.#stamp) return;
    const records =
      stamp === '' ? new Map() : await this.#told('read', async () => recordsIn(await readFile(this.#path, 'utf8')));
    this.#take(records, stamp);
  }

  /** Goes over to other records, and tells what changed. */
  #take(records: Records, stamp: string): void {
    const before = this.#records;
    this.#records = records;
    this.#stamp = stamp;
    for (const name of new Set([...before.keys(), ...this.#records.keys()]))
      this.#tell(before.get(name), this.#records.get(name));
  }

  async #stampOf(): Promise<string> {
    try {
      const { ino, size, mtimeNs } = await stat(this.#path, { bigint: true });
      if (size > LIMITS.directoryBytes)
        throw new Fault(
          'TRUST_RECORD_UNAVAILABLE',
          `${this.#path} is larger than ${LIMITS.directoryBytes} bytes; remove records from it.`,
        );
      return [ino, size, mtimeNs].join('.');
    } catch (error) {
      if (error instanceof Fault) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw this.#fault('read', error);
    }
  }

  #tell(before: JsonObject | undefined, now: JsonObject | undefined): void {
    if (before === now || JSON.stringify(before) === JSON.stringify(now)) return;
    const repository = recordedRepository(now ?? before);
    if (repository === undefined) return;
    const { server, gun } = repository;
    for (const listener of this.#listeners) listener(server, gun, this.#understood(now));
  }

  #understood(object: JsonObject | undefined): RememberedTrust | undefined {
    try {
      return object === undefined ? undefined : parseRecord(object, '');
    } catch {
      return undefined;
    }
  }

  async #locked<T>(work: () => Promise<T>, isOver: () => boolean): Promise<T> {
    const path = `${this.#path}.lock`;
    let lock = this.#taken(path);
    while (lock === undefined) {
      if (isOver())
        throw new Fault('TRUST_RECORD_UNAVAILABLE', `${path} is held by another process that does not end its work.`);
      await pause(LOCK_PAUSE);
      lock = this.#taken(path);
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  #taken(path: string): HeldLock | undefined {
    try {
      return takeLock(path);
    } catch (error) {
      throw this.#fault('locked', error);
    }
  }

  async #told<T>(verb: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#fault(verb, error);
    }
  }

  #fault(verb: string, error: unknown): Fault {
    const { code, message } = error as NodeJS.ErrnoException;
    return new Fault('TRUST_RECORD_UNAVAILABLE', `${this.#path} cannot be ${verb} (${code ?? message}).`, {
      cause: error,
    });
  }
}

/** Opens the file of records, which need not be there yet; undefined where its folder can't be written. */
export async function openRecordFile(path: string, clock: Clock): Promise<RecordFile | undefined> {
  try {
    await access(dirname(path), constants.W_OK);
    return new RecordFile(path, clock);
  } catch {
    return undefined;
  }
}
