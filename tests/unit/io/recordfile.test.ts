import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { takeLock } from '../../../functions/io/filelock.ts';
import { openRecordFile, type RecordFile } from '../../../functions/io/recordfile.ts';
import type { RememberedTrust } from '../../../functions/ports.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';

const NOW = Date.UTC(2026, 10, 24);
const SERVER = 'https://notary.example';
const signal = new AbortController().signal;
const record = (gun: string, version = 1, rootKeyIds = ['ab'.repeat(32)]): RememberedTrust => ({
  server: SERVER,
  gun,
  rootKeyIds,
  versions: new Map([
    ['root', 1],
    ['timestamp', version],
  ]),
  expires: NOW,
});

let folder: TemporaryFolder;
let path: string;
const files: RecordFile[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await temporaryFolder('records');
  path = join(folder.path, 'records.json');
});
afterEach(async () => {
  for (const file of files.splice(0)) file.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await folder.remove();
});

const open = async (): Promise<RecordFile> => {
  const file = await openRecordFile(path, { now: () => NOW });
  if (file === undefined) throw new Error('the folder can be written');
  files.push(file);
  return file;
};

/** A process of its own that remembers what it is told in messages. */
const startRememberer = async (): Promise<ChildProcess> => {
  const child = fork('tests/support/rememberer.ts', [path], { execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
};
const told = async (child: ChildProcess, gun: string): Promise<unknown> => {
  const answer = once(child, 'message');
  child.send(gun);
  return (await answer)[0];
};

describe('a file of trust records', () => {
  it('remembers beyond the process, and takes part in no decision before something is in it', async () => {
    const file = await open();
    expect(await file.read(SERVER, 'a/b')).toBeUndefined();
    await file.remember(record('a/b', 4), undefined, signal);
    const again = await open();
    expect(await again.read(SERVER, 'a/b')).toEqual({ ...record('a/b', 4), lastSeen: NOW });
    expect(await file.read('https://other.example', 'a/b')).toBeUndefined();
  });

  it('is a List that kubectl would take, in the order of names', async () => {
    const file = await open();
    for (const gun of ['z/z', 'a/a', 'm/m']) await file.remember(record(gun), undefined, signal);
    const list = JSON.parse(await readFile(path, 'utf8')) as {
      kind: string;
      items: { kind: string; metadata: { name: string } }[];
    };
    expect(list.kind).toBe('List');
    expect(list.items.map(({ kind }) => kind)).toEqual(Array(3).fill('TrustRecord'));
    const names = list.items.map(({ metadata }) => metadata.name);
    expect(names).toEqual(names.toSorted());
  });

  it('loses nothing of what two processes write at once, and lets the first of two first uses count', async () => {
    const [one, other] = [await open(), await open()];
    const guns = Array.from({ length: 20 }, (_, index) => `h/r${index}`);
    await Promise.all(
      guns.map((gun, index) => (index % 2 === 0 ? one : other).remember(record(gun), undefined, signal)),
    );
    for (const gun of guns) expect(await one.read(SERVER, gun)).toBeDefined();
    const both = await Promise.allSettled([
      one.remember(record('x/x'), undefined, signal),
      other.remember(record('x/x', 1, ['cd'.repeat(32)]), undefined, signal),
    ]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(both.find((end) => end.status === 'rejected')).toMatchObject({ reason: { code: 'TRUST_ROOT_CHANGED' } });
  });

  it('writes together what many want remembered at once, and gives each his own answer', async () => {
    let writes = NOW;
    // The clock is read once for each write.
    const file = await openRecordFile(path, { now: () => writes++ });
    if (file === undefined) throw new Error('the folder can be written');
    files.push(file);
    await file.remember(record('fixed'), undefined, signal);
    const guns = Array.from({ length: 200 }, (_, index) => `r/${index}`);
    const wanted = guns.map((gun) => file.remember(record(gun, 7), undefined, signal));
    const twice = file.remember(record('r/0', 9), record('r/0', 7), signal);
    const refused = file.remember(record('fixed', 2, ['cd'.repeat(32)]), undefined, signal);
    await expect(refused).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect((await Promise.all(wanted)).map(({ gun }) => gun)).toEqual(guns);
    expect((await twice).versions.get('timestamp')).toBe(9);
    expect(writes - NOW).toBeLessThan(5);
    const again = await open();
    for (const gun of guns.slice(1)) expect((await again.read(SERVER, gun))?.versions.get('timestamp')).toBe(7);
    expect((await again.read(SERVER, 'r/0'))?.versions.get('timestamp')).toBe(9);
  });

  it('tells of what an operator changes in it, and reads that at the next look', async () => {
    const file = await open();
    await file.remember(record('a/b'), undefined, signal);
    await file.read(SERVER, 'a/b');
    const told: (boolean | undefined)[] = [];
    file.listen((_, gun, changed) => gun === 'a/b' && told.push(changed?.frozen));
    const frozen = (await readFile(path, 'utf8')).replace('"spec": {', '"spec": {\n "frozen": true,');
    await writeFile(path, frozen);
    await expect.poll(() => told).toContain(true);
    expect(await file.read(SERVER, 'a/b')).toMatchObject({ frozen: true });
    await writeFile(path, JSON.stringify({ kind: 'List', items: [] }));
    expect(await file.read(SERVER, 'a/b')).toBeUndefined();
  });

  it.each([
    ['that is not JSON', '{{{'],
    ['that is no list', '{"kind":"List"}'],
    ['that is empty', ''],
  ])('%s is a fault that names it: taking it for empty would be a second first use', async (_, text) => {
    const file = await open();
    await writeFile(path, text);
    const error: unknown = await file.read(SERVER, 'a/b').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Fault);
    expect(error).toMatchObject({ code: 'TRUST_RECORD_UNAVAILABLE', message: expect.stringContaining(path) });
    await expect(file.remember(record('a/b'), undefined, signal)).rejects.toBeInstanceOf(Fault);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('refuses the one record that cannot be understood, and goes on with the others', async () => {
    const file = await open();
    await file.remember(record('a/b'), undefined, signal);
    await file.remember(record('c/d'), undefined, signal);
    const text = await readFile(path, 'utf8');
    const list = JSON.parse(text) as { items: { spec: { repository: string; versions: object } }[] };
    for (const { spec } of list.items) if (spec.repository === 'a/b') spec.versions = {};
    await writeFile(path, JSON.stringify(list));
    await expect(file.read(SERVER, 'a/b')).rejects.toMatchObject({ code: 'TRUST_RECORD_INVALID' });
    expect(await file.read(SERVER, 'c/d')).toBeDefined();
  });

  it('is not held up by a lock that an earlier version left, and names the one of a process that does not end', async () => {
    const file = await open();
    await writeFile(`${path}.lock`, '');
    await file.remember(record('a/b'), undefined, signal);
    const lock = takeLock(`${path}.lock`);
    const late = file.remember(record('c/d'), undefined, AbortSignal.abort());
    await expect(late).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('.lock'),
    });
    lock?.release();
    expect(await file.remember(record('c/d'), undefined, signal)).toBeDefined();
  });

  it('says what is amiss with a lock that cannot be one', async () => {
    const file = await open();
    await mkdir(`${path}.lock`);
    await expect(file.remember(record('a/b'), undefined, signal)).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('cannot be locked'),
    });
  });

  it('loses nothing where many processes find a lock that one who died left behind, however often', async () => {
    const processes = await Promise.all(Array.from({ length: 8 }, startRememberer));
    const guns: string[] = [];
    const long = new Date(Date.now() - 60_000);
    for (let round = 0; round < 12; round += 1) {
      await writeFile(`${path}.lock`, '');
      await utimes(`${path}.lock`, long, long);
      const asked = processes.map((_, index) => `r${round}/p${index}`);
      guns.push(...asked);
      const ends = await Promise.all(processes.map((child, index) => told(child, asked[index] ?? '')));
      expect(new Set(ends)).toEqual(new Set(['written']));
    }
    const file = await open();
    const kept = await Promise.all(guns.map(async (gun) => (await file.read(SERVER, gun)) !== undefined));
    expect(guns.filter((_, index) => !kept[index])).toEqual([]);
  });

  it('is not opened where its folder is not there', async () => {
    await mkdir(join(folder.path, 'there'));
    expect(await openRecordFile(join(folder.path, 'gone', 'records.json'), { now: () => NOW })).toBeUndefined();
  });
});
