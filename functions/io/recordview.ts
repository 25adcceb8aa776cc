import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../log.ts';
import type { RecordListener, RememberedTrust } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';
import { parseRecord } from '../trust/notary/record.ts';
import { LATER } from './drafts.ts';
import { FolderWatch } from './folders.ts';
import { RECORD_ENDING, type RecordFolder } from './recordfolder.ts';
import { isRecordName, recordIn } from './recordtext.ts';
import { Turns } from './turns.ts';
import type { Folder } from './walk.ts';

/** Bytes of a record in memory beside the text of its file. */
const RECORD_BYTES = 1024;

/** A record as this process knows it. */
interface KnownRecord {
  /** That of its file. */
  readonly stamp: string;
  /** Length of its file. */
  readonly bytes: number;
  readonly record: () => RememberedTrust;
}

/** A record that this process wrote. */
export interface OwnRecord {
  readonly stamp: string;
  readonly bytes: number;
  readonly object: JsonObject;
}

/** What this process knows of the records in a folder: each is read again only where its file is another than before, and listeners are told what changed. */
export class RecordView {
  readonly #folder: RecordFolder;
  readonly #log: Log;
  readonly #listeners: RecordListener[] = [];
  readonly #turns = new Turns();
  /** Names of which a notice came since the last look at all such. */
  readonly #noticed = new Set<string>();
  #noticing: NodeJS.Timeout | undefined;
  /** Without an ID: that another folder stands in the place of one is told by the watch of the one above. */
  readonly #watched: readonly Folder[];
  readonly #watch = new FolderWatch((folder, name) => this.#changed(folder, name));
  readonly #known: LRUCache<string, KnownRecord>;
  #closed = false;

  /** `maxBytes`: how much is known at a time, about. */
  constructor(folder: RecordFolder, log: Log, maxBytes: number = LIMITS.recordsBytes) {
    this.#folder = folder;
    this.#watched = [folder.parent, folder.path].map((path) => ({ path, id: '' }));
    this.#log = log;
    this.#known = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes + RECORD_BYTES,
      // Whose record is no longer known can't be told of its removal.
      dispose: (known, _, reason) => reason === 'evict' && this.#tell(known.record(), undefined),
    });
    this.follow();
  }

  listen(listener: RecordListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Watches the folder, and the one above it for its being made anew, where that is not so already: it was not there, or the system had no watch to give.
   * Until it is watched, a change counts at the next look.
   */
  follow(): void {
    if (this.#closed || this.#watch.size === this.#watched.length) return;
    if (this.#watch.follow(this.#watched)) this.#noticeKnown();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#noticing);
    this.#watch.close();
  }

  /** Work on one record, when all that was begun on it before has ended. */
  turn<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, work);
  }

  /** The record as it stands in its file now, or undefined; for whoever has its turn. Throws as `RecordFolder` and `recordIn` do. */
  async look(name: string): Promise<RememberedTrust | undefined> {
    const known = this.#known.get(name);
    try {
      const stamp = await this.#folder.stampOf(name);
      if (stamp !== undefined && stamp === known?.stamp) return known.record();
      const bytes = stamp === undefined ? undefined : await this.#folder.read(name);
      if (stamp !== undefined && bytes !== undefined) {
        const record = recordIn(bytes, name, this.#folder.fileOf(name));
        this.#known.set(name, { stamp, bytes: bytes.length, record: () => record });
        if (!isDeepStrictEqual(known?.record(), record)) this.#tell(record, record);
        return record;
      }
    } catch (error) {
      // What can't be read now is what it was; what was written into it counts.
      if (error instanceof TrustError) this.#forget(name);
      throw error;
    }
    this.#forget(name);
    return undefined;
  }

  /** Takes over what this process wrote, and tells it as `record`. It is read as any other, from the object, once somebody looks at it. */
  wrote(name: string, record: RememberedTrust, { stamp, bytes, object }: OwnRecord): void {
    let read: RememberedTrust | undefined;
    this.#known.set(name, { stamp, bytes, record: () => (read ??= parseRecord(object, this.#folder.fileOf(name))) });
    this.#tell(record, record);
  }

  #forget(name: string): void {
    const before = this.#known.peek(name);
    this.#known.delete(name);
    if (before !== undefined) this.#tell(before.record(), undefined);
  }

  #tell({ server, gun }: RememberedTrust, record: RememberedTrust | undefined): void {
    for (const listener of this.#listeners) listener(server, gun, record);
  }

  #changed(folder: string, name: string | null): void {
    if (folder === this.#folder.parent) this.#changedAbove(name);
    else if (name === null) this.#noticeKnown();
    else if (isRecordFile(name)) this.#notice(stemOf(name));
    else warnOfStranger(name, this.#log);
  }

  /** A watch is of what once bore a name, so that both are watched anew, and all is looked at that can have changed in between. */
  #changedAbove(name: string | null): void {
    const { parent, path } = this.#folder;
    if (name !== null && ![parent, path].some((watched) => basename(watched) === name)) return;
    this.#watch.follow([]);
    this.follow();
    this.#noticeKnown();
  }

  #noticeKnown(): void {
    for (const name of this.#known.keys()) this.#notice(name);
  }

  /** What this process writes itself is told as well, several times: one look a moment later is for all of that. */
  #notice(name: string): void {
    this.#noticed.add(name);
    this.#noticing ??= setTimeout(() => this.#lookAtNoticed(), LATER).unref();
  }

  #lookAtNoticed(): void {
    this.#noticing = undefined;
    const noticed = [...this.#noticed];
    this.#noticed.clear();
    for (const name of noticed)
      this.turn(name, () => this.look(name)).catch((error: Error) =>
        this.#log.warn({ problem: error.message }, 'a trust record does not count'),
      );
  }
}

const stemOf = (file: string): string => file.slice(0, -RECORD_ENDING.length);

/** True for the name of a file that can hold a record. */
const isRecordFile = (file: string): boolean => file.endsWith(RECORD_ENDING) && isRecordName(stemOf(file));

/** Warns of a file whose name is no record's, although it looks as if somebody meant it to be one. */
export function warnOfStranger(file: string, log: Log): void {
  if (!isRecordFile(file) && /^[^.].*\.(json|ya?ml)$/i.test(file))
    log.warn({ file }, 'a file among the trust records does not count: its name is no <record name>.json');
}
