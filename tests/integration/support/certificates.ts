import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import forge from 'node-forge';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority that a test makes for itself. */
export interface Authority {
  /** PEM of its certificate. */
  readonly certificate: string;
  /** Issues a serving certificate for these host names and addresses. */
  issue(names: readonly string[]): Pair;
}

const HOUR_MILLISECONDS = 3_600_000;

interface Blank {
  readonly subject: string;
  readonly issuer: string;
  readonly extensions: object[];
}

/** A fresh RSA pair: node makes it (fast), forge reads it. */
function rsaPair(): { publicKey: forge.pki.rsa.PublicKey; pem: string } {
  const made = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { publicKey: forge.pki.publicKeyFromPem(made.publicKey), pem: made.privateKey };
}

function certify(blank: Blank, publicKey: forge.pki.rsa.PublicKey, signer: string): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  // A first byte of 01 keeps the serial number positive and without leading zeros (RFC 5280 §4.1.2.2).
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MILLISECONDS);
  certificate.validity.notAfter = new Date(Date.now() + 24 * HOUR_MILLISECONDS);
  certificate.setSubject([{ name: 'commonName', value: blank.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: blank.issuer }]);
  certificate.setExtensions(blank.extensions);
  certificate.sign(forge.pki.privateKeyFromPem(signer), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

const alternative = (name: string): object => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name });

/** Makes an authority with a fresh key; nothing of it outlives the test but what the test writes. */
export function makeAuthority(name: string): Authority {
  const own = rsaPair();
  const extensions = [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ];
  const certificate = certify({ subject: name, issuer: name, extensions }, own.publicKey, own.pem);
  const issue = (names: readonly string[]): Pair => {
    const served = rsaPair();
    const leaf = [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: names.map(alternative) },
    ];
    const subject = names[0] ?? name;
    return {
      certificate: certify({ subject, issuer: name, extensions: leaf }, served.publicKey, own.pem),
      key: served.pem,
    };
  };
  return { certificate, issue };
}

/** Files that a server program is given: its certificate, its key, and the authority to trust. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/** Issues a certificate for this machine's loopback names and writes all three files into `folder`; gives their paths. */
export async function writeLoopbackTls(authority: Authority, folder: string): Promise<TlsFiles> {
  const pair = authority.issue(['localhost', '127.0.0.1']);
  const files = {
    certificate: join(folder, 'server.crt'),
    key: join(folder, 'server.key'),
    authority: join(folder, 'authority.crt'),
  };
  await writeFile(files.certificate, pair.certificate);
  await writeFile(files.key, pair.key, { mode: 0o600 });
  await writeFile(files.authority, authority.certificate);
  return files;
}
