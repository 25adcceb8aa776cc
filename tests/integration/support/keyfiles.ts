import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PASSPHRASE } from './notary.ts';

/** A key pair as files, the way people hand keys to the `notary` client. */
export interface KeyFiles {
  /** Path of the private key, PEM (PKCS#8). */
  readonly privateKey: string;
  /** Path of the public key, PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string;
  /** The public key itself, as it stands in a signer Secret. */
  readonly pem: string;
}

const generate = (kind: 'ecdsa' | 'rsa') =>
  kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Makes a key pair and writes both halves into `folder` under this name. */
export async function makeKeyFiles(folder: string, name: string, kind: 'ecdsa' | 'rsa' = 'ecdsa'): Promise<KeyFiles> {
  const pair = generate(kind);
  const files = { privateKey: join(folder, `${name}.key`), publicKey: join(folder, `${name}.pem`) };
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await writeFile(files.privateKey, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(files.publicKey, pem);
  return { ...files, pem };
}

/**
 * Makes an RSA root key the only way the client takes one from outside: encrypted, in the older PEM form (RFC 1423), for the client's
 * PKCS#8 knows one pseudo-random function that node does not write. Gives the path.
 */
export async function makeRootKeyFile(folder: string, name: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const path = join(folder, `${name}.key`);
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE });
  await writeFile(path, pem, { mode: 0o600 });
  return path;
}
