import { LIMITS } from '../limits.ts';
import type { SecretName } from '../policy/policy.ts';
import type { Cluster, SecretObject } from '../ports.ts';
import { TrustError } from './notary/error.ts';
import { parsePublicKey } from './notary/keys.ts';
import type { Signer } from './notary/signers.ts';

/** Annotation of a Secret: namespaces, separated by commas, whose ImagePolicies may name it; `*` is all of them. */
export const ALLOWED_NAMESPACES = 'portieris.cloud.ibm.com/allowed-namespaces';

/** A signer's name is one step of a role name: `targets/<name>`. */
const SIGNER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A Secret that a policy names, as it was found. */
export interface FoundSecret {
  /** `namespace/name`. */
  readonly label: string;
  /** Undefined where it does not exist, or does not allow the namespace that asks. */
  readonly secret: SecretObject | undefined;
  /** What is to be said where there is none: it does not tell a tenant whether another's Secret exists. */
  readonly absent: string;
}

/** Whether a Secret allows ImagePolicies of this namespace to name it. */
function allows({ annotations }: SecretObject, namespace: string): boolean {
  const written = annotations?.get(ALLOWED_NAMESPACES) ?? '';
  if (written.length > LIMITS.allowedNamespacesLength) return false;
  const allowed = written.split(',').map((one) => one.trim());
  return allowed.includes('*') || allowed.includes(namespace);
}

/**
 * Reads a Secret that a policy names, for a workload in `namespace`. The gate may read every Secret; that a policy names one of another
 * namespace is not enough to make it (peers' GHSA-79gf-7frw-68m9): that Secret has to allow it. Throws the `Fault`s of the port.
 */
export async function findSecret(
  cluster: Pick<Cluster, 'secret'>,
  named: SecretName,
  namespace: string,
  signal: AbortSignal,
): Promise<FoundSecret> {
  const { name, asker } = named;
  const place = named.namespace ?? namespace;
  const label = `${place}/${name}`;
  const secret = await cluster.secret(place, name, signal);
  if (asker === undefined) return { label, secret, absent: 'does not exist' };
  return {
    label,
    secret: secret !== undefined && allows(secret, asker) ? secret : undefined,
    absent: `does not exist, or does not allow the namespace ${asker} by its annotation ${ALLOWED_NAMESPACES}`,
  };
}

/** The text under a key of a Secret, without white space at its ends; empty where there is none. */
export const textOf = (secret: SecretObject, key: string): string =>
  new TextDecoder().decode(secret.data.get(key) ?? new Uint8Array()).trim();

/** A signer out of his Secret (keys `name` and `publicKey`, PEM), in the form of both API groups. Throws `TrustError` SIGNER_SECRET_INVALID that says what is missing. */
export function readSigner({ label, secret, absent }: FoundSecret): Signer {
  const invalid = (reason: string) => new TrustError('SIGNER_SECRET_INVALID', `Signer Secret ${label} ${reason}.`);
  if (secret === undefined) throw invalid(absent);
  const name = textOf(secret, 'name');
  if (!SIGNER_NAME.test(name)) throw invalid('has no valid signer name under the key "name"');
  const pem = textOf(secret, 'publicKey');
  if (pem === '') throw invalid('has no public key under the key "publicKey"');
  const key = parsePublicKey(pem);
  if (!key.ok) throw invalid(`holds no usable public key: ${key.refusal.message}`);
  return { name, key: key.value, secret: label };
}
