import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../../functions/trust/notary/certificate.ts';
import { usableKey } from '../../../../functions/trust/notary/keys.ts';
import type { RootPins } from '../../../../functions/trust/notary/pins.ts';
import { rememberedOf } from '../../../../functions/trust/notary/update.ts';
import { certify, makeKey, type TestKey } from '../../../support/tuf/key.ts';
import { look, NOW, refusalOf } from '../../../support/tuf/look.ts';
import { TestRepository } from '../../../support/tuf/repository.ts';

const GUN = 'docker.io/library/nginx';
const DAY = 24 * 3600 * 1000;
const none: RootPins = { keyIds: new Set(), fingerprints: new Set(), authorities: [] };
const derOf = (key: TestKey): Buffer =>
  Buffer.from(key.value.toString('latin1').split('\n').slice(1, -2).join(''), 'base64');
const certificateOf = (key: TestKey) => {
  const certificate = parseCertificate(derOf(key));
  if (certificate === undefined) throw new Error('a test certificate is one');
  return certificate;
};
const withRoot = (...keys: TestKey[]) => {
  const repository = new TestRepository({ gun: GUN, now: NOW });
  repository.roles.root.keys = keys;
  return repository.publish();
};
const codeOf = async (repository: TestRepository, pins: RootPins, options = {}) =>
  (await refusalOf(look(repository, { pins, ...options }))).code;
const rootKey = (options = {}) => certify(makeKey(), GUN, { now: NOW, ...options });

describe('a pinned root', () => {
  it('is one whose key ID is named', async () => {
    const key = rootKey();
    expect(await codeOf(withRoot(key), { ...none, keyIds: new Set([key.id]) })).toBe('trusted');
  });

  it('is one whose public key is named, in whatever certificate', async () => {
    const key = rootKey();
    const fingerprint = usableKey({ type: key.keytype, id: key.id, value: key.value })?.fingerprint ?? '';
    expect(await codeOf(withRoot(key), { ...none, fingerprints: new Set([fingerprint]) })).toBe('trusted');
  });

  it('is no other, and the refusal names the keys that were seen', async () => {
    const key = rootKey();
    const refusal = await refusalOf(look(withRoot(key), { pins: { ...none, keyIds: new Set(['ab'.repeat(32)]) } }));
    expect(refusal.code).toBe('TRUST_ROOT_UNPINNED');
    expect(refusal.message).toContain(key.id);
    expect(await codeOf(withRoot(key), none)).toBe('TRUST_ROOT_UNPINNED');
  });

  it('must be signed to its threshold by pinned keys alone', async () => {
    const [pinned, other] = [rootKey(), rootKey()];
    const repository = new TestRepository({ gun: GUN, now: NOW });
    repository.roles.root = { keys: [pinned, other], threshold: 2 };
    expect(await codeOf(repository.publish(), { ...none, keyIds: new Set([pinned.id]) })).toBe('TRUST_SIGNATURE');
    expect(await codeOf(repository, { ...none, keyIds: new Set([pinned.id, other.id]) })).toBe('trusted');
  });

  it('is looked at again with every update', async () => {
    const key = rootKey();
    const repository = withRoot(key);
    const previous = await look(repository);
    expect(await codeOf(repository, { ...none, keyIds: new Set(['ab'.repeat(32)]) }, { previous })).toBe(
      'TRUST_ROOT_UNPINNED',
    );
  });

  it('must follow from the remembered one as well', async () => {
    const [old, key] = [rootKey(), rootKey()];
    const remembered = rememberedOf(await look(withRoot(old)));
    expect(await codeOf(withRoot(key), { ...none, keyIds: new Set([key.id]) }, { remembered })).toBe(
      'TRUST_ROOT_CHANGED',
    );
  });
});

describe('a root pinned to a CA', () => {
  const authority = (name: string, options = {}) => {
    const key = makeKey();
    return { key, certificate: certify(key, name, { now: NOW, authority: true, ...options }) };
  };
  const pinTo = (...authorities: TestKey[]): RootPins => ({ ...none, authorities: authorities.map(certificateOf) });

  it('has a certificate that the CA issued', async () => {
    const ca = authority('CA');
    const key = rootKey({ issuer: { commonName: 'CA', privateKey: ca.key.privateKey } });
    expect(await codeOf(withRoot(key), pinTo(ca.certificate))).toBe('trusted');
    expect(await codeOf(withRoot(rootKey()), pinTo(ca.certificate))).toBe('TRUST_ROOT_UNPINNED');
  });

  it('may have certificates between', async () => {
    const [ca, between] = [authority('CA'), makeKey()];
    const issued = certify(between, 'between', {
      now: NOW,
      authority: true,
      issuer: { commonName: 'CA', privateKey: ca.key.privateKey },
    });
    const issuer = { commonName: 'between', privateKey: between.privateKey };
    expect(await codeOf(withRoot(rootKey({ issuer, chain: [derOf(issued)] })), pinTo(ca.certificate))).toBe('trusted');
    expect(await codeOf(withRoot(rootKey({ issuer })), pinTo(ca.certificate))).toBe('TRUST_ROOT_UNPINNED');
  });

  it('does not follow a CA of the same name with another key', async () => {
    const [ca, impostor] = [authority('CA'), authority('CA')];
    const key = rootKey({ issuer: { commonName: 'CA', privateKey: impostor.key.privateKey } });
    expect(await codeOf(withRoot(key), pinTo(ca.certificate))).toBe('TRUST_ROOT_UNPINNED');
  });

  it('does not follow a CA that has expired, nor one that is none', async () => {
    for (const options of [
      { notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) },
      { authority: false },
    ]) {
      const ca = authority('CA', options);
      const key = rootKey({ issuer: { commonName: 'CA', privateKey: ca.key.privateKey } });
      expect(await codeOf(withRoot(key), pinTo(ca.certificate))).toBe('TRUST_ROOT_UNPINNED');
    }
  });
});
