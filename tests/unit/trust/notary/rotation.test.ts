import { describe, expect, it } from 'vitest';
import type { RememberedTrust } from '../../../../functions/ports.ts';
import { rememberedOf } from '../../../../functions/trust/notary/update.ts';
import { certify, makeKey } from '../../../support/tuf/key.ts';
import { look, NOW, refusalOf } from '../../../support/tuf/look.ts';
import { filesOf } from '../../../support/tuf/memory.ts';
import { TestRepository } from '../../../support/tuf/repository.ts';

const A = 'aa'.repeat(32);
const GUN = 'docker.io/library/nginx';
const DAY = 24 * 3600 * 1000;
const published = () => new TestRepository({ gun: GUN, now: NOW }).tag('v1', A).publish();
const seen = async (repository: TestRepository): Promise<RememberedTrust> => rememberedOf(await look(repository));
const codeOf = async (repository: TestRepository, options = {}) => (await refusalOf(look(repository, options))).code;

describe('the first root', () => {
  it('must hold a certificate in the name of the repository', async () => {
    for (const commonName of [
      'docker.io/library/other',
      '',
      'DOCKER.IO/library/nginx',
      'docker.io/library/nginx2',
      '*x',
    ])
      expect(await codeOf(new TestRepository({ gun: GUN, now: NOW, commonName }).publish()), commonName).toBe(
        'TRUST_SIGNATURE',
      );
  });

  it('may hold a certificate whose name is a prefix and a star', async () => {
    for (const commonName of ['docker.io/library/*', 'docker.io/*', '*', 'docker.io/library/nginx*', 'docker.io/**'])
      expect(await codeOf(new TestRepository({ gun: GUN, now: NOW, commonName }).publish()), commonName).toBe(
        'trusted',
      );
  });

  const withRootKey = async (key: ReturnType<typeof makeKey>, now = NOW) => {
    const repository = new TestRepository({ gun: GUN, now: NOW });
    repository.roles.root.keys = [key];
    return codeOf(repository.tag('v1', A).publish(), { now });
  };

  it('may not be signed by a plain key', async () => {
    expect(await withRootKey(makeKey())).toBe('TRUST_SIGNATURE');
  });

  it('may not be signed by a certificate that has expired, or begins in more than a day', async () => {
    const until = (notBefore: number, notAfter: number) =>
      withRootKey(certify(makeKey(), GUN, { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }));
    expect(await until(NOW - 2 * DAY, NOW - 1000)).toBe('TRUST_EXPIRED');
    expect(await until(NOW - 2 * DAY, NOW)).toBe('trusted');
    expect(await until(NOW + DAY, NOW + 9 * DAY)).toBe('trusted');
    expect(await until(NOW + DAY + 1000, NOW + 9 * DAY)).toBe('TRUST_EXPIRED');
    expect(await until(NOW + DAY, NOW - DAY)).toBe('TRUST_SIGNATURE');
  });

  it('may not be signed by a CA, nor by a certificate over SHA-1', async () => {
    expect(await withRootKey(certify(makeKey(), GUN, { now: NOW, authority: true }))).toBe('TRUST_SIGNATURE');
    expect(await withRootKey(certify(makeKey('rsa'), GUN, { now: NOW, digest: 'sha1' }))).toBe('TRUST_SIGNATURE');
  });

  it('is signed by one leaf and the CAs that follow it', async () => {
    const authority = makeKey();
    const issuer = { commonName: 'CA', privateKey: authority.privateKey };
    const ca = (options: object) => {
      const pem = certify(authority, 'CA', { now: NOW, authority: true, ...options }).value.toString('latin1');
      return Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
    };
    const chained = (...chain: Buffer[]) => withRootKey(certify(makeKey(), GUN, { now: NOW, issuer, chain }));
    expect(await chained(ca({}))).toBe('trusted');
    expect(await chained(ca({}), ca({}))).toBe('trusted');
    expect(await chained(ca({ authority: false }))).toBe('TRUST_SIGNATURE');
    expect(await chained(ca({ notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) }))).toBe(
      'TRUST_SIGNATURE',
    );
  });

  it('ends with its certificates, where they end before its own expiry', async () => {
    const repository = new TestRepository({ gun: GUN, now: NOW });
    repository.roles.root.keys = [
      certify(makeKey(), GUN, { notBefore: new Date(NOW - DAY), notAfter: new Date(NOW + DAY) }),
    ];
    const facts = await look(repository.publish());
    expect(facts.expires).toBe(NOW + DAY);
    expect(await codeOf(repository, { previous: facts, now: NOW + DAY + 1000 })).toBe('TRUST_EXPIRED');
  });
});

describe('a root after the one that is remembered', () => {
  it('is followed when old and new keys sign it', async () => {
    const repository = published();
    const remembered = await seen(repository);
    repository.rotateRoot().publish();
    const facts = await look(repository, { remembered });
    expect(facts.root).toMatchObject({ version: 2, keyIds: new Set([repository.roles.root.keys[0]?.id]) });
  });

  it('is followed step by step over many rotations, some of them expired', async () => {
    const repository = published();
    const remembered = await seen(repository);
    repository.draft('root').expires = new Date(NOW - DAY);
    repository.rotateRoot().publish().rotateRoot().publish();
    repository.draft('root').expires = new Date(NOW + DAY);
    repository.rotateRoot().publish();
    const files = filesOf(repository);
    expect((await look(repository, { remembered, files })).root.version).toBe(4);
    expect(files.asked.filter((name) => name.endsWith('.root'))).toEqual(['1.root', '2.root', '3.root']);
  });

  it('is refused when it has expired itself', async () => {
    const repository = published();
    const remembered = await seen(repository);
    repository.draft('root').expires = new Date(NOW - DAY);
    expect(await codeOf(repository.rotateRoot().publish(), { remembered })).toBe('TRUST_EXPIRED');
  });

  it('is refused, naming both keys, when the old ones did not sign it', async () => {
    const repository = published();
    const remembered = await seen(repository);
    const old = repository.roles.root.keys[0]?.id;
    repository.rotateRoot();
    const [key] = repository.roles.root.keys;
    repository.publish({ root: { signers: key === undefined ? [] : [key] } });
    const { code, message } = await refusalOf(look(repository, { remembered }));
    expect(code).toBe('TRUST_ROOT_CHANGED');
    expect(message).toContain(String(old));
    expect(message).toContain(String(key?.id));
  });

  it('is refused when it does not sign itself', async () => {
    const repository = published();
    const remembered = await seen(repository);
    const old = repository.roles.root.keys;
    expect(await codeOf(repository.rotateRoot().publish({ root: { signers: old } }), { remembered })).toBe(
      'TRUST_SIGNATURE',
    );
  });

  it('is refused when fewer old keys signed it than the old threshold says', async () => {
    const repository = new TestRepository({ gun: GUN, now: NOW }).tag('v1', A);
    const keys = [repository.makeRootKey(), repository.makeRootKey()];
    repository.roles.root = { keys, threshold: 2 };
    const remembered = await seen(repository.publish());
    repository.roles.root = { keys: keys.slice(0, 1), threshold: 1 };
    expect(await codeOf(repository.publish({}, ['root', 'targets']), { remembered })).toBe('TRUST_ROOT_CHANGED');
  });

  it('is refused at the same version with other keys: another repository took its place', async () => {
    const remembered = await seen(published());
    const { code, message } = await refusalOf(look(published(), { remembered }));
    expect(code).toBe('TRUST_ROOT_CHANGED');
    expect(message).toContain(remembered.rootKeyIds[0]);
  });

  it('is refused with an older version of itself', async () => {
    const repository = published();
    const first = repository.files.get('root');
    repository.publish({}, ['root', 'targets']);
    const remembered = await seen(repository);
    if (first !== undefined) repository.files.set('root', first);
    expect(await codeOf(repository, { remembered })).toBe('TRUST_ROLLBACK');
  });

  it('is refused when a version between is missing, signed by others, or of another number', async () => {
    const between = async (spoil: (repository: TestRepository) => void) => {
      const repository = published();
      const remembered = await seen(repository);
      repository.rotateRoot().publish().rotateRoot().publish();
      spoil(repository);
      return codeOf(repository, { remembered });
    };
    const replace = (repository: TestRepository, to: string, from: Buffer | undefined) =>
      repository.files.set(to, from ?? Buffer.alloc(0));
    expect(await between(() => undefined)).toBe('trusted');
    expect(await between((repository) => repository.files.delete('2.root'))).toBe('TRUST_ROOT_CHANGED');
    expect(await between((repository) => replace(repository, '2.root', published().files.get('root')))).toBe(
      'TRUST_ROOT_CHANGED',
    );
    expect(await between((repository) => replace(repository, '2.root', repository.files.get('1.root')))).toBe(
      'TRUST_INCONSISTENT',
    );
  });

  it('is refused when the remembered version is not on the server, or is not what was seen', async () => {
    const repository = published();
    const remembered = await seen(repository);
    repository.rotateRoot().publish();
    repository.files.set('1.root', published().files.get('root') ?? Buffer.alloc(0));
    expect(await codeOf(repository, { remembered })).toBe('TRUST_ROOT_CHANGED');
    repository.files.delete('1.root');
    expect(await codeOf(repository, { remembered })).toBe('TRUST_ROOT_CHANGED');
  });

  it('is refused where a revoked key signs a root behind the rotation that dropped it', async () => {
    const repository = published();
    const remembered = await seen(repository);
    const [stolen] = repository.roles.root.keys;
    repository.rotateRoot().publish();
    repository.rotateRoot(stolen === undefined ? [] : [stolen]);
    repository.publish({ root: { signers: stolen === undefined ? [] : [stolen] } });
    expect(await codeOf(repository, { remembered })).toBe('TRUST_ROOT_CHANGED');
  });

  it('is not followed for more versions than the limit', async () => {
    const repository = published();
    const remembered = await seen(repository);
    repository.draft('root').version = 1000;
    expect(await codeOf(repository.rotateRoot().publish(), { remembered })).toBe('TRUST_TOO_LARGE');
  });
});
