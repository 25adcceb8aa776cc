import type { KeyObject } from 'node:crypto';
import { randomBytes, sign } from 'node:crypto';

/** What a certificate made for a test shall say; node-forge cannot sign with ECDSA, so the DER is written here. */
export interface CertificateWish {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  /** Who signs: the key's own private half, or a CA's. */
  readonly issuer: { readonly commonName: string; readonly privateKey: KeyObject };
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority?: boolean;
  /** Digest of the certificate's own signature; `sha1` for certificates that must be refused. */
  readonly digest?: 'sha256' | 'sha1';
}

const element = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const size = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content]);
};

const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts);
const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'));
const TRUE = element(0x01, Buffer.from([0xff]));
const NULL = element(0x05);

const name = (commonName: string): Buffer =>
  sequence(element(0x31, sequence(oid('550403'), element(0x0c, Buffer.from(commonName, 'utf8')))));

const time = (date: Date): Buffer => {
  const digits = date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : element(0x18, Buffer.from(`${digits}Z`));
};

const SIGNATURES = {
  'ec sha256': sequence(oid('2a8648ce3d040302')),
  'ec sha1': sequence(oid('2a8648ce3d0401')),
  'rsa sha256': sequence(oid('2a864886f70d01010b'), NULL),
  'rsa sha1': sequence(oid('2a864886f70d010105'), NULL),
} as const;

/** DER of a certificate that says what was wished, signed by the issuer. */
export function makeCertificate(wish: CertificateWish): Buffer {
  const digest = wish.digest ?? 'sha256';
  const kind = wish.issuer.privateKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  const algorithm = SIGNATURES[`${kind} ${digest}`];
  const constraints = wish.authority === true ? sequence(TRUE) : sequence();
  const extensions = sequence(sequence(oid('551d13'), TRUE, element(0x04, constraints)));
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(12)]);
  const body = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, serial),
    algorithm,
    name(wish.issuer.commonName),
    sequence(time(wish.notBefore), time(wish.notAfter)),
    name(wish.commonName),
    wish.publicKey.export({ format: 'der', type: 'spki' }),
    element(0xa3, extensions),
  );
  const signature = sign(digest, body, wish.issuer.privateKey);
  return sequence(body, algorithm, element(0x03, Buffer.from([0]), signature));
}
