import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSavedTrust, type SavedTrust, TrustSaver } from '../../../functions/io/savedtrust.ts';
import type { RepositoryAddress } from '../../../functions/ports.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';

const address: RepositoryAddress = {
  server: 'https://notary.example',
  gun: 'registry.example:5000/team/app',
  registry: 'registry.example:5000',
  credential: undefined,
};
const signal = new AbortController().signal;
const text = async (saved: SavedTrust, role: string, sha256?: string): Promise<string | undefined> => {
  const bytes = await saved.fetch(address, { role, maxBytes: 10, ...(sha256 !== undefined && { sha256 }) });
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

let folder: TemporaryFolder;
let saved: SavedTrust;
beforeAll(async () => {
  folder = await temporaryFolder('savedtrust');
  const tuf = join(folder.path, 'registry.example:5000/team/app/_trust/tuf');
  await mkdir(join(tuf, 'targets'), { recursive: true });
  await writeFile(join(tuf, 'targets.json'), 'plain');
  await writeFile(join(tuf, 'targets.aa.json'), 'hashed');
  await writeFile(join(tuf, 'targets/releases.json'), 'releases');
  await writeFile(join(tuf, 'snapshot.json'), 'longer than ten');
  await mkdir(join(tuf, 'root.json'));
  saved = (await openSavedTrust(folder.path)) as SavedTrust;
});
afterAll(() => folder.remove());

describe('saved trust data', () => {
  it('is found by role, by hash, and by role where no file has the hash', async () => {
    expect(await text(saved, 'targets')).toBe('plain');
    expect(await text(saved, 'targets', 'aa')).toBe('hashed');
    expect(await text(saved, 'targets', 'bb')).toBe('plain');
    expect(await text(saved, 'targets/releases')).toBe('releases');
    expect(await text(saved, 'timestamp')).toBeUndefined();
  });

  it('is refused beyond the bytes that are read of a role', async () => {
    await expect(text(saved, 'snapshot')).rejects.toMatchObject({ code: 'TRUST_TOO_LARGE' });
  });

  it('that cannot be read is no answer, not a file that is not there', async () => {
    await expect(saved.fetch(address, { role: 'root', maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'TRUST_SERVER_ERROR',
    });
  });

  it.each(['../targets', 'targets/../../x', 'a//b'])('is not looked for outside its folder: role %j', async (role) => {
    await expect(text(saved, role)).rejects.toMatchObject({ code: 'TRUST_MALFORMED' });
  });

  it('needs a folder', async () => {
    expect(await openSavedTrust(join(folder.path, 'nowhere'))).toBeUndefined();
  });
});

describe('a saver of trust data', () => {
  it('keeps what it gives, names what was asked for, and writes nothing for what is not there', async () => {
    const to = join(folder.path, 'copy');
    const saver = new TrustSaver(saved, to);
    const role = { role: 'targets/releases', maxBytes: 10 };
    expect(await saver.fetch(address, role, signal)).toEqual(Buffer.from('releases'));
    expect(await saver.fetch(address, { ...role, role: 'timestamp' }, signal)).toBeUndefined();
    expect(saver.repositories).toEqual([address.gun]);
    expect(await readdir(join(to, address.gun, '_trust/tuf'))).toEqual(['targets']);
    expect(await text((await openSavedTrust(to)) as SavedTrust, 'targets/releases')).toBe('releases');
  });

  it('does not mix what two servers say of one repository', async () => {
    const saver = new TrustSaver(saved, join(folder.path, 'mixed'));
    const role = { role: 'targets', maxBytes: 10 };
    await saver.fetch(address, role, signal);
    await expect(saver.fetch({ ...address, server: 'https://other.example' }, role, signal)).rejects.toMatchObject({
      code: 'TRUST_SERVER_ERROR',
    });
  });
});
