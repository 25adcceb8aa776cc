import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Where the gate of `npm start` and its Notary are to be found, for the commands that talk to them. */
export interface Running {
  /** Origin of the gate. */
  readonly gate: string;
  /** Address that takes `{"image": "registry.demo/…:tag"}` by POST and signs it. */
  readonly sign: string;
  /** Options of the gate, by which the command line asks on the same policies and trust data. */
  readonly env: Readonly<Record<string, string>>;
}

const FILE = resolve(import.meta.dirname, '../../node_modules/.cache/portieris-demo.json');

/** Writes down where the demo runs; what it gives takes the note away again. */
export async function noteRunning(running: Running): Promise<() => Promise<void>> {
  await mkdir(dirname(FILE), { recursive: true });
  await writeFile(FILE, JSON.stringify(running));
  return () => rm(FILE, { force: true });
}

/** Where the demo runs. Ends the process with a sentence where it does not. */
export async function findRunning(): Promise<Running> {
  try {
    const running = JSON.parse(await readFile(FILE, 'utf8')) as Running;
    await fetch(`${running.gate}/health/liveness`);
    return running;
  } catch {
    process.stderr.write('No gate is running here. Start it in another terminal: npm start\n');
    process.exit(1);
  }
}
