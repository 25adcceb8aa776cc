import { randomBytes, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/** A serving certificate with its key and the authority that signed it; all PEM. The authority's own key is thrown away. */
export interface Pair {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** What a pair is made for. */
export interface Order {
  /** DNS names of the serving certificate; the first is its common name too, where it fits the 64 characters of one. */
  readonly names: readonly string[];
  /** Days for which authority and certificate hold. */
  readonly days: number;
  /** Bits of the RSA keys. */
  readonly bits: number;
}

const DAY = 86_400_000;
/** Clocks of nodes differ: certificates hold from a little before they are made. */
const SKEW = 300_000;
const COMMON_NAME = 64;

/** 16 random bytes as positive hex (RFC 5280 §4.1.2.2: positive, at most 20 octets). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function blank(now: number, days: number): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = new Date(now - SKEW);
  certificate.validity.notAfter = new Date(now + days * DAY);
  return certificate;
}

/** Makes a new authority and one serving certificate signed by it (RSA, SHA-256; RFC 5280). `now` in ms since the epoch. */
export function issuePair(order: Order, now: number): Pair {
  const authorityKeys = forge.pki.rsa.generateKeyPair({ bits: order.bits });
  const keys = forge.pki.rsa.generateKeyPair({ bits: order.bits });
  const authority = blank(now, order.days);
  // A name of its own for each authority: several stand in one caBundle during a rotation.
  const issuer = [{ name: 'commonName', value: `portieris-ca-${authority.serialNumber.slice(0, 8)}` }];
  authority.publicKey = authorityKeys.publicKey;
  authority.setSubject(issuer);
  authority.setIssuer(issuer);
  authority.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  authority.sign(authorityKeys.privateKey, forge.md.sha256.create());

  const serving = blank(now, order.days);
  const [first = ''] = order.names;
  serving.publicKey = keys.publicKey;
  serving.setSubject([{ name: 'commonName', value: first.length <= COMMON_NAME ? first : 'portieris' }]);
  serving.setIssuer(issuer);
  serving.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: order.names.map((value) => ({ type: 2, value })) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: authority.generateSubjectKeyIdentifier().getBytes() },
  ]);
  serving.sign(authorityKeys.privateKey, forge.md.sha256.create());
  const unix = (pem: string): string => pem.replaceAll('\r\n', '\n');
  return {
    ca: unix(forge.pki.certificateToPem(authority)),
    certificate: unix(forge.pki.certificateToPem(serving)),
    key: unix(forge.pki.privateKeyToPem(keys.privateKey)),
  };
}

/** Why a pair can't serve these names at `now` (ms): a sentence, or null. Read with node:crypto; forge only makes. */
export function faultOf(pair: Pair, names: readonly string[], now: number): string | null {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(pair.ca);
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
      return 'the certificate is not signed by the authority beside it';
    }
    const missing = names.find((name) => certificate.checkHost(name, { subject: 'never' }) === undefined);
    if (missing !== undefined) return `the certificate is not for ${missing}`;
    if (expiryOf(pair) <= now) return `the certificate expired on ${new Date(expiryOf(pair)).toISOString()}`;
    if (!matchesKey(certificate, pair.key)) return 'the private key is not that of the certificate';
    return null;
  } catch {
    return 'certificate, authority or key can not be read';
  }
}

function matchesKey(certificate: X509Certificate, pem: string): boolean {
  const key = forge.pki.privateKeyFromPem(pem) as forge.pki.rsa.PrivateKey;
  const own = forge.pki.publicKeyToPem(forge.pki.setRsaPublicKey(key.n, key.e));
  return (
    certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll(/\s/g, '') ===
    own.replaceAll(/\s/g, '')
  );
}

/** When the first of certificate and authority ends (ms since the epoch). Throws on text that is no certificate. */
export function expiryOf(pair: Pick<Pair, 'ca' | 'certificate'>): number {
  return Math.min(...[pair.ca, pair.certificate].map((pem) => new X509Certificate(pem).validToDate.getTime()));
}

/** The certificates of a PEM text, each trimmed; what stands between them is left out. */
export function splitPem(text: string): string[] {
  const begin = '-----BEGIN CERTIFICATE-----';
  const end = '-----END CERTIFICATE-----';
  return text
    .split(begin)
    .slice(1)
    .filter((block) => block.includes(end))
    .map((block) => `${begin}${block.slice(0, block.indexOf(end))}${end}`.replaceAll('\r', ''));
}
