import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../functions/trust/notary/certificate.ts';
import { readElement } from '../../functions/trust/notary/der.ts';
import { certificatesOf, parsePublicKey, publicKeyOf } from '../../functions/trust/notary/keys.ts';
import { readPem, writePem } from '../../functions/trust/notary/pem.ts';
import { verifySignature } from '../../functions/trust/notary/signature.ts';
import { certify, makeKey } from '../support/tuf/key.ts';

const cubeRoot = (value: bigint): bigint => {
  let [low, high] = [0n, 1n << 1024n];
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (middle ** 3n <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
};

describe('forged signatures', () => {
  it('by the cube root against an RSA key of exponent 3 are refused', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
    const key = publicKeyOf(publicKey.export({ format: 'der', type: 'spki' }));
    if (key === undefined) throw new Error('an exponent of 3 is allowed');
    const message = Buffer.from('{}');
    const info = Buffer.concat([
      Buffer.from('0001ffffffffffffffffffff00', 'hex'),
      Buffer.from('3031300d060960864801650304020105000420', 'hex'),
      createHash('sha256').update(message).digest(),
    ]);
    for (const filler of [0x00, 0xff]) {
      const padded = Buffer.concat([info, Buffer.alloc(256 - info.length, filler)]);
      const root = cubeRoot(BigInt(`0x${padded.toString('hex')}`));
      const value = Buffer.from(root.toString(16).padStart(512, '0'), 'hex');
      expect((root ** 3n).toString(16).padStart(512, '0').startsWith(info.subarray(0, 40).toString('hex'))).toBe(true);
      expect(verifySignature(key, message, { keyId: '', method: 'rsapkcs1v15', value })).toBe(false);
    }
  });

  it('of odd lengths never throw', () => {
    for (const kind of ['ecdsa', 'rsa', 'ed25519'] as const) {
      const own = makeKey(kind);
      const key = publicKeyOf(own.publicKey.export({ format: 'der', type: 'spki' }));
      if (key === undefined) throw new Error('a test key is usable');
      for (const length of [0, 1, 31, 63, 64, 65, 255, 256, 257, 100_000])
        expect(
          verifySignature(key, Buffer.from('{}'), { keyId: '', method: own.method, value: Buffer.alloc(length, 1) }),
        ).toBe(false);
    }
  });

  it('by an RSA key of exponent 1 are refused with their key', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const at = spki.lastIndexOf(Buffer.from('0203010001', 'hex'));
    for (const exponent of ['0203000001', '0203010000', '0203000002'])
      expect(publicKeyOf(Buffer.concat([spki.subarray(0, at), Buffer.from(exponent, 'hex')]))).toBeUndefined();
  });

  it('by an RSA key above 8192 bits cost no time, for the key is refused', () => {
    const keyOf = (bytes: number) => {
      const jwk = { kty: 'RSA', n: Buffer.alloc(bytes, 0xff).toString('base64url'), e: 'AQAB' };
      return publicKeyOf(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }));
    };
    expect(keyOf(1024)?.signatureLength).toBe(1024);
    expect(keyOf(1025)).toBeUndefined();
    expect(keyOf(255)).toBeUndefined();
  });
});

describe('a point of an elliptic curve', () => {
  const { value } = makeKey();

  it('must lie on the curve', () => {
    const bent = Buffer.from(value);
    bent[value.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    expect(publicKeyOf(bent)).toBeUndefined();
  });

  it('must be written in full, as Go reads it', () => {
    const prefix = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
    const odd = (value.at(-1) ?? 0) & 1;
    expect(publicKeyOf(Buffer.concat([prefix, Buffer.from([2 + odd]), value.subarray(27, 59)]))).toBeUndefined();
    const hybrid = Buffer.from(value);
    hybrid[26] = 6 + odd;
    expect(publicKeyOf(hybrid)).toBeUndefined();
  });
});

describe('malformed DER', () => {
  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['an indefinite length', '3080'],
    ['a length that is not minimal', '308103020100'],
    ['a length with a leading zero', '30820003020100'],
    ['a length of five bytes', '308501000000ff'],
    ['a length beyond the end', '3005020100'],
    ['a high tag number', '1f8101'],
  ])('is no element: %s', (_, hex) => {
    expect(readElement(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  it('is no certificate, whichever byte of one is changed or cut', () => {
    const pem = certify(makeKey(), 'docker.io/library/x').value;
    const der = readPem(pem.toString('latin1'))?.[0]?.bytes ?? Buffer.alloc(0);
    expect(parseCertificate(der)?.commonName).toBe('docker.io/library/x');
    for (let length = 0; length < der.length; length += 1)
      expect(parseCertificate(der.subarray(0, length))).toBeUndefined();
    for (let at = 0; at < der.length; at += 1) {
      const bent = Buffer.from(der);
      bent[at] = (bent[at] ?? 0) ^ 0xff;
      expect(() => parseCertificate(bent)).not.toThrow();
    }
    expect(parseCertificate(Buffer.concat([der, Buffer.from([0])]))).toBeUndefined();
  });
});

describe('malformed PEM', () => {
  const good = certify(makeKey(), 'x').value.toString('latin1');

  it.each([
    ['nothing', ''],
    ['a block without an end', good.replace('-----END CERTIFICATE-----', '')],
    ['another label at the end', good.replace('-----END CERTIFICATE', '-----END PUBLIC KEY')],
    ['headers', good.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n')],
    ['base64 that is none', good.replace(/\n\w/, '\n%')],
    ['a key between', good + makeKey().pem],
    ['too many blocks', good.repeat(17)],
  ])('gives no certificates: %s', (_, text) => {
    expect(certificatesOf(Buffer.from(text, 'latin1'))).toBeUndefined();
  });

  it('is read in time that grows with its length only', () => {
    for (const text of [
      '-----BEGIN '.repeat(100_000),
      `-----BEGIN ${'-'.repeat(1_000_000)}`,
      `-----BEGIN A-----${'\n'.repeat(1_000_000)}`,
    ])
      expect(parsePublicKey(text).ok).toBe(false);
  });

  it('is written as it is read', () => {
    const blocks = [0, 1, 47, 48, 49, 200].map((length) => ({ label: 'CERTIFICATE', bytes: randomBytes(length) }));
    expect(readPem(writePem(blocks))).toEqual(blocks);
  });
});
