import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { takeLock } from '../../../functions/io/filelock.ts';
import { openRecordFiles, type RecordFiles } from '../../../functions/io/recordfiles.ts';
import { isRecordName } from '../../../functions/io/recordtext.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { openLog, silentLog } from '../../../functions/log.ts';
import type { RememberedTrust } from '../../../functions/ports.ts';
import { recordName, recordObject } from '../../../functions/trust/notary/record.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { startNode } from '../../support/process.ts';
import type { Remembered, Remembering } from '../../support/rememberer.ts';

const NOW = Date.UTC(2026, 10, 24);
const SERVER = 'https://notary.example';
const OTHER_ROOT = ['cd'.repeat(32)];
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
let lines: Record<string, unknown>[];
const opened: RecordFiles[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await temporaryFolder('records');
  path = join(folder.path, 'records');
  lines = [];
});
afterEach(async () => {
  for (const records of opened.splice(0)) await records.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await folder.remove();
});

const open = async (now: () => number = () => NOW): Promise<RecordFiles> => {
  const log = openLog('warn', { write: (line: string) => void lines.push(JSON.parse(line)) });
  const records = await openRecordFiles(path, { clock: { now }, log });
  if (records === undefined) throw new Error('the folder can be written');
  opened.push(records);
  return records;
};
const fileOf = (gun: string): string => join(path, `${recordName(SERVER, gun)}.json`);
const textOf = (gun: string): Promise<string> => readFile(fileOf(gun), 'utf8');
const load = (gun: string, more: Partial<RememberedTrust> = {}): Promise<void> =>
  writeFile(fileOf(gun), JSON.stringify(recordObject({ ...record(gun), ...more }, NOW)));
const freeze = async (gun: string): Promise<void> =>
  writeFile(fileOf(gun), (await textOf(gun)).replace('"spec": {', '"spec": {\n "frozen": true,'));
/** Names in the directory but those that begin with a dot, which are the gate's own. */
const names = async (): Promise<string[]> => (await readdir(path)).filter((name) => !name.startsWith('.')).toSorted();
/** What is being written, or was left. */
const unfinished = (): Promise<string[]> => readdir(join(path, '.work'));
/** Nothing is left to do for a record that was just made: its file has lost the name it was written under, and that of the next record is there. */
const settled = (gun: string): Promise<void> =>
  vi.waitFor(async () => {
    expect((await stat(fileOf(gun))).nlink).toBe(1);
    expect(await unfinished()).toHaveLength(1);
  });
/** What is told of a repository from now on. */
const toldOf = (records: RecordFiles, gun: string): (RememberedTrust | undefined)[] => {
  const told: (RememberedTrust | undefined)[] = [];
  records.listen((server, name, now) => server === SERVER && name === gun && told.push(now));
  return told;
};

/** A process of its own that remembers what it is told in messages. */
const startRememberer = async (): Promise<ChildProcess> => {
  const child = fork('tests/support/rememberer.ts', [path], { execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
};
const told = async (child: ChildProcess, message: Remembering): Promise<string> => {
  const answer = once(child, 'message') as Promise<[Remembered]>;
  child.send(message);
  return (await answer)[0].end;
};

describe('a directory of trust records', () => {
  it('remembers beyond the process, and takes part in no decision before something is in it', async () => {
    const records = await open();
    expect(await records.read(SERVER, 'a/b')).toBeUndefined();
    await records.remember(record('a/b', 4), undefined, signal);
    const again = await open();
    expect(await again.read(SERVER, 'a/b')).toEqual({ ...record('a/b', 4), lastSeen: NOW });
    expect(await records.read('https://other.example', 'a/b')).toBeUndefined();
  });

  it('holds a file for each, which is what kubectl takes and is named as its object', async () => {
    const records = await open();
    for (const gun of ['z/z', 'a/a', 'm/m']) await records.remember(record(gun), undefined, signal);
    expect(await names()).toEqual(['a/a', 'm/m', 'z/z'].map((gun) => `${recordName(SERVER, gun)}.json`).toSorted());
    const object = recordObject(record('a/a'), NOW);
    expect(await textOf('a/a')).toBe(`${JSON.stringify(object, undefined, 2)}\n`);
    await records.close();
    expect(await unfinished()).toEqual([]);
  });

  it('is made with its first record, and again where it was removed; to look into it leaves nothing behind', async () => {
    const records = await open();
    await records.read(SERVER, 'a/b');
    expect(await readdir(folder.path)).toEqual([]);
    for (const gun of ['a/b', 'c/d']) {
      await records.remember(record(gun), undefined, signal);
      expect(await names()).toEqual([`${recordName(SERVER, gun)}.json`]);
      await settled(gun);
      await rm(path, { recursive: true });
      expect(await records.read(SERVER, gun)).toBeUndefined();
    }
  });

  it('takes another draft where the one that was made ahead was removed', async () => {
    const records = await open();
    for (const [index, gun] of ['a/a', 'b/b', 'c/c'].entries()) {
      await records.remember(record(gun), undefined, signal);
      expect(await names()).toHaveLength(index + 1);
      await settled(gun);
      for (const draft of await unfinished()) await rm(join(path, '.work', draft));
    }
    await records.close();
    expect(await unfinished()).toEqual([]);
  });

  it('leaves nothing behind of what was written for a record that another was first to make', async () => {
    const both = [await open(), await open()];
    await Promise.all(both.map((records) => records.remember(record('a/b'), undefined, signal)));
    for (const records of both) await records.close();
    expect(await names()).toHaveLength(1);
    expect(await unfinished()).toEqual([]);
  });

  it('raises a record that is there, and keeps what else is in it', async () => {
    const records = await open();
    const first = await records.remember(record('a/b', 4), undefined, signal);
    const seen = { ...record('a/b'), versions: new Map([['timestamp', 6]]) };
    const versions = new Map([
      ['root', 1],
      ['timestamp', 6],
    ]);
    expect(await records.remember(seen, first, signal)).toMatchObject({ versions });
    expect(await (await open()).read(SERVER, 'a/b')).toMatchObject({ versions });
  });

  it('loses nothing of what two write at once, and lets the first of two first uses count', async () => {
    const [one, other] = [await open(), await open()];
    const guns = Array.from({ length: 20 }, (_, index) => `h/r${index}`);
    await Promise.all(
      guns.map((gun, index) => (index % 2 === 0 ? one : other).remember(record(gun), undefined, signal)),
    );
    for (const gun of guns) expect(await one.read(SERVER, gun)).toBeDefined();
    for (const [gun, second] of [
      ['x/x', other],
      ['y/y', one],
    ] as const) {
      const both = await Promise.allSettled([
        one.remember(record(gun), undefined, signal),
        second.remember(record(gun, 1, OTHER_ROOT), undefined, signal),
      ]);
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(both.find((end) => end.status === 'rejected')).toMatchObject({ reason: { code: 'TRUST_ROOT_CHANGED' } });
    }
  });

  it('writes together what many want remembered of a repository at once, and gives each his own answer', async () => {
    let writes = NOW;
    // The clock is read once for each write, and once to see what was left here.
    const records = await open(() => writes++);
    const base = await records.remember(record('a/b'), undefined, signal);
    const versions = Array.from({ length: 200 }, (_, index) => index + 1);
    const wanted = versions.map((version) => records.remember(record('a/b', version), base, signal));
    const refused = records.remember(record('a/b', 2, OTHER_ROOT), undefined, signal);
    const apart = records.remember({ ...record('c/d'), versions: new Map([['root', 1]]) }, undefined, signal);
    await expect(refused).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect((await Promise.all(wanted)).map(({ versions: now }) => now.get('timestamp'))).toEqual(versions);
    expect((await apart).gun).toBe('c/d');
    expect(writes - NOW).toBeLessThan(8);
    expect((await (await open()).read(SERVER, 'a/b'))?.versions.get('timestamp')).toBe(200);
  });

  it('writes nothing into a frozen record, and refuses another root for it', async () => {
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    await freeze('a/b');
    const text = await textOf('a/b');
    const base = await records.read(SERVER, 'a/b');
    expect(await records.remember(record('a/b', 9), base, signal)).toMatchObject({ frozen: true });
    const rotated = { ...record('a/b', 9, OTHER_ROOT), versions: new Map([['root', 2]]) };
    await expect(records.remember(rotated, base, signal)).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect(await textOf('a/b')).toBe(text);
  });

  it('refuses what was verified on the ground of a record that was removed meanwhile', async () => {
    const records = await open();
    const base = await records.remember(record('a/b'), undefined, signal);
    await rm(fileOf('a/b'));
    await expect(records.remember(record('a/b', 2), base, signal)).rejects.toMatchObject({
      code: 'TRUST_ROOT_CHANGED',
      message: expect.stringContaining('was removed'),
    });
    expect(await names()).toEqual([]);
  });

  it('has names that are parts of no other path, whatever a repository is called', () => {
    for (const gun of ['..', '../../etc/passwd', '-/-', 'host:5000/team/app', 'É', '\u0000', 'a'.repeat(1000)])
      expect(isRecordName(recordName(SERVER, gun)), gun).toBe(true);
    for (const bad of ['', '..', '../a', 'a/b', `${'a'.repeat(61)}-${'0'.repeat(32)}`, `.-${'0'.repeat(32)}`])
      expect(isRecordName(bad), bad).toBe(false);
  });
});

describe('what an operator does in a directory of trust records', () => {
  it('counts at the next look and is told: a record that is frozen, removed, loaded', async () => {
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    const [known, loaded] = [toldOf(records, 'a/b'), toldOf(records, 'c/d')];
    await freeze('a/b');
    expect(await records.read(SERVER, 'a/b')).toMatchObject({ frozen: true });
    await expect.poll(() => known.at(-1)).toMatchObject({ frozen: true });
    await rm(fileOf('a/b'));
    expect(await records.read(SERVER, 'a/b')).toBeUndefined();
    expect(known.at(-1)).toBeUndefined();
    await load('c/d', { rootKeyIds: OTHER_ROOT });
    await expect.poll(() => loaded.at(-1)).toMatchObject({ rootKeyIds: OTHER_ROOT });
    expect(await records.read(SERVER, 'c/d')).toMatchObject({ rootKeyIds: OTHER_ROOT });
  });

  it('is told by the system alone, without a look', async () => {
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    const changes = toldOf(records, 'a/b');
    // A watch of the directory that was made with the record begins with the notice of its being made.
    await expect
      .poll(async () => {
        await freeze('a/b');
        return changes.at(-1);
      })
      .toMatchObject({ frozen: true });
    await rm(fileOf('a/b'));
    await expect.poll(() => changes.length > 0 && changes.at(-1) === undefined).toBe(true);
  });

  it('takes a file of kubectl get -o json as it is', async () => {
    const records = await open();
    await mkdir(path);
    const object = recordObject(record('a/b'), NOW, {
      creationTimestamp: '2026-11-24T00:00:00Z',
      generation: 3,
      name: recordName(SERVER, 'a/b'),
      resourceVersion: '71',
      uid: '0d6f0d5c-5b0c-4f5e-9d5d-1f9f3f0b8f7e',
    });
    await writeFile(fileOf('a/b'), `\ufeff${JSON.stringify(object, undefined, 4)}\n`);
    const base = await records.read(SERVER, 'a/b');
    expect(base).toMatchObject({ gun: 'a/b', lastSeen: NOW });
    expect(await records.remember(record('a/b', 2), base, signal)).toMatchObject({ gun: 'a/b' });
  });

  const other = () => recordObject(record('c/d'), NOW);
  const named = (name: unknown) => ({ ...recordObject(record('a/b'), NOW), metadata: { name } });
  it.each<[string, string | Uint8Array | object, string]>([
    ['is not JSON', '{{{', 'is not JSON'],
    ['is no object', '[]', 'is not JSON, or no object'],
    ['is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'is not JSON'],
    ['is empty', '', 'is empty'],
    ['is a list', { kind: 'List', apiVersion: 'v1', items: [] }, 'a file of its own'],
    ['is of another kind', { kind: 'Secret', apiVersion: 'v1' }, 'holds "Secret" of "v1"'],
    ['is of another version', { ...other(), apiVersion: 'trust.portieris.dev/v9' }, 'v9'],
    ['lacks what a record needs', { ...named('x'), spec: {} }, 'must have the field'],
    ['is of another repository', other(), `is of c/d on ${SERVER}, so that ${recordName(SERVER, 'c/d')} must be`],
    ['has another name than its file', named('web'), `"web", which must be ${recordName(SERVER, 'a/b')}`],
    ['has no name', named(undefined), `"", which must be ${recordName(SERVER, 'a/b')}`],
  ])(
    'is refused with the file and what to do where it %s: to take it for absent would be a second first use',
    async (_, content, why) => {
      const records = await open();
      await mkdir(path);
      const bytes = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
      await writeFile(fileOf('a/b'), bytes);
      const refused = { code: 'TRUST_RECORD_INVALID', message: expect.stringContaining(why) };
      await expect(records.read(SERVER, 'a/b')).rejects.toMatchObject(refused);
      await expect(records.read(SERVER, 'a/b')).rejects.toThrow(`${fileOf('a/b')} `);
      await expect(records.remember(record('a/b'), undefined, signal)).rejects.toMatchObject(refused);
      expect(await readFile(fileOf('a/b'))).toEqual(Buffer.from(bytes));
      expect(await records.remember(record('e/f'), undefined, signal)).toBeDefined();
    },
  );

  it('is refused where a file is larger than a record can be, or is none', async () => {
    const records = await open();
    await mkdir(fileOf('e/f'), { recursive: true });
    await load('a/b');
    await truncate(fileOf('a/b'), LIMITS.recordBytes + 1);
    await expect(records.read(SERVER, 'a/b')).rejects.toMatchObject({ message: expect.stringContaining('larger') });
    await expect(records.read(SERVER, 'e/f')).rejects.toMatchObject({ message: expect.stringContaining('no file') });
  });

  it('counts again once it is mended, and is told as gone until then', async () => {
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    const changes = toldOf(records, 'a/b');
    await writeFile(fileOf('a/b'), '{{{');
    await expect(records.read(SERVER, 'a/b')).rejects.toMatchObject({ code: 'TRUST_RECORD_INVALID' });
    expect(changes.at(-1)).toBeUndefined();
    await load('a/b', { frozen: true });
    expect(await records.read(SERVER, 'a/b')).toBeDefined();
    expect(changes.at(-1)).toMatchObject({ gun: 'a/b' });
  });

  it('is warned of where a file can be no record by its name, or is not the one of its name', async () => {
    await mkdir(path);
    for (const name of ['before.json', 'README.md', '.hidden.json']) await writeFile(join(path, name), '{}');
    await open();
    expect(lines.map(({ file }) => file)).toEqual(['before.json']);
    await writeFile(join(path, 'web.yaml'), '');
    await expect.poll(() => lines.map(({ file }) => file)).toContain('web.yaml');
    await writeFile(join(path, `${recordName(SERVER, 'c/d')}.json`), JSON.stringify(recordObject(record('a/b'), NOW)));
    await expect.poll(() => lines.map(({ problem }) => problem)).toContainEqual(expect.stringContaining('is of a/b'));
  });

  it('is not half-seen: a directory put in the place of another counts as a whole, whoever keeps the old one', async () => {
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    const changes = toldOf(records, 'a/b');
    const next = join(folder.path, 'next');
    await mkdir(next);
    await rename(path, join(folder.path, 'old'));
    await rename(next, path);
    await expect.poll(() => changes).toEqual([undefined]);
    expect(await records.read(SERVER, 'a/b')).toBeUndefined();
    await load('a/b', { rootKeyIds: OTHER_ROOT });
    await expect.poll(() => changes.at(-1)).toMatchObject({ rootKeyIds: OTHER_ROOT });
  });

  it('is followed again where the folder above was removed and made anew', async () => {
    const above = join(folder.path, 'above');
    path = join(above, 'records');
    await mkdir(above);
    const records = await open();
    await records.remember(record('a/b'), undefined, signal);
    const changes = toldOf(records, 'a/b');
    await settled('a/b');
    await rm(above, { recursive: true });
    await expect.poll(() => changes).toEqual([undefined]);
    await mkdir(path, { recursive: true });
    // The system tells nothing of a folder that was not there; a look begins to follow it.
    expect(await records.read(SERVER, 'x/y')).toBeUndefined();
    await load('a/b', { rootKeyIds: OTHER_ROOT });
    await expect.poll(() => changes.at(-1)).toMatchObject({ rootKeyIds: OTHER_ROOT });
  });
});

describe('what this process writes itself', () => {
  it('is told once and at once, for others that stand on the same record', async () => {
    const records = await open();
    const changes = toldOf(records, 'a/b');
    const first = await records.remember(record('a/b'), undefined, signal);
    const second = await records.remember(record('a/b', 2), first, signal);
    expect(changes).toEqual([first, second]);
    expect(await records.read(SERVER, 'a/b')).toEqual(second);
    const other = await open();
    expect(await other.read(SERVER, 'a/b')).toEqual(second);
    const seen = toldOf(other, 'a/b');
    const third = await other.remember(record('a/b', 3), second, signal);
    await expect.poll(() => changes.length).toBe(3);
    expect(seen).toEqual([third]);
    expect(await other.read(SERVER, 'a/b')).toEqual(third);
    expect(await records.read(SERVER, 'a/b')).toEqual(third);
    expect(changes).toEqual([first, second, third]);
  });
});

/** What a process acknowledged that was killed in the midst of remembering: records of before, which it raises, and new ones. */
async function killedAtWork(life: number): Promise<readonly Remembered[]> {
  const child = await startRememberer();
  const acknowledged: Remembered[] = [];
  child.on('message', (ended: Remembered) => acknowledged.push(ended));
  for (let index = 0; index < 40; index += 1)
    child.send({ gun: index % 2 === 0 ? `r/${index}` : `r/${life}-${index}`, role: 'timestamp', version: life });
  await expect.poll(() => acknowledged.length, { interval: 1 }).toBeGreaterThan(life * 4);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return acknowledged;
}

describe('several processes on a directory of trust records', () => {
  it('do not wait for a lock where a repository is seen first', async () => {
    const records = await open();
    const base = await records.remember(record('a/b'), undefined, signal);
    const lock = takeLock(join(path, '.lock'));
    const end = new AbortController();
    const raised = records.remember(record('a/b', 2), base, end.signal);
    expect(await records.remember(record('c/d'), undefined, signal)).toBeDefined();
    end.abort();
    await expect(raised).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('.lock is held by another process'),
    });
    lock?.release();
    expect(await records.remember(record('a/b', 2), base, signal)).toBeDefined();
  });

  it('are not held up by a lock that one left', async () => {
    const records = await open();
    await mkdir(path);
    await writeFile(join(path, '.lock'), '');
    const base = await records.remember(record('a/b'), undefined, signal);
    expect(await records.remember(record('a/b', 2), base, signal)).toBeDefined();
  });

  it('are told what is amiss with a lock that cannot be one', async () => {
    const records = await open();
    await mkdir(join(path, '.lock'), { recursive: true });
    const base = await records.remember(record('a/b'), undefined, signal);
    await expect(records.remember(record('a/b', 2), base, signal)).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('cannot be locked'),
    });
  });

  it('lose nothing of what they merge into one record at once', async () => {
    const processes = await Promise.all(Array.from({ length: 6 }, startRememberer));
    const rounds = 8;
    for (let version = 1; version <= rounds; version += 1) {
      const ends = await Promise.all(
        processes.map((child, index) => told(child, { gun: 'a/b', role: `targets/p${index}`, version })),
      );
      // The first look of all but one finds no record, and that record by the time they write.
      expect(new Set(ends)).toEqual(new Set(['written']));
    }
    const versions = new Map<string, number>(processes.map((_, index) => [`targets/p${index}`, rounds]));
    expect((await (await open()).read(SERVER, 'a/b'))?.versions).toEqual(versions.set('root', 1));
  });

  it('lose nothing that was acknowledged where they are killed while they write, and leave no half of a record', async () => {
    const acknowledged: Remembered[] = [];
    for (let life = 1; life <= 4; life += 1) acknowledged.push(...(await killedAtWork(life)));
    const records = await open();
    for (const { gun, version, end } of acknowledged) {
      expect(end).toBe('written');
      expect((await records.read(SERVER, gun))?.versions.get('timestamp'), gun).toBeGreaterThanOrEqual(version);
    }
    for (const name of await names()) expect(JSON.parse(await readFile(join(path, name), 'utf8'))).toBeDefined();
  });

  it('clear away what one left that was killed, once it is old', async () => {
    const records = await open();
    const base = await records.remember(record('a/b'), undefined, signal);
    const [old, young] = ['old', 'young'].map((name) => join(path, '.work', name)) as [string, string];
    for (const left of [old, young]) await writeFile(left, 'half');
    await utimes(old, new Date(NOW - 7_200_000), new Date(NOW - 7_200_000));
    await utimes(young, new Date(NOW - 60_000), new Date(NOW - 60_000));
    await records.remember(record('a/b', 2), base, signal);
    await records.close();
    expect(await unfinished()).toEqual(['young']);
  });
});

describe('a directory of trust records that fails', () => {
  it('is a fault that names the file, and takes nothing from what is known', async () => {
    const records = await open();
    const base = await records.remember(record('a/b'), undefined, signal);
    const changes = toldOf(records, 'a/b');
    // A link in a circle can't be followed, whatever rights a process has.
    const circle = join(folder.path, 'circle');
    await symlink(fileOf('a/b'), circle);
    await rename(circle, fileOf('a/b'));
    const unavailable = { code: 'TRUST_RECORD_UNAVAILABLE', message: expect.stringContaining(fileOf('a/b')) };
    await expect(records.read(SERVER, 'a/b')).rejects.toBeInstanceOf(Fault);
    await expect(records.read(SERVER, 'a/b')).rejects.toMatchObject(unavailable);
    await expect(records.remember(record('a/b', 2), base, signal)).rejects.toMatchObject(unavailable);
    expect(changes).toEqual([]);
  });

  it('is a fault where the name of a record is a link that leads nowhere', async () => {
    const records = await open();
    await mkdir(path);
    await symlink(join(folder.path, 'nowhere'), fileOf('a/b'));
    await expect(records.remember(record('a/b'), undefined, signal)).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('a link that leads nowhere'),
    });
    expect(existsSync(join(folder.path, 'nowhere'))).toBe(false);
  });

  it('is a fault where a file is put in its place', async () => {
    const records = await open();
    await writeFile(path, '');
    await expect(records.read(SERVER, 'a/b')).rejects.toMatchObject({ code: 'TRUST_RECORD_UNAVAILABLE' });
    await expect(records.remember(record('a/b'), undefined, signal)).rejects.toMatchObject({
      code: 'TRUST_RECORD_UNAVAILABLE',
      message: expect.stringContaining('cannot be written (ENOTDIR)'),
    });
  });

  it('is not opened where the folder for it is not there, and says what to do where it is a file', async () => {
    const context = { clock: { now: () => NOW }, log: silentLog };
    expect(await openRecordFiles(join(folder.path, 'gone', 'records'), context)).toBeUndefined();
    await writeFile(path, '{}');
    await expect(openRecordFiles(path, context)).rejects.toThrow(/records is no directory, .* TRUST_RECORDS/);
  });
});

describe('a process with a directory of trust records', () => {
  it('is not kept alive by watching it', async () => {
    const program = `
      import { openRecordFiles } from './functions/io/recordfiles.ts';
      const records = await openRecordFiles(${JSON.stringify(path)}, { clock: Date, log: console });
      await records.read('https://notary.example', 'a/b');
      console.log('read');`;
    await mkdir(path);
    const started = startNode(['--input-type=module-typescript', '--eval', program]);
    await started.until(/read/);
    expect(await started.ended).toBe(0);
  });
});
