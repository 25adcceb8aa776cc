import { openRecordFile } from '../../functions/io/recordfile.ts';

/** A process of its own that writes into a file of records: `rememberer.ts FILE`, with a channel (`fork`). Each message is a GUN to remember; each is answered by how that ended. */
const [path = ''] = process.argv.slice(2);
const file = await openRecordFile(path, { now: () => 0 });
if (file === undefined) throw new Error(`${path} cannot be opened`);

process.on('message', (gun: string) => {
  const seen = {
    server: 'https://notary.example',
    gun,
    rootKeyIds: ['ab'.repeat(32)],
    versions: new Map([['root', 1]]),
    expires: 0,
  };
  file.remember(seen, undefined, AbortSignal.timeout(20_000)).then(
    () => process.send?.('written'),
    (error: unknown) => process.send?.(String(error)),
  );
});
process.on('disconnect', () => file.close());
process.send?.('ready');
