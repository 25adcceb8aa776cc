import { freePort } from './port.ts';

// Asks for as many ports as its argument says, all at once, tells them, and holds them until it is ended.
const ports = await Promise.all(Array.from({ length: Number(process.argv[2]) }, () => freePort()));
process.stdout.write(`holds ${ports.join(' ')}\n`);
process.stdin.resume();
