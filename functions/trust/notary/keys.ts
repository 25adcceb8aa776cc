import type { KeyObject } from 'node:crypto';
import { createPublicKey, hash } from 'node:crypto';
import type { Result } from '../../codes.ts';
import { accept, refuse } from '../../codes.ts';
import { LIMITS } from '../../limits.ts';
import { readOnce } from '../../once.ts';
import { canonicalBytes } from './canonical.ts';
import type { Certificate } from './certificate.ts';
import { parseCertificate } from './certificate.ts';
import type { PemBlock } from './pem.ts';
import { readPem, writePem } from './pem.ts';

/** A key as a role file holds it. */
export interface TufKey {
  /** `ecdsa`, `ecdsa-x509`, `rsa`, `rsa-x509`, `ed25519`, or what else the file says. */
  readonly type: string;
  /** Recomputed from the content (lower-case hex), never the name it is filed under. */
  readonly id: string;
  /** DER of a public key, PEM of certificates, or 32 raw bytes, by type. */
  readonly value: Buffer;
}

/** A public key that signatures can be checked with. */
export interface PublicKey {
  readonly kind: 'ecdsa' | 'rsa' | 'ed25519';
  readonly object: KeyObject;
  /** Bytes of a signature by this key in Notary's form. */
  readonly signatureLength: number;
  /** SHA-256 (hex) of the SubjectPublicKeyInfo: the same for the plain and the X.509 form of one key. */
  readonly fingerprint: string;
}

const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** Key ID as Notary computes it: SHA-256 (hex) of the canonical JSON of type and value. */
export function keyId(type: string, value: Uint8Array): string {
  const text = Buffer.from(value).toString('base64');
  return sha256(canonicalBytes({ keytype: type, keyval: { private: null, public: text } }));
}

// SubjectPublicKeyInfo of the four curves Go knows up to the 04 of an uncompressed point, and the bytes of one coordinate.
const CURVES: readonly (readonly [prefix: string, octets: number])[] = [
  ['304e301006072a8648ce3d020106052b81040021033a0004', 28],
  ['3059301306072a8648ce3d020106082a8648ce3d03010703420004', 32],
  ['3076301006072a8648ce3d020106052b8104002203620004', 48],
  ['30819b301006072a8648ce3d020106052b810400230381860004', 66],
];
const RSA_ALGORITHM = '300d06092a864886f70d0101010500';
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_BYTES = 32;
/** Go refuses larger public exponents, and 1. */
const RSA_EXPONENT_MAX = 2n ** 31n - 1n;

/** Values whose reading is kept: those of a few chains under way, where each is asked for several times. What is cached of a repository must not hold its parsed keys and certificates. */
const KEPT = 64;
/** Bytes of the largest key that is taken: its modulus, and what stands around it. What is kept is bounded by it. */
const SPKI_BYTES = LIMITS.rsaBits.max / 8 + 64;
/** Keys that are kept, some 2 kB each: some sign many repositories. */
const KEYS = 256;

/** From PEM (RFC 7468), the one form of a key that Node (24) takes without making an error first. */
const objectOfPem = readOnce((pem: string): KeyObject | undefined => {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}, KEYS);

const objectOf = (spki: Buffer): KeyObject | undefined =>
  spki.length > SPKI_BYTES ? undefined : objectOfPem(writePem([{ label: 'PUBLIC KEY', bytes: spki }]));

const ecdsaFrom = (spki: Buffer): PublicKey | undefined => {
  const hex = spki.subarray(0, 32).toString('hex');
  const curve = CURVES.find(
    ([prefix, octets]) => hex.startsWith(prefix) && spki.length === prefix.length / 2 + 2 * octets,
  );
  const object = curve === undefined ? undefined : objectOf(spki);
  if (curve === undefined || object === undefined) return undefined;
  return { kind: 'ecdsa', object, signatureLength: 2 * curve[1], fingerprint: sha256(spki) };
};

const rsaFrom = (spki: Buffer): PublicKey | undefined => {
  if (!spki.subarray(0, 24).toString('hex').includes(RSA_ALGORITHM)) return undefined;
  const object = objectOf(spki);
  if (object?.asymmetricKeyType !== 'rsa' || !object.export({ format: 'der', type: 'spki' }).equals(spki))
    return undefined;
  const { modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {};
  const fits = modulusLength >= LIMITS.rsaBits.min && modulusLength <= LIMITS.rsaBits.max;
  if (!fits || publicExponent < 3n || publicExponent > RSA_EXPONENT_MAX || publicExponent % 2n === 0n) return undefined;
  return { kind: 'rsa', object, signatureLength: Math.ceil(modulusLength / 8), fingerprint: sha256(spki) };
};

const ed25519From = (raw: Buffer): PublicKey | undefined => {
  if (raw.length !== ED25519_BYTES) return undefined;
  const spki = Buffer.concat([ED25519_PREFIX, raw]);
  const object = objectOf(spki);
  return object === undefined ? undefined : { kind: 'ed25519', object, signatureLength: 64, fingerprint: sha256(spki) };
};

/** The public key of a SubjectPublicKeyInfo (DER) of a kind that Notary signs with; undefined for any other, and for RSA out of bounds. */
export function publicKeyOf(spki: Buffer): PublicKey | undefined {
  if (spki.subarray(0, ED25519_PREFIX.length).equals(ED25519_PREFIX))
    return ed25519From(spki.subarray(ED25519_PREFIX.length));
  return ecdsaFrom(spki) ?? rsaFrom(spki);
}

/** The certificates of an X.509 key, in their order; undefined where the value is no PEM of certificates. */
export const certificatesOf = readOnce(readCertificates, KEPT);

function readCertificates(value: Buffer): readonly Certificate[] | undefined {
  const blocks = readPem(value.toString('latin1'));
  if (blocks === undefined || blocks.length === 0) return undefined;
  const certificates: Certificate[] = [];
  for (const block of blocks) {
    const certificate = block.label === 'CERTIFICATE' ? parseCertificate(block.bytes) : undefined;
    if (certificate === undefined) return undefined;
    certificates.push(certificate);
  }
  return certificates;
}

const ofKind = (key: PublicKey | undefined, kind: PublicKey['kind']): PublicKey | undefined =>
  key?.kind === kind ? key : undefined;
const leafKey = (value: Buffer): PublicKey | undefined => {
  const leaf = certificatesOf(value)?.[0];
  return leaf === undefined ? undefined : publicKeyOf(leaf.spki);
};

/** The public key of a role's key; undefined where type and value do not fit together: such a key verifies nothing. */
export const usableKey = readOnce(readKey, KEPT);

function readKey(key: TufKey): PublicKey | undefined {
  switch (key.type) {
    case 'ecdsa':
      return ecdsaFrom(key.value);
    case 'ecdsa-x509':
      return ofKind(leafKey(key.value), 'ecdsa');
    case 'rsa':
      return rsaFrom(key.value);
    case 'rsa-x509':
      return ofKind(leafKey(key.value), 'rsa');
    case 'ed25519':
      return ed25519From(key.value);
    default:
      return undefined;
  }
}

const keyOfBlock = ({ label, bytes }: PemBlock): PublicKey | undefined => {
  if (label === 'PUBLIC KEY') return publicKeyOf(bytes);
  const spki = label === 'CERTIFICATE' ? parseCertificate(bytes)?.spki : undefined;
  return spki === undefined ? undefined : publicKeyOf(spki);
};

/** The public keys of one or more PEM blocks, as `parsePublicKey` reads one; undefined where there is none or one can't be used. */
export function publicKeysOfPem(pem: string): readonly PublicKey[] | undefined {
  const keys = readPem(pem, { headers: true })?.map(keyOfBlock) ?? [];
  return keys.length === 0 || keys.includes(undefined) ? undefined : keys.filter((key) => key !== undefined);
}

/**
 * Reads the public key of a signer Secret: one PEM block, `PUBLIC KEY` (SubjectPublicKeyInfo) or `CERTIFICATE`, of an ECDSA key on a
 * NIST curve, an RSA key of 2048 to 8192 bits, or an Ed25519 key; headers, as `docker trust key generate` writes one, are passed over. Refuses with SIGNER_SECRET_INVALID.
 */
export function parsePublicKey(pem: string): Result<PublicKey> {
  const blocks = readPem(pem, { headers: true });
  const block = blocks?.[0];
  if (blocks === undefined || block === undefined || blocks.length > 1)
    return refuse('SIGNER_SECRET_INVALID', 'publicKey is not one block of PEM (BEGIN PUBLIC KEY or BEGIN CERTIFICATE)');
  if (block.label !== 'CERTIFICATE' && block.label !== 'PUBLIC KEY')
    return refuse(
      'SIGNER_SECRET_INVALID',
      `publicKey holds a block ${JSON.stringify(block.label.slice(0, 40))}; a PUBLIC KEY or CERTIFICATE is wanted`,
    );
  const key = keyOfBlock(block);
  if (key === undefined)
    return refuse(
      'SIGNER_SECRET_INVALID',
      'publicKey is not an ECDSA (NIST curve), RSA (2048 to 8192 bits) or Ed25519 public key',
    );
  return accept(key);
}
