import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDirectory } from '../../../functions/io/files.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder('files');
});
afterEach(() => folder.remove());
const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);

describe('the files of a directory', () => {
  it('come in the order of their paths, however many are read at once', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `f${String(index).padStart(3, '0')}.yaml`);
    await mkdir(join(folder.path, 'f100'));
    for (const name of [...names].reverse()) await write(name, name);
    await write('f100/x.yaml', 'x');
    const { files, problems, folders } = await readDirectory(folder.path);
    expect(problems).toEqual([]);
    const root = await realpath(folder.path);
    expect(folders.map(({ path }) => path)).toEqual([root, join(root, 'f100')]);
    const sorted = [...names.slice(0, 100), 'f100/x.yaml', ...names.slice(100)];
    expect(files.map((file) => [file.path, 'bytes' in file && file.bytes.toString()])).toEqual(
      sorted.map((name) => [name, name === 'f100/x.yaml' ? 'x' : name]),
    );
  });

  it('are not read where they are known, and the others are', async () => {
    await write('a.yaml', 'a');
    await write('b.yaml', 'b');
    const known = { size: 2, keeps: ({ path }: { path: string }) => path === 'a.yaml' };
    const { files } = await readDirectory(folder.path, known);
    expect(files).toMatchObject([
      { path: 'a.yaml', kept: true },
      { path: 'b.yaml', bytes: Buffer.from('b') },
    ]);
  });

  it('are bounded all together, those that are known counted in', async () => {
    const size = LIMITS.manifestBytes;
    const count = LIMITS.directoryBytes / size;
    for (let index = 0; index < count; index += 1) await write(`a${index}.yaml`, 'x'.repeat(size));
    await write('b.yaml', 'b');
    const known = { size: 0, keeps: ({ path }: { path: string }) => path !== 'b.yaml' };
    const { files } = await readDirectory(folder.path, known);
    expect(files.at(-1)).toMatchObject({ path: 'b.yaml', problem: expect.stringContaining('exceed') });
  });
});
