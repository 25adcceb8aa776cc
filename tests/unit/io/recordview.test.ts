import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordFolder } from '../../../functions/io/recordfolder.ts';
import { bytesOf } from '../../../functions/io/recordtext.ts';
import { RecordView } from '../../../functions/io/recordview.ts';
import { silentLog } from '../../../functions/log.ts';
import { recordName, recordObject } from '../../../functions/trust/notary/record.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';

const SERVER = 'https://notary.example';
const recordOf = (gun: string, version = 1) => ({
  server: SERVER,
  gun,
  rootKeyIds: ['ab'.repeat(32)],
  versions: new Map([['root', version]]),
  expires: 0,
  lastSeen: 0,
});

/** Counts what is read of files. */
class CountingFolder extends RecordFolder {
  reads = 0;
  override read(name: string): Promise<Buffer | undefined> {
    this.reads += 1;
    return super.read(name);
  }
}

let temporary: TemporaryFolder;
let folder: CountingFolder;
let view: RecordView;
beforeEach(async () => {
  temporary = await temporaryFolder('view');
  folder = new CountingFolder(temporary.path, { now: () => 0 });
});
afterEach(async () => {
  view.close();
  await temporary.remove();
});
const look = (gun: string) => {
  const name = recordName(SERVER, gun);
  return view.turn(name, () => view.look(name));
};
const write = async (gun: string, version: number, how: 'create' | 'replace') => {
  const object = recordObject(recordOf(gun, version), 0);
  const bytes = bytesOf(object);
  const stamp = (await folder[how](recordName(SERVER, gun), bytes)) ?? 'none';
  return { stamp, bytes: bytes.length, object };
};

describe('a view of trust records', () => {
  it('reads back nothing that this process wrote, and what others wrote once', async () => {
    view = new RecordView(folder, silentLog);
    for (const [version, how] of [
      [1, 'create'],
      [2, 'replace'],
    ] as const) {
      const name = recordName(SERVER, 'a');
      await view.turn(name, async () => view.wrote(name, recordOf('a', version), await write('a', version, how)));
      expect(await look('a')).toEqual(recordOf('a', version));
    }
    expect(folder.reads).toBe(0);
    await write('a', 3, 'replace');
    for (let times = 0; times < 3; times += 1) expect(await look('a')).toEqual(recordOf('a', 3));
    expect(folder.reads).toBe(1);
  });

  it('knows no more than it may hold, and tells that it no longer knows the one looked at longest ago', async () => {
    for (const gun of ['a', 'b', 'c']) await write(gun, 1, 'create');
    // Two of them, with what is counted for each beside its text.
    view = new RecordView(folder, silentLog, 4000);
    const told: [string, boolean][] = [];
    view.listen((_, gun, now) => told.push([gun, now !== undefined]));
    for (const gun of ['a', 'b', 'a', 'c', 'a']) expect(await look(gun)).toEqual(recordOf(gun));
    expect(told).toEqual([
      ['a', true],
      ['b', true],
      ['b', false],
      ['c', true],
    ]);
    expect(folder.reads).toBe(3);
  });
});
