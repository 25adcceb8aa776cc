import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../functions/codes.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { judge } from '../../functions/trust/notary/signers.ts';
import { look, NOW, signerOf } from '../support/tuf/look.ts';
import { MUTANTS, publishMutant } from '../support/tuf/mutant.ts';
import { TestRepository } from '../support/tuf/repository.ts';

/** Mutants of one run; set MUTANTS for a longer one. */
const RUNS = Number(process.env['MUTANTS'] ?? 2000);
const SIGNED = 'aa'.repeat(32);
const ROLES = ['targets/alice'];
const WANTED = { tag: 'v1', digest: undefined };

const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
const alice = signerOf('alice', repository.addSigner('alice').pem);
repository.tag('v1', SIGNED, 'targets', 'targets/releases', 'targets/alice');

/** The digest that is trusted, or undefined where there is a refusal; anything else that is thrown is a bug. */
const digestOf = async (signers: Parameters<typeof judge>[2]): Promise<string | undefined> => {
  try {
    const judged = judge(await look(repository, { roles: ROLES }), WANTED, signers);
    return judged.ok ? judged.value.digest : undefined;
  } catch (error) {
    if (error instanceof TrustError || error instanceof Fault) return undefined;
    throw error;
  }
};

/** What the served releases role says of the tag: its key holder may sign what he likes. */
const released = (): string => {
  const bytes = repository.files.get('targets/releases') ?? Buffer.alloc(0);
  const { signed } = JSON.parse(bytes.toString('utf8')) as {
    signed: { targets: { v1: { hashes: { sha256: string } } } };
  };
  return `sha256:${Buffer.from(signed.targets.v1.hashes.sha256, 'base64').toString('hex')}`;
};

describe('a mutant of a small repository', () => {
  it('is never trusted with another digest than the one that was signed', async () => {
    let trusted = 0;
    const property = fc.asyncProperty(MUTANTS, async (mutant) => {
      publishMutant(repository, mutant);
      const digest = await digestOf([]);
      if (digest === undefined) return;
      trusted += 1;
      const holder = mutant.role === 'targets/releases' && mutant.way === 'key holder';
      if (digest !== `sha256:${SIGNED}`) expect([holder, digest]).toEqual([true, released()]);
    });
    await fc.assert(property, { numRuns: RUNS });
    expect(trusted, 'some changes are harmless: where none is, the test proves nothing').toBeGreaterThan(0);
  });

  it('never shows another digest than the signer’s to a policy that names one', async () => {
    const property = fc.asyncProperty(MUTANTS, async (mutant) => {
      fc.pre(mutant.role !== 'targets/alice' || mutant.way !== 'key holder');
      publishMutant(repository, mutant);
      expect([undefined, `sha256:${SIGNED}`]).toContain(await digestOf([alice]));
    });
    await fc.assert(property, { numRuns: RUNS / 2 });
  });
});
