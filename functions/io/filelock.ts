import { DatabaseSync } from 'node:sqlite';

/** SQLITE_BUSY: somebody else holds the lock. */
const BUSY = 5;

/** A lock that is held; `release` gives it back. */
export interface HeldLock {
  release(): void;
}

/**
 * Takes the lock that a file stands for, or gives undefined while another process, or another part of this one, holds it. It is the exclusive lock of an empty
 * SQLite database, which the operating system keeps and takes back with the process that held it, however that ended: no lock is left behind, so none has to be
 * guessed to be stale and broken, which two processes can do at once. The file stays and holds nothing. Throws the error of SQLite where it can't be opened.
 */
export function takeLock(path: string): HeldLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Nothing is ever written; without the journal in memory, a file would be made for it and removed again.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { readonly errcode?: number }).errcode === BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
