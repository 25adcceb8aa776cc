import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../../functions/io/filelock.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { startNode } from '../../support/process.ts';

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder('lock');
  path = join(folder.path, 'x.lock');
});
afterEach(() => folder.remove());

describe('a lock', () => {
  it('is held by one at a time, and by the next once it is given back', async () => {
    const one = takeLock(path);
    expect(one).toBeDefined();
    expect(takeLock(path)).toBeUndefined();
    one?.release();
    const other = takeLock(path);
    expect(other).toBeDefined();
    other?.release();
    expect((await stat(path)).size).toBe(0);
  });

  it('is held against other processes, and ends with the process that held it, however that ended', async () => {
    const holder = startNode(['tests/support/lockholder.ts', path]);
    await holder.until(/taken/);
    expect(takeLock(path)).toBeUndefined();
    const second = startNode(['tests/support/lockholder.ts', path]);
    await second.until(/held by another/);
    await Promise.all([second.kill(), holder.kill()]);
    const lock = takeLock(path);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('is not taken in a file that is something else', async () => {
    await writeFile(path, 'text of somebody else, which is longer than a header of SQLite would be. '.repeat(20));
    expect(() => takeLock(path)).toThrow('not a database');
    expect((await stat(path)).size).toBeGreaterThan(1000);
  });
});
