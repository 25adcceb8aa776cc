import type { RootPin } from '../policy/policy.ts';
import type { Cluster } from '../ports.ts';
import type { Certificate } from './notary/certificate.ts';
import { TrustError } from './notary/error.ts';
import { certificatesOf, publicKeysOfPem } from './notary/keys.ts';
import { covers, type GunPins, pinsFor, type RootPins } from './notary/pins.ts';
import { type FoundSecret, findSecret, textOf } from './secret.ts';

const KEY_ID = /^[0-9a-f]{64}$/;

/** What is asked of root pins. */
export interface PinQuestion {
  readonly roots: readonly RootPin[];
  readonly gun: string;
  /** Of the workload. */
  readonly namespace: string;
}

/**
 * The pins that count for a repository (`pinsFor`), their Secrets read; undefined where none covers it. Throws `TrustError` POLICY_INVALID
 * and ROOT_SECRET_INVALID where one that covers it can't be read, and the `Fault`s of the port.
 */
export async function resolvePins(
  { roots, gun, namespace }: PinQuestion,
  cluster: Pick<Cluster, 'secret'>,
  signal: AbortSignal,
): Promise<RootPins | undefined> {
  const covering = roots.filter((root) => covers(root.gun, gun));
  const held = await Promise.all(
    covering.map(async (root): Promise<GunPins[]> => {
      const written = writtenPins(root);
      if (root.secret === undefined) return [written];
      return [written, secretPins(root.gun, await findSecret(cluster, root.secret, namespace, signal))];
    }),
  );
  return pinsFor(held.flat(), gun);
}

const parsed = new WeakMap<RootPin, GunPins>();

/** The pins that stand in the policy itself, read once. */
function writtenPins(root: RootPin): GunPins {
  const known = parsed.get(root);
  if (known !== undefined) return known;
  const pins = {
    gun: root.gun,
    keyIds: new Set(root.keyIds),
    fingerprints: new Set(root.publicKeys.flatMap((pem, index) => fingerprints(root, pem, index))),
    authorities: authoritiesIn(root),
  };
  parsed.set(root, pins);
  return pins;
}

const invalid = (field: string, what: string): TrustError =>
  new TrustError('POLICY_INVALID', `The rule is not valid: ${field} ${what}.`);

function fingerprints({ field }: RootPin, pem: string, index: number): string[] {
  const keys = publicKeysOfPem(pem);
  if (keys === undefined)
    throw invalid(
      `${field}.publicKeys[${index}]`,
      'is not an ECDSA (NIST curve), RSA (2048 to 8192 bits) or Ed25519 public key',
    );
  return keys.map(({ fingerprint }) => fingerprint);
}

function authoritiesIn({ field, certificateAuthority: pem }: RootPin): readonly Certificate[] {
  if (pem === undefined) return [];
  const authorities = authoritiesOf(pem);
  if (authorities === undefined)
    throw invalid(`${field}.certificateAuthority`, 'holds a certificate that is not a CA (basic constraints)');
  return authorities;
}

/** Certificates of CAs, or undefined where one is none: a leaf in its place would vouch for nothing, or for whoever it issued. */
function authoritiesOf(pem: string): readonly Certificate[] | undefined {
  const certificates = certificatesOf(Buffer.from(pem, 'latin1'));
  return certificates?.every(({ authority }) => authority) === true ? certificates : undefined;
}

/**
 * Pins out of a Secret: `keyIds` (separated by spaces, commas or lines), `publicKey` (PEM), `ca.crt` (PEM). Throws `TrustError` ROOT_SECRET_INVALID
 * that says what is missing.
 */
export function secretPins(gun: string, { label, secret, absent }: FoundSecret): GunPins {
  const amiss = (reason: string) => new TrustError('ROOT_SECRET_INVALID', `Secret ${label} of root pins ${reason}.`);
  if (secret === undefined) throw amiss(absent);
  const keyIds = textOf(secret, 'keyIds')
    .split(/[\s,]/)
    .filter((id) => id !== '');
  if (!keyIds.every((id) => KEY_ID.test(id)))
    throw amiss('has under the key "keyIds" something other than IDs of 64 hexadecimal digits in lower case');
  const [pem, ca] = [textOf(secret, 'publicKey'), textOf(secret, 'ca.crt')];
  const keys = pem === '' ? [] : publicKeysOfPem(pem);
  if (keys === undefined) throw amiss('has under the key "publicKey" something other than PEM of usable public keys');
  const authorities = ca === '' ? [] : authoritiesOf(ca);
  if (authorities === undefined) throw amiss('has under the key "ca.crt" something other than PEM of CA certificates');
  if (keyIds.length + keys.length + authorities.length === 0)
    throw amiss('holds nothing under the keys "keyIds", "publicKey" and "ca.crt"');
  return { gun, keyIds: new Set(keyIds), fingerprints: new Set(keys.map((key) => key.fingerprint)), authorities };
}
