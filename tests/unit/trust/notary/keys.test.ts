import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyId, parsePublicKey, publicKeyOf, usableKey } from '../../../../functions/trust/notary/keys.ts';
import { certify, makeKey, type TestKey } from '../../../support/tuf/key.ts';

const asTuf = (key: TestKey) => ({ type: key.keytype, id: key.id, value: key.value });

describe('a key ID', () => {
  it('is the SHA-256 of the canonical JSON of type and value, with a private part that is null', () => {
    const value = Buffer.from('abc');
    const json = '{"keytype":"ecdsa","keyval":{"private":null,"public":"YWJj"}}';
    expect(keyId('ecdsa', value)).toBe(createHash('sha256').update(json).digest('hex'));
  });

  it('differs between the plain and the X.509 form of one key, while the fingerprint does not', () => {
    const plain = makeKey();
    const certified = certify(plain, 'docker.io/library/x');
    expect(certified.id).not.toBe(plain.id);
    expect(usableKey(asTuf(certified))?.fingerprint).toBe(usableKey(asTuf(plain))?.fingerprint);
  });
});

describe('a key of a role', () => {
  it.each(['ecdsa', 'ecdsa-p384', 'ecdsa-p521', 'rsa', 'ed25519'] as const)('can be an %s key', (kind) => {
    const key = makeKey(kind);
    expect(usableKey(asTuf(key))?.kind).toBe(kind.split('-')[0]);
  });

  it.each(['ecdsa', 'rsa'] as const)('can be a certificate of an %s key', (kind) => {
    expect(usableKey(asTuf(certify(makeKey(kind), 'x')))?.kind).toBe(kind);
  });

  it('is of no use where type and value do not fit together', () => {
    const [ecdsa, rsa, edwards] = [makeKey(), makeKey('rsa'), makeKey('ed25519')];
    const types = ['ecdsa', 'rsa', 'ed25519', 'ecdsa-x509', 'rsa-x509', 'rot13', '', '__proto__'];
    for (const key of [ecdsa, rsa, edwards])
      for (const type of types.filter((one) => one !== key.keytype))
        expect(usableKey({ ...asTuf(key), type }), `${key.keytype} as ${type}`).toBeUndefined();
    expect(usableKey({ ...asTuf(certify(ecdsa, 'x')), type: 'rsa-x509' })).toBeUndefined();
  });

  it('is of no use with an RSA modulus below 2048 bits', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(publicKeyOf(publicKey.export({ format: 'der', type: 'spki' }))).toBeUndefined();
  });

  it('is of no use on a curve that Go does not know', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    expect(publicKeyOf(publicKey.export({ format: 'der', type: 'spki' }))).toBeUndefined();
  });

  it('is of no use when it is restricted to RSASSA-PSS', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(publicKeyOf(publicKey.export({ format: 'der', type: 'spki' }))).toBeUndefined();
  });

  it('is of no use with bytes after it', () => {
    const { value } = makeKey();
    expect(publicKeyOf(Buffer.concat([value, Buffer.from([0])]))).toBeUndefined();
  });
});

describe('the public key of a signer Secret', () => {
  it.each(['ecdsa', 'rsa', 'ed25519'] as const)('is read from PEM, for %s', (kind) => {
    const key = makeKey(kind);
    const parsed = parsePublicKey(key.pem);
    expect(parsed.ok && parsed.value.fingerprint).toBe(usableKey(asTuf(key))?.fingerprint);
  });

  it('is read from a certificate, and with the line ends of any system', () => {
    const key = certify(makeKey(), 'x');
    const parsed = parsePublicKey(`\r\n${key.value.toString('latin1').replaceAll('\n', '\r\n')}\r\n`);
    expect(parsed.ok && parsed.value.fingerprint).toBe(usableKey(asTuf(key))?.fingerprint);
  });

  it.each([
    ['nothing', ''],
    ['no PEM', 'ssh-ed25519 AAAA'],
    ['a private key', makeKey().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['two keys', makeKey().pem + makeKey().pem],
    ['a broken key', makeKey().pem.replace(/M/, '-')],
    ['an empty block', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n'],
  ])('is refused where there is %s', (_, pem) => {
    const parsed = parsePublicKey(pem);
    expect(!parsed.ok && parsed.refusal.code).toBe('SIGNER_SECRET_INVALID');
  });

  it('is not repeated in the refusal', () => {
    const pem = makeKey().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const parsed = parsePublicKey(pem);
    expect(!parsed.ok && parsed.refusal.message).not.toContain(pem.slice(30, 60));
  });
});
