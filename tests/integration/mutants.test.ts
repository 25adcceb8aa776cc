import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { judge } from '../../functions/trust/notary/signers.ts';
import { look, signerOf } from '../support/tuf/look.ts';
import { MUTANTS, publishMutant } from '../support/tuf/mutant.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { notaryUser } from './support/notary.ts';
import { clientOpinion } from './support/oracle.ts';
import { RELEASED, RELEASES, TAG } from './support/world.ts';

/** Mutants looked at in one run; the real client is asked of each that we trust. */
const RUNS = Number(process.env['MUTANTS'] ?? 600);
/** Runs of the real client: each takes a tenth of a second. */
const MOST_ASKED = Number(process.env['MUTANTS_ASKED'] ?? 150);

const repository = new TestRepository({ gun: 'example.com/mutant/app' });
/** The policy names alice, so that her role is asked for as the client asks for all. */
const alice = signerOf('alice', repository.addSigner('alice').pem);
repository.tag(TAG, RELEASED, 'targets', RELEASES, 'targets/alice');

let folder: TemporaryFolder;
let server: NotaryServer;
let authorityFile: string;

beforeAll(async () => {
  folder = await temporaryFolder('mutants');
  server = await serveNotary({ repositories: [repository] });
  authorityFile = join(folder.path, 'authority.crt');
  await writeFile(authorityFile, server.ca ?? '');
});
afterAll(async () => {
  await server.close();
  await folder.remove();
});

const ours = async (): Promise<string | undefined> => {
  try {
    const judged = judge(await look(repository, { roles: ['targets/alice'] }), { tag: TAG, digest: undefined }, [
      alice,
    ]);
    return judged.ok ? judged.value.digest.replace('sha256:', '') : undefined;
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
};

describe('a mutant that is trusted', () => {
  it('is trusted by the real client too, with the same digest', async () => {
    let asked = 0;
    const property = fc.asyncProperty(MUTANTS, async (mutant) => {
      publishMutant(repository, mutant);
      const digest = await ours();
      if (digest === undefined || asked >= MOST_ASKED) return;
      asked += 1;
      const at = join(folder.path, String(asked));
      await mkdir(at);
      const user = await notaryUser({ folder: at, origin: server.origin, authorityFile });
      expect(await clientOpinion(user, repository.gun)).toEqual({ digest });
    });
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    expect(asked).toBeGreaterThan(10);
  }, 600_000);
});
