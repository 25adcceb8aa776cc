import { openRecordFiles } from '../../functions/io/recordfiles.ts';
import { silentLog } from '../../functions/log.ts';

/** What a rememberer is told: to remember this version of this role in the record of a repository, which is made where it is not there. */
export interface Remembering {
  readonly gun: string;
  readonly role: string;
  readonly version: number;
}

const SERVER = 'https://notary.example';

/** How that ended. */
export interface Remembered extends Remembering {
  readonly end: string;
}

/** A process of its own that writes into a directory of records: `rememberer.ts DIRECTORY`, with a channel (`fork`). Each message is a `Remembering`, answered by a `Remembered`. */
const [path = ''] = process.argv.slice(2);
const records = await openRecordFiles(path, { clock: { now: () => Date.now() }, log: silentLog });
if (records === undefined) throw new Error(`${path} cannot be opened`);

async function remember({ gun, role, version }: Remembering): Promise<string> {
  const base = await records?.read(SERVER, gun);
  const versions = new Map([
    ['root', 1],
    [role, version],
  ]);
  const seen = { server: SERVER, gun, rootKeyIds: ['ab'.repeat(32)], versions, expires: 0 };
  await records?.remember(seen, base, AbortSignal.timeout(20_000));
  return 'written';
}

process.on('message', (message: Remembering) => {
  remember(message).then(
    (end) => process.send?.({ ...message, end }),
    (error: unknown) => process.send?.({ ...message, end: String(error) }),
  );
});
process.on('disconnect', () => records.close());
process.send?.('ready');
