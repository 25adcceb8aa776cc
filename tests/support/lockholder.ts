import { takeLock } from '../../functions/io/filelock.ts';

/** A process of its own that takes a lock and keeps it until it is killed: `lockholder.ts FILE`. */
const [path = ''] = process.argv.slice(2);
const lock = takeLock(path);
process.stdout.write(lock === undefined ? 'held by another\n' : 'taken\n');
setInterval(() => undefined, 60_000);
