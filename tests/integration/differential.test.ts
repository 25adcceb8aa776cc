import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RememberedTrust } from '../../functions/ports.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { judge } from '../../functions/trust/notary/signers.ts';
import { rememberedOf } from '../../functions/trust/notary/update.ts';
import { look } from '../support/tuf/look.ts';
import type { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';
import { STRICTER } from '../support/tuf/stricter.ts';
import { DELEGATION_CASES, HONEST_CASES } from './support/delegationcases.ts';
import { DIFFERENCES } from './support/differences.ts';
import { ENVELOPE_CASES } from './support/envelopecases.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { notaryUser } from './support/notary.ts';
import { clientOpinion, type Opinion } from './support/oracle.ts';
import { STRUCTURE_CASES } from './support/structurecases.ts';
import { type Case, releasedRepository, TAG } from './support/world.ts';

/** The real client and our verifier look at the same repositories, made by our keys and spoiled in one way each. */

const CASES: readonly Case[] = [...HONEST_CASES, ...ENVELOPE_CASES, ...STRUCTURE_CASES, ...DELEGATION_CASES];

const repositories: TestRepository[] = [];
let folder: TemporaryFolder;
let server: NotaryServer;
let authorityFile: string;

beforeAll(async () => {
  folder = await temporaryFolder('differential');
  server = await serveNotary({ repositories });
  authorityFile = join(folder.path, 'authority.crt');
  await writeFile(authorityFile, server.ca ?? '');
});
afterAll(async () => {
  await server.close();
  await folder.remove();
});

/** What our verifier says, with what it remembers of an earlier look. */
async function ourOpinion(
  repository: TestRepository,
  remembered?: RememberedTrust,
): Promise<Opinion & { remembered?: RememberedTrust }> {
  try {
    const facts = await look(repository, remembered === undefined ? {} : { remembered });
    const judged = judge(facts, { tag: TAG, digest: undefined }, []);
    if (!judged.ok)
      return { refused: `${judged.refusal.code}: ${judged.refusal.message}`, remembered: rememberedOf(facts) };
    return { digest: judged.value.digest.replace('sha256:', ''), remembered: rememberedOf(facts) };
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return { refused: `${error.code}: ${error.message}` };
  }
}

async function opinions(one: Case, index: number): Promise<{ client: Opinion; ours: Opinion }> {
  const at = join(folder.path, String(index));
  await mkdir(at);
  const user = await notaryUser({ folder: at, origin: server.origin, authorityFile });
  const repository = releasedRepository(`example.com/case/n${index}`, one.kind);
  repositories.push(repository);
  let remembered: RememberedTrust | undefined;
  if (one.past !== undefined) {
    one.past(repository);
    expect(await clientOpinion(user, repository.gun)).toHaveProperty('digest');
    const before = await ourOpinion(repository);
    expect(before).toHaveProperty('digest');
    remembered = before.remembered;
  }
  one.build(repository);
  const client = await clientOpinion(user, repository.gun);
  return { client, ours: await ourOpinion(repository, remembered) };
}

describe('beside the real notary client', () => {
  it('looks at 40 corruptions at least, each under a name of its own', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    expect(CASES.length - HONEST_CASES.length).toBeGreaterThanOrEqual(40);
    const unknown = [...DIFFERENCES.keys()].filter((name) => !CASES.some((one) => one.name === name));
    expect(unknown).toEqual([]);
  });

  for (const [index, one] of CASES.entries()) {
    it(`agrees, or is stricter on purpose: ${one.name}`, async () => {
      expectAgreement(one, await opinions(one, index));
    });
  }
});

function expectAgreement(one: Case, { client, ours }: { client: Opinion; ours: Opinion }): void {
  const difference = DIFFERENCES.get(one.name);
  if (difference === undefined) {
    const said = `client: ${JSON.stringify(client)}; we: ${JSON.stringify(ours)}`;
    expect(verdictOf(ours), said).toBe(verdictOf(client));
    return;
  }
  expect(client, 'the client refuses it too: take it off the list of differences').toHaveProperty('digest');
  const codes = STRICTER.find(({ id }) => id === difference)?.codes ?? [];
  expect(codes).toContain('refused' in ours ? ours.refused.split(':', 1)[0] : 'trusted');
}

const verdictOf = (opinion: Opinion): string => ('digest' in opinion ? opinion.digest : 'refused');
