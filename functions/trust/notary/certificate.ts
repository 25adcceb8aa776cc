import { X509Certificate } from 'node:crypto';
import { LIMITS } from '../../limits.ts';
import type { DerElement } from './der.ts';
import { readElement, readElements } from './der.ts';

/** What Notary reads of an X.509 certificate (RFC 5280). */
export interface Certificate {
  readonly der: Buffer;
  /** The last common name of the subject, or empty. */
  readonly commonName: string;
  /** ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Basic constraints say CA: TRUE. */
  readonly authority: boolean;
  /** Signed over SHA-1. */
  readonly sha1: boolean;
  /** Holds an RSA key below 2048 bits, which Notary refuses in any certificate. */
  readonly weak: boolean;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** Extended key usages (OIDs), or undefined where the certificate has none: fit for any use. */
  readonly usages: readonly string[] | undefined;
  /** Issued by this one: names and signature fit. */
  issuedBy(issuer: Certificate): boolean;
}

const OID_COMMON_NAME = '550403';
const OID_BASIC_CONSTRAINTS = '551d13';
const OID_EC_PUBLIC_KEY = '2a8648ce3d0201';
// sha1WithRSAEncryption, id-dsa-with-sha1, ecdsa-with-SHA1: the three that Notary refuses; sha-1WithRSA (OIW) is the first by another name.
const SHA1_OIDS = new Set(['2a864886f70d010105', '2a8648ce380403', '2a8648ce3d0401', '2b0e03021d']);
const STRING_TAGS = new Set([0x0c, 0x13, 0x14, 0x16]);

const inside = (element: DerElement | undefined): readonly DerElement[] =>
  element === undefined ? [] : (readElements(element.content) ?? []);

const commonNameOf = (subject: DerElement): string => {
  let name = '';
  for (const relative of inside(subject)) {
    for (const pair of inside(relative)) {
      const [type, value] = inside(pair);
      if (type?.content.toString('hex') !== OID_COMMON_NAME || value === undefined) continue;
      name = STRING_TAGS.has(value.tag) ? value.content.toString('utf8') : '';
    }
  }
  return name;
};

const isAuthority = (extensions: DerElement | undefined): boolean => {
  const list = extensions === undefined ? undefined : readElement(extensions.content);
  for (const extension of inside(list)) {
    const parts = inside(extension);
    if (parts[0]?.content.toString('hex') !== OID_BASIC_CONSTRAINTS) continue;
    const value = readElement(parts.at(-1)?.content ?? Buffer.alloc(0));
    const flag = inside(value)[0];
    return flag?.tag === 0x01 && flag.content[0] !== 0;
  }
  return false;
};

interface Fields {
  readonly algorithm: string;
  readonly subject: DerElement;
  readonly spki: DerElement;
  readonly extensions: DerElement | undefined;
}

// TBSCertificate: [0] version, serial, signature, issuer, validity, subject, subjectPublicKeyInfo, …, [3] extensions (RFC 5280 §4.1).
const fieldsOf = (der: Buffer): Fields | undefined => {
  const outer = readElement(der);
  const [tbs, algorithm] = inside(outer);
  if (outer?.whole.length !== der.length || tbs === undefined) return undefined;
  const all = inside(tbs);
  const fields = all[0]?.tag === 0xa0 ? all.slice(1) : all;
  const [subject, spki] = [fields[4], fields[5]];
  if (subject === undefined || spki === undefined) return undefined;
  const oid = inside(algorithm)[0]?.content.toString('hex') ?? '';
  return { algorithm: oid, subject, spki, extensions: fields.find((field) => field.tag === 0xa3) };
};

/** Reads one certificate from DER; undefined where it is none. Says nothing about trust. */
export function parseCertificate(der: Buffer): Certificate | undefined {
  const fields = fieldsOf(der);
  if (fields === undefined) return undefined;
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(der);
  } catch {
    return undefined;
  }
  const notBefore = parsed.validFromDate.getTime();
  const notAfter = parsed.validToDate.getTime();
  if (!Number.isFinite(notBefore) || !Number.isFinite(notAfter)) return undefined;
  return {
    der,
    commonName: commonNameOf(fields.subject),
    notBefore,
    notAfter,
    authority: isAuthority(fields.extensions),
    sha1: SHA1_OIDS.has(fields.algorithm),
    weak: !isElliptic(fields.spki) && isWeak(parsed),
    spki: fields.spki.whole,
    usages: parsed.keyUsage,
    issuedBy: (issuer) => issued(parsed, issuer.der),
  };
}

/** An elliptic key is no weak RSA key, and finding that out by the key itself is slow. */
const isElliptic = (spki: DerElement): boolean =>
  inside(inside(spki)[0])[0]?.content.toString('hex') === OID_EC_PUBLIC_KEY;

const isWeak = (certificate: X509Certificate): boolean => {
  try {
    const bits = certificate.publicKey.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < LIMITS.rsaBits.min;
  } catch {
    return false;
  }
};

const issued = (child: X509Certificate, issuerDer: Buffer): boolean => {
  try {
    const issuer = new X509Certificate(issuerDer);
    return child.checkIssued(issuer) && child.verify(issuer.publicKey);
  } catch {
    return false;
  }
};
