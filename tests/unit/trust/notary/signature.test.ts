import { constants, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PublicKey } from '../../../../functions/trust/notary/keys.ts';
import { keyId, usableKey } from '../../../../functions/trust/notary/keys.ts';
import type { Envelope, RoleKeys } from '../../../../functions/trust/notary/metadata.ts';
import { verifySignature, verifyThreshold } from '../../../../functions/trust/notary/signature.ts';
import { certify, makeKey, type TestKey } from '../../../support/tuf/key.ts';

const message = Buffer.from('{"a":1}');
const publicOf = (key: TestKey): PublicKey => {
  const usable = usableKey({ type: key.keytype, id: key.id, value: key.value });
  if (usable === undefined) throw new Error('a test key is usable');
  return usable;
};
const holds = (key: TestKey, method: string, value: Buffer, over = message) =>
  verifySignature(publicOf(key), over, { keyId: key.id, method, value });

describe('a signature', () => {
  it.each(['ecdsa', 'ecdsa-p384', 'ecdsa-p521', 'rsa', 'ed25519'] as const)(
    'by an %s key holds over its message alone',
    (kind) => {
      const key = makeKey(kind);
      const value = key.sign(message);
      expect(holds(key, key.method, value)).toBe(true);
      expect(holds(key, key.method, value, Buffer.from('{"a":2}'))).toBe(false);
      expect(holds(makeKey(kind), key.method, value)).toBe(false);
    },
  );

  it('by RSA may be of PKCS #1 v1.5, under its own name only', () => {
    const key = makeKey('rsa');
    const value = sign('sha256', message, key.privateKey);
    expect(holds(key, 'rsapkcs1v15', value)).toBe(true);
    expect(holds(key, 'rsapss', value)).toBe(false);
    expect(holds(key, 'rsapkcs1v15', key.sign(message))).toBe(false);
  });

  it('by RSA-PSS has a salt of 32 bytes', () => {
    const key = makeKey('rsa');
    const salted = (saltLength: number) =>
      sign('sha256', message, { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    expect(holds(key, 'rsapss', salted(32))).toBe(true);
    expect(holds(key, 'rsapss', salted(20))).toBe(false);
    expect(holds(key, 'rsapss', salted(0))).toBe(false);
  });

  it('is over SHA-256 and no other digest', () => {
    const key = makeKey('ecdsa-p384');
    expect(holds(key, 'ecdsa', sign('sha384', message, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }))).toBe(
      false,
    );
    const rsa = makeKey('rsa');
    expect(holds(rsa, 'rsapkcs1v15', sign('sha512', message, rsa.privateKey))).toBe(false);
  });

  it('is refused when its method belongs to another kind of key', () => {
    for (const kind of ['ecdsa', 'rsa', 'ed25519'] as const) {
      const key = makeKey(kind);
      const methods = ['ecdsa', 'rsapss', 'rsapkcs1v15', 'eddsa', 'pycrypto-pkcs#1 pss', '', 'none', 'constructor'];
      for (const method of methods.filter((one) => one !== key.method))
        expect(holds(key, method, key.sign(message)), method).toBe(false);
    }
  });

  it('by ECDSA is r and s side by side, never DER', () => {
    const key = makeKey();
    expect(holds(key, 'ecdsa', sign('sha256', message, key.privateKey))).toBe(false);
  });

  it('by ECDSA holds with s in its high half as well, as in Go', () => {
    const key = makeKey();
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const value = key.sign(message);
    const s = BigInt(`0x${value.subarray(32).toString('hex')}`);
    const other = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
    expect(holds(key, 'ecdsa', Buffer.concat([value.subarray(0, 32), other]))).toBe(true);
  });

  it('by ECDSA is refused with r or s of zero, beyond the order, or of another length', () => {
    const key = makeKey();
    const value = key.sign(message);
    const [r, s] = [value.subarray(0, 32), value.subarray(32)];
    const [zero, ones] = [Buffer.alloc(32), Buffer.alloc(32, 0xff)];
    for (const bad of [
      [zero, s],
      [r, zero],
      [zero, zero],
      [ones, s],
      [r, ones],
      [Buffer.from([0]), value],
      [value, Buffer.from([0])],
      [value.subarray(1)],
      [],
    ])
      expect(holds(key, 'ecdsa', Buffer.concat(bad))).toBe(false);
  });
});

const roleOf = (keys: readonly TestKey[], threshold: number): RoleKeys => ({
  keys: new Map(keys.map((key) => [key.id, { type: key.keytype, id: key.id, value: key.value }])),
  threshold,
});
const envelopeOf = (signatures: readonly (readonly [TestKey, Buffer?])[]): Envelope => ({
  signed: {},
  message,
  signatures: signatures.map(([key, value]) => ({
    keyId: key.id,
    method: key.method,
    value: value ?? key.sign(message),
  })),
});

describe('a threshold', () => {
  const [one, two] = [makeKey(), makeKey('ed25519')];

  it('is met by as many distinct keys', () => {
    expect([...verifyThreshold(envelopeOf([[one], [two]]), roleOf([one, two], 2), 'targets')]).toEqual([
      one.id,
      two.id,
    ]);
  });

  it('is not met by one key that signs twice', () => {
    expect(() => verifyThreshold(envelopeOf([[one], [one]]), roleOf([one, two], 2), 'targets')).toThrow(
      /signed by 1 of its 2 keys; 2 must sign/,
    );
  });

  it('is not met by one public key in its plain and its X.509 form', () => {
    const certified = certify(one, 'x');
    expect(() => verifyThreshold(envelopeOf([[one], [certified]]), roleOf([one, certified], 2), 'targets')).toThrow(
      /signed by 1/,
    );
  });

  it('is not met by the signature of a key that the role does not list', () => {
    expect(() => verifyThreshold(envelopeOf([[two]]), roleOf([one], 1), 'targets')).toThrow(/signed by 0/);
  });

  it('is met in spite of worthless signatures before and after', () => {
    const envelope = envelopeOf([[one, Buffer.alloc(64, 1)], [makeKey()], [one], [one, Buffer.alloc(0)]]);
    expect([...verifyThreshold(envelope, roleOf([one], 1), 'targets')]).toEqual([one.id]);
  });

  it('names every key that signed, beyond the threshold too', () => {
    expect(verifyThreshold(envelopeOf([[one], [two]]), roleOf([one, two], 1), 'targets').size).toBe(2);
  });

  it('refuses the whole role where a signature is by a key filed under an ID that is not its own', () => {
    const alias = 'ab'.repeat(32);
    const keys = new Map([...roleOf([one, two], 1).keys, [alias, { type: one.keytype, id: one.id, value: one.value }]]);
    const envelope = envelopeOf([[two]]);
    const forged = {
      ...envelope,
      signatures: [...envelope.signatures, { keyId: alias, method: 'ecdsa', value: one.sign(message) }],
    };
    expect(() => verifyThreshold(forged, { keys, threshold: 1 }, 'targets')).toThrow(/listed as abab/);
    expect(keyId(one.keytype, one.value)).toBe(one.id);
  });
});
