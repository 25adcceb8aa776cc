import type { KeyObject, KeyPairKeyObjectResult } from 'node:crypto';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { keyId } from '../../../functions/trust/notary/keys.ts';
import { writePem } from '../../../functions/trust/notary/pem.ts';
import { makeCertificate } from './x509.ts';

/** Kinds of keys a test can make. */
export type TestKeyKind = 'ecdsa' | 'ecdsa-p384' | 'ecdsa-p521' | 'rsa' | 'ed25519';

/** A key pair as Notary files it: how it stands in a role file, and how it signs. */
export interface TestKey {
  readonly id: string;
  readonly keytype: string;
  /** `keyval.public` before base64. */
  readonly value: Buffer;
  readonly method: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** PEM of the public key, as it stands in a signer Secret. */
  readonly pem: string;
  /** Signature over a message in Notary's form. */
  sign(message: Uint8Array): Buffer;
}

const generate = (kind: TestKeyKind): KeyPairKeyObjectResult => {
  switch (kind) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'ecdsa-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ecdsa-p521':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'ecdsa':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  }
};

const SIGNING = {
  ec: (message: Uint8Array, key: KeyObject) => sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }),
  rsa: (message: Uint8Array, key: KeyObject) =>
    sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ed25519: (message: Uint8Array, key: KeyObject) => sign(null, message, key),
} as const;
const METHODS = { ec: 'ecdsa', rsa: 'rsapss', ed25519: 'eddsa' } as const;

const family = (key: KeyObject): keyof typeof METHODS => {
  const type = key.asymmetricKeyType;
  return type === 'rsa' || type === 'ed25519' ? type : 'ec';
};

const build = (pair: KeyPairKeyObjectResult, keytype: string, value: Buffer): TestKey => {
  const kind = family(pair.publicKey);
  return {
    id: keyId(keytype, value),
    keytype,
    value,
    method: METHODS[kind],
    publicKey: pair.publicKey,
    privateKey: pair.privateKey,
    pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    sign: (message) => SIGNING[kind](message, pair.privateKey),
  };
};

/** Makes a key that stands as a plain public key. */
export function makeKey(kind: TestKeyKind = 'ecdsa'): TestKey {
  const pair = generate(kind);
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
  if (kind === 'ed25519') return build(pair, 'ed25519', spki.subarray(-32));
  return build(pair, kind === 'rsa' ? 'rsa' : 'ecdsa', spki);
}

/** How the certificate of an X.509 key differs from the usual: self-signed, valid ten years, no CA. */
export interface CertificateOptions {
  readonly now?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly authority?: boolean;
  readonly digest?: 'sha256' | 'sha1';
  /** A CA that signs instead of the key itself. */
  readonly issuer?: { readonly commonName: string; readonly privateKey: KeyObject };
  /** Certificates that follow the leaf, DER. */
  readonly chain?: readonly Buffer[];
}

const YEAR = 365 * 24 * 3600 * 1000;

/** The same key pair in its X.509 form: its value is a PEM certificate with this common name, as Notary makes root keys. */
export function certify(key: TestKey, commonName: string, options: CertificateOptions = {}): TestKey {
  const now = options.now ?? Date.now();
  const der = makeCertificate({
    commonName,
    publicKey: key.publicKey,
    issuer: options.issuer ?? { commonName, privateKey: key.privateKey },
    notBefore: options.notBefore ?? new Date(now - 3600 * 1000),
    notAfter: options.notAfter ?? new Date(now + 10 * YEAR),
    authority: options.authority ?? false,
    digest: options.digest ?? 'sha256',
  });
  const blocks = [der, ...(options.chain ?? [])].map((bytes) => ({ label: 'CERTIFICATE', bytes }));
  const keytype = family(key.publicKey) === 'rsa' ? 'rsa-x509' : 'ecdsa-x509';
  return build(key, keytype, Buffer.from(writePem(blocks), 'latin1'));
}
