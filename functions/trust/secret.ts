import type { SecretObject } from '../ports.ts';
import { TrustError } from './notary/error.ts';
import { parsePublicKey } from './notary/keys.ts';
import type { Signer } from './notary/signers.ts';

/** A signer's name is one step of a role name: `targets/<name>`. */
const SIGNER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const text = (secret: SecretObject, key: string): string =>
  new TextDecoder().decode(secret.data.get(key) ?? new Uint8Array()).trim();

/** A signer out of its Secret (keys `name` and `publicKey`, PEM). Throws `TrustError` SIGNER_SECRET_INVALID that says what is missing. */
export function readSigner(label: string, secret: SecretObject | undefined): Signer {
  const invalid = (reason: string) => new TrustError('SIGNER_SECRET_INVALID', `Signer Secret ${label} ${reason}.`);
  if (secret === undefined) throw invalid('does not exist');
  const name = text(secret, 'name');
  if (!SIGNER_NAME.test(name)) throw invalid('has no valid signer name under the key "name"');
  const pem = text(secret, 'publicKey');
  if (pem === '') throw invalid('has no public key under the key "publicKey"');
  const key = parsePublicKey(pem);
  if (!key.ok) throw invalid(`holds no usable public key: ${key.refusal.message}`);
  return { name, key: key.value, secret: label };
}
