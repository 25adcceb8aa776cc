import { access, constants, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../codes.ts';
import type { Log } from '../log.ts';
import type { Clock, RecordListener, RememberedTrust, TrustMemory } from '../ports.ts';
import { recordName, recordObject } from '../trust/notary/record.ts';
import { mergeTrust } from '../trust/notary/remembered.ts';
import { RecordFolder } from './recordfolder.ts';
import { bytesOf } from './recordtext.ts';
import { RecordView, warnOfStranger } from './recordview.ts';

/** What somebody wants remembered, and how he is told. */
interface Wish {
  readonly seen: RememberedTrust;
  readonly base: RememberedTrust | undefined;
  readonly signal: AbortSignal;
  readonly resolve: (record: RememberedTrust) => void;
  readonly reject: (error: unknown) => void;
}

/** What the records are kept with. */
export interface RecordFilesContext {
  readonly clock: Clock;
  readonly log: Log;
}

/** TrustRecords as files of a directory, one each, as kubectl prints them: the memory of a gate that runs on a directory. Several processes may share it. */
export class RecordFiles implements TrustMemory {
  readonly #folder: RecordFolder;
  readonly #view: RecordView;
  readonly #clock: Clock;
  #wishes: Wish[] = [];
  #batch: Promise<void> = Promise.resolve();

  constructor(path: string, { clock, log }: RecordFilesContext) {
    this.#folder = new RecordFolder(path, clock);
    this.#view = new RecordView(this.#folder, log);
    this.#clock = clock;
  }

  read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    this.#view.follow();
    const name = recordName(server, gun);
    return this.#view.turn(name, () => this.#view.look(name));
  }

  /** A record that is not there is written at once, waiting for nobody; one that is there, under a lock between processes, together with all that waits for it. */
  async remember(
    seen: RememberedTrust,
    base: RememberedTrust | undefined,
    signal: AbortSignal,
  ): Promise<RememberedTrust> {
    this.#view.follow();
    const name = recordName(seen.server, seen.gun);
    const first = base === undefined ? await this.#view.turn(name, () => this.#create(name, seen)) : undefined;
    return first ?? this.#wished(seen, base, signal);
  }

  listen(listener: RecordListener): void {
    this.#view.listen(listener);
  }

  async close(): Promise<void> {
    this.#view.close();
    await this.#folder.close();
  }

  /** Undefined where there is a record already. */
  async #create(name: string, seen: RememberedTrust): Promise<RememberedTrust | undefined> {
    const merging = new Merging(undefined, this.#clock.now());
    const record = merging.add(seen, undefined);
    return (await this.#store(name, merging, 'create')) ? record : undefined;
  }

  #wished(seen: RememberedTrust, base: RememberedTrust | undefined, signal: AbortSignal): Promise<RememberedTrust> {
    const { promise, resolve, reject } = Promise.withResolvers<RememberedTrust>();
    this.#wishes.push({ seen, base, signal, resolve, reject });
    this.#batch = this.#batch.then(() => this.#grant());
    return promise;
  }

  async #grant(): Promise<void> {
    const wishes = this.#wishes.splice(0);
    if (wishes.length === 0) return;
    const byName = Map.groupBy(wishes, ({ seen }) => recordName(seen.server, seen.gun));
    try {
      await this.#folder.locked(
        async () => {
          // One at a time: a write that takes another's place is flushed, and first uses need the threads meanwhile.
          for (const [name, group] of byName) await this.#view.turn(name, () => this.#merge(name, group));
        },
        () => wishes.every(({ signal }) => signal.aborted),
      );
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }

  /** Merges what is wished of one record into it, in the order of the wishes; each has his own answer. Never throws. */
  async #merge(name: string, wishes: readonly Wish[]): Promise<void> {
    try {
      const before = await this.#view.look(name);
      const merging = new Merging(before, this.#clock.now());
      const answers = wishes.map((wish) => answerOf(wish, merging));
      if (!(await this.#store(name, merging, before === undefined ? 'create' : 'replace'))) throw this.#odd(name);
      for (const answer of answers) answer();
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }

  /** What this process writes itself it takes over as it is. False where a record was to be made and is there. */
  async #store(name: string, { isNew, record, now }: Merging, how: 'create' | 'replace'): Promise<boolean> {
    if (!isNew || record === undefined) return true;
    const object = recordObject(record, now, { name });
    const text = bytesOf(object);
    const stamp = await this.#folder[how](name, text);
    if (stamp !== undefined) this.#view.wrote(name, record, { stamp, bytes: text.length, object });
    return stamp !== undefined;
  }

  #odd(name: string): Fault {
    const message = `${this.#folder.fileOf(name)} cannot be read and is there; it was made this moment, or is a link that leads nowhere.`;
    return new Fault('TRUST_RECORD_UNAVAILABLE', message);
  }
}

/** How a wish is to be answered once the record is written. */
function answerOf({ seen, base, resolve, reject }: Wish, merging: Merging): () => void {
  try {
    const record = merging.add(seen, base);
    return () => resolve(record);
  } catch (error) {
    return () => reject(error);
  }
}

/** A record into which one thing after the other is merged. */
class Merging {
  readonly now: number;
  record: RememberedTrust | undefined;
  /** Whether there is something in it that is to be written. */
  isNew = false;

  constructor(before: RememberedTrust | undefined, now: number) {
    this.record = before;
    this.now = now;
  }

  /** Merges what was seen, and gives the record; a frozen one stays as it is. Throws as `mergeTrust` does. */
  add(seen: RememberedTrust, base: RememberedTrust | undefined): RememberedTrust {
    const merged = mergeTrust(this.record, base, seen);
    if (this.record?.frozen === true) return this.record;
    this.isNew = true;
    this.record = { ...merged, lastSeen: this.now };
    return this.record;
  }
}

/**
 * Opens a directory of records, which need not be there yet: it is made with the first record. Undefined where it can't be written. Throws an Error that says
 * what to do where the path is that of something else.
 */
export async function openRecordFiles(path: string, context: RecordFilesContext): Promise<RecordFiles | undefined> {
  const is = await kindOf(path);
  if (is === 'other')
    throw new Error(
      `${path} is no directory, and trust records are files in one; move it away, or name a directory with TRUST_RECORDS`,
    );
  try {
    await access(is === 'directory' ? path : dirname(path), constants.W_OK);
    const files = is === 'directory' ? await readdir(path) : [];
    for (const file of files) warnOfStranger(file, context.log);
  } catch {
    return undefined;
  }
  return new RecordFiles(path, context);
}

async function kindOf(path: string): Promise<'directory' | 'other' | 'none'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'other';
  } catch {
    return 'none';
  }
}
