import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../functions/image/reference.ts';
import { judge, type Signer, type Wanted } from '../../../../functions/trust/notary/signers.ts';
import { certify, makeKey, type TestKey } from '../../../support/tuf/key.ts';
import { type Look, look, NOW, signerOf } from '../../../support/tuf/look.ts';
import { type Corruptions, TestRepository } from '../../../support/tuf/repository.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const digest = (hex: string): Digest => `sha256:${hex}`;
const fresh = () => new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
const wanted = (tag: string | undefined, hex?: string): Wanted => ({
  tag,
  digest: hex === undefined ? undefined : digest(hex),
});

/** Digest or code and message of the verdict on what the repository publishes. */
const verdict = async (
  repository: TestRepository,
  want: Wanted,
  signers: readonly Signer[] = [],
  options: Look & { corruptions?: Corruptions } = {},
) => {
  const { corruptions, ...rest } = options;
  const roles = signers.map(({ name }) => `targets/${name}`);
  const judged = judge(await look(repository.publish(corruptions), { roles, ...rest }), want, signers);
  return judged.ok ? judged.value.digest : `${judged.refusal.code}: ${judged.refusal.message}`;
};

describe('a tag', () => {
  it('is released by targets where there is no releases role', async () => {
    expect(await verdict(fresh().tag('v1', A), wanted('v1'))).toBe(digest(A));
  });

  it('is released by targets/releases before targets', async () => {
    const repository = fresh();
    repository.addSigner('alice');
    expect(await verdict(repository.tag('v1', A).tag('v1', B, 'targets/releases'), wanted('v1'))).toBe(digest(B));
  });

  it('is released by targets where the releases role does not hold it', async () => {
    const repository = fresh();
    repository.addSigner('alice');
    expect(await verdict(repository.tag('v1', A).tag('v2', B, 'targets/releases'), wanted('v1'))).toBe(digest(A));
  });

  it('is not released by the role of a single signer', async () => {
    const repository = fresh();
    repository.addSigner('alice');
    repository.tag('v2', B, 'targets/releases').tag('v1', A, 'targets/alice');
    expect(await verdict(repository, wanted('v1'), [], { roles: ['targets/alice'] })).toMatch(
      /^TRUST_NOT_SIGNED: The tag v1 of/,
    );
  });

  it.each([
    ['signed by a stranger', { 'targets/releases': { signers: [makeKey()] } }, 'TRUST_SIGNATURE'],
    [
      'expired',
      { 'targets/releases': { edit: (body: object) => Object.assign(body, { expires: '2020-01-01T00:00:00Z' }) } },
      'TRUST_EXPIRED',
    ],
    ['missing', { 'targets/releases': { served: () => undefined } }, 'TRUST_INCONSISTENT'],
    ['no JSON', { 'targets/releases': { bytes: () => Buffer.from('no') } }, 'TRUST_MALFORMED'],
  ])('never falls back to targets when the releases role is %s', async (_, corruptions, code) => {
    const repository = fresh();
    repository.addSigner('alice');
    repository.tag('v1', A, 'targets', 'targets/releases');
    expect(await verdict(repository, wanted('v1'), [], { corruptions: corruptions as Corruptions })).toMatch(
      new RegExp(`^${code}: docker.io/library/nginx releases tags by targets/releases, which cannot be used: `),
    );
  });

  it('never falls back to targets when the releases role was never published', async () => {
    const repository = fresh();
    repository.addSigner('alice');
    expect(await verdict(repository.tag('v1', A), wanted('v1'))).toMatch(
      /^TRUST_NOT_SIGNED: .*nothing was published in it/,
    );
  });

  it('is matched exactly', async () => {
    for (const tag of ['V1', 'v1 ', 'v', 'v10', '', '*', '__proto__', 'constructor', 'toString'])
      expect(await verdict(fresh().tag('v1', A), wanted(tag))).toMatch(/^TRUST_NOT_SIGNED/);
  });

  it.each(['__proto__', 'constructor', 'toString'])('may be called %s', async (tag) => {
    expect(await verdict(fresh().tag(tag, A), wanted(tag))).toBe(digest(A));
  });

  it('is latest where neither tag nor digest is written', async () => {
    expect(await verdict(fresh().tag('latest', A), wanted(undefined))).toBe(digest(A));
  });

  it('with a digest must be signed for that digest', async () => {
    expect(await verdict(fresh().tag('v1', A), wanted('v1', A))).toBe(digest(A));
    expect(await verdict(fresh().tag('v1', A), wanted('v1', B))).toMatch(
      /^TRUST_DIGEST_CONFLICT: The tag v1 of .* signed for sha256:aa.*, not for sha256:bb/,
    );
    expect(await verdict(fresh().tag('v1', A).tag('v2', B), wanted('v1', B))).toMatch(/^TRUST_DIGEST_CONFLICT/);
  });

  it('never stands for an empty digest', async () => {
    for (const hashes of [{}, { sha256: '' }, { sha512: Buffer.alloc(64).toString('base64') }]) {
      const edit = (body: { [name: string]: unknown }) =>
        Object.assign((body['targets'] as { v1: object }).v1, { hashes });
      const corruptions = { targets: { edit } } as Corruptions;
      expect(await verdict(fresh().tag('v1', A), wanted('v1'), [], { corruptions })).toMatch(
        /^TRUST_MALFORMED: .*without a SHA-256/,
      );
    }
  });
});

describe('a digest alone', () => {
  it('is found under whatever tag it is signed, never held against latest', async () => {
    expect(await verdict(fresh().tag('latest', B).tag('v1', A), wanted(undefined, A))).toBe(digest(A));
    expect(await verdict(fresh().tag('latest', B), wanted(undefined, A))).toMatch(/^TRUST_NOT_SIGNED: No released tag/);
  });

  it('does not count in targets where the releases role says otherwise of the tag', async () => {
    const repository = fresh();
    repository.addSigner('alice');
    repository.tag('v1', A).tag('v1', B, 'targets/releases');
    expect(await verdict(repository, wanted(undefined, A))).toMatch(/^TRUST_NOT_SIGNED/);
    expect(await verdict(repository, wanted(undefined, B))).toBe(digest(B));
  });

  it('is agreed on by the signers under one and the same tag', async () => {
    const repository = fresh();
    const signers = ['alice', 'bob'].map((name) => signerOf(name, repository.addSigner(name).pem));
    repository.tag('v1', A, 'targets/releases', 'targets/alice').tag('v2', A, 'targets/releases', 'targets/bob');
    expect(await verdict(repository, wanted(undefined, A), signers)).toMatch(/^TRUST_SIGNER_MISSING/);
    repository.tag('v2', A, 'targets/alice');
    expect(await verdict(repository, wanted(undefined, A), signers)).toBe(digest(A));
  });
});

const withSigner = (key: TestKey = makeKey()) => {
  const repository = fresh();
  repository.addSigner('alice', key);
  return {
    repository: repository.tag('v1', A, 'targets', 'targets/releases', 'targets/alice'),
    alice: signerOf('alice', key.pem),
  };
};

describe('a required signer', () => {
  it.each(['ecdsa', 'rsa', 'ed25519'] as const)('is satisfied by a signature of its own %s key', async (kind) => {
    const { repository, alice } = withSigner(makeKey(kind));
    expect(await verdict(repository, wanted('v1'), [alice])).toBe(digest(A));
  });

  it('is satisfied where the role lists its key as a certificate, and the Secret as well', async () => {
    const plain = makeKey();
    const certified = certify(plain, 'alice', { now: NOW });
    const { repository } = withSigner(certified);
    expect(await verdict(repository, wanted('v1'), [signerOf('alice', plain.pem)])).toBe(digest(A));
    expect(await verdict(repository, wanted('v1'), [signerOf('alice', certified.value.toString('latin1'))])).toBe(
      digest(A),
    );
  });

  it('is missing where its role does not exist', async () => {
    const { repository, alice } = withSigner();
    expect(await verdict(repository, wanted('v1'), [{ ...alice, name: 'bob' }])).toBe(
      'TRUST_SIGNER_MISSING: Signer bob (Secret default/alice) has not signed docker.io/library/nginx: the repository has no role targets/bob.',
    );
  });

  it.each(['__proto__', 'constructor', '../root', ''])('is missing where it is called %s', async (name) => {
    const { repository, alice } = withSigner();
    expect(await verdict(repository, wanted('v1'), [{ ...alice, name }])).toMatch(/^TRUST_SIGNER_MISSING/);
  });

  it('is missing where its key is not the one that the role lists', async () => {
    const { repository } = withSigner();
    expect(await verdict(repository, wanted('v1'), [signerOf('alice', makeKey().pem)])).toMatch(
      /^TRUST_SIGNER_MISSING: .*its key is not among those listed for targets\/alice/,
    );
  });

  it('is missing where its key is listed but another one signed', async () => {
    const { repository, alice } = withSigner();
    const mallory = makeKey();
    repository.draft('targets').delegations.get('targets/alice')?.keys.push(mallory);
    const corruptions = { 'targets/alice': { signers: [mallory] } };
    expect(await verdict(repository, wanted('v1'), [alice], { corruptions })).toMatch(
      /^TRUST_SIGNER_MISSING: .*its key is listed for targets\/alice, but another key signed version 1/,
    );
  });

  it('is missing where its role does not hold the tag', async () => {
    const { repository, alice } = withSigner();
    repository.tag('v2', A, 'targets/releases');
    expect(await verdict(repository, wanted('v2'), [alice])).toMatch(
      /^TRUST_SIGNER_MISSING: .*has not signed the tag v2/,
    );
  });

  it('is missing where its role holds the tag outside of its paths', async () => {
    const { repository, alice } = withSigner();
    repository.draft('targets').delegations.get('targets/alice')?.paths.splice(0, 1, 'v2');
    expect(await verdict(repository, wanted('v1'), [alice])).toMatch(/^TRUST_SIGNER_MISSING/);
  });

  it('is missing where nothing was published in its role', async () => {
    const { repository, alice } = withSigner();
    repository.draft('targets/alice').published = false;
    expect(await verdict(repository, wanted('v1'), [alice])).toMatch(/^TRUST_SIGNER_MISSING: .*nothing was published/);
  });

  it('is in conflict where it signed another digest', async () => {
    const { repository, alice } = withSigner();
    repository.tag('v1', B, 'targets/alice');
    expect(await verdict(repository, wanted('v1'), [alice])).toMatch(
      /^TRUST_DIGEST_CONFLICT: The tag v1 of .* is sha256:aa\w+ in targets\/releases, but sha256:bb\w+ in targets\/alice/,
    );
  });

  it('is refused with the cause where its role cannot be used', async () => {
    const { repository, alice } = withSigner();
    const corruptions = { 'targets/alice': { signers: [makeKey()] } };
    expect(await verdict(repository, wanted('v1'), [alice], { corruptions })).toMatch(
      /^TRUST_SIGNATURE: The role targets\/alice/,
    );
  });

  it('does not stand in for another: all of them must have signed', async () => {
    const repository = fresh();
    const signers = ['alice', 'bob'].map((name) => signerOf(name, repository.addSigner(name).pem));
    repository.tag('v1', A, 'targets/releases', 'targets/alice');
    repository.tag('v0', A, 'targets/bob');
    expect(await verdict(repository, wanted('v1'), signers)).toMatch(/^TRUST_SIGNER_MISSING: Signer bob/);
    expect(await verdict(repository.tag('v1', A, 'targets/bob'), wanted('v1'), signers)).toBe(digest(A));
  });
});

describe('the evidence', () => {
  it('names each role that was relied on, with version, signatures and expiry', async () => {
    const { repository, alice } = withSigner();
    const judged = judge(await look(repository.publish(), { roles: ['targets/alice'] }), wanted('v1'), [alice]);
    const evidence = judged.ok ? judged.value.evidence : [];
    expect(evidence.map(({ subject }) => subject)).toEqual([
      'docker.io/library/nginx',
      'root',
      'timestamp',
      'snapshot',
      'targets',
      'targets/releases',
      'targets/alice',
    ]);
    expect(evidence[6]?.detail).toBe('version 1, signed by 1 (threshold 1), expires 2029-11-23T12:00:00.000Z');
  });
});

describe('k of n signers', () => {
  const three = () => {
    const repository = fresh();
    const names = ['alice', 'bob', 'carol'];
    const signers = names.map((name) => signerOf(name, repository.addSigner(name).pem));
    repository.tag('v1', A, 'targets/releases');
    return { repository, signers };
  };
  const judged = async (
    repository: TestRepository,
    signers: readonly Signer[],
    threshold: number,
    want = wanted('v1'),
  ) => {
    const roles = signers.map(({ name }) => `targets/${name}`);
    const result = judge(await look(repository.publish(), { roles }), want, signers, threshold);
    return result.ok ? result.value : `${result.refusal.code}: ${result.refusal.message}`;
  };

  it('are enough from the k-th on', async () => {
    const { repository, signers } = three();
    for (const [signed, name] of ['alice', 'bob', 'carol'].entries()) {
      for (const threshold of [1, 2, 3]) {
        const verdict = await judged(repository, signers, threshold);
        if (signed >= threshold) expect(verdict).toMatchObject({ digest: digest(A) });
        else expect(verdict).toMatch(new RegExp(`^TRUST_SIGNER_MISSING: ${signed} of ${threshold} keys`));
      }
      repository.tag('v1', A, `targets/${name}`);
    }
    expect(await judged(repository, signers, 3)).toMatchObject({ digest: digest(A) });
  });

  it('are told in the refusal, each with what is amiss', async () => {
    const { repository, signers } = three();
    repository.tag('v1', A, 'targets/alice').tag('v1', B, 'targets/bob');
    const message = await judged(repository, signers, 3);
    expect(message).toContain(
      '1 of 3 keys that must have signed the tag v1 of docker.io/library/nginx did (of 3 signers named).',
    );
    expect(message).toContain(`but sha256:${B} in targets/bob`);
    expect(message).toContain('Signer carol');
  });

  it('need not all have a role, and one without does not count', async () => {
    const { repository, signers } = three();
    repository.tag('v1', A, 'targets/alice', 'targets/bob');
    const dave = signerOf('dave', makeKey().pem);
    expect(await judged(repository, [...signers, dave], 2)).toMatchObject({ digest: digest(A) });
    expect(await judged(repository, [...signers, dave], 3)).toMatch(/the repository has no role targets\/dave/);
  });

  it('must agree under one and the same tag of a digest', async () => {
    const { repository, signers } = three();
    repository.tag('v1', A, 'targets/alice').tag('v2', A, 'targets/releases', 'targets/bob');
    expect(await judged(repository, signers, 2, wanted(undefined, A))).toMatch(/^TRUST_SIGNER_MISSING/);
    repository.tag('v2', A, 'targets/carol');
    expect(await judged(repository, signers, 2, wanted(undefined, A))).toMatchObject({ digest: digest(A) });
  });
});
