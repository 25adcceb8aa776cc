import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MILLISECONDS = 250;

/** Whether the process that wrote the lock still lives; a lock without a readable number counts as dead. */
async function holderLives(lock: string): Promise<boolean> {
  try {
    process.kill(Number.parseInt(await readFile(lock, 'utf8'), 10), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes the lock file in one step; false where it is there already. */
async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Runs `work` while holding the lock file, so that two processes don't do the same work at once. The lock of a process
 * that died is taken over. It saves time only: what is guarded must be safe when done twice.
 */
export async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!(await take(lock))) {
    if (await holderLives(lock)) await pause(POLL_MILLISECONDS);
    else await rm(lock, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}
