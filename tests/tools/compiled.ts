import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PLACE = 'NODE_COMPILE_CACHE';

/**
 * Runs once before the tests: names one place where every Node process of the run keeps what it compiled, for as long as the run lasts. A start of the
 * gate or of the command line costs a third less then. A place that is named already, by the caller or for another project, is taken as it is.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[PLACE] !== undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'portieris-compiled-'));
  process.env[PLACE] = folder;
  return async () => {
    delete process.env[PLACE];
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
