import { constants, verify } from 'node:crypto';
import { ecdsaSignature } from './der.ts';
import { TrustError } from './error.ts';
import type { PublicKey } from './keys.ts';
import { usableKey } from './keys.ts';
import type { Envelope, RoleKeys, Signature } from './metadata.ts';

type Check = (key: PublicKey, message: Buffer, signature: Buffer) => boolean;
interface Method {
  readonly kind: PublicKey['kind'];
  readonly check: Check;
}

// The method only names the padding; which algorithm is used is the key's to say (CVE-2015-9258).
const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  [
    'ecdsa',
    {
      kind: 'ecdsa',
      // By the bare key: of one in an object of options Node finds out by an error that it is no key, which costs half as much as the signature.
      check: ({ object }, message, signature) => verify('sha256', message, object, ecdsaSignature(signature)),
    },
  ],
  [
    'rsapss',
    {
      kind: 'rsa',
      check: ({ object }, message, signature) =>
        verify('sha256', message, { key: object, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature),
    },
  ],
  [
    'rsapkcs1v15',
    {
      kind: 'rsa',
      check: ({ object }, message, signature) =>
        verify('sha256', message, { key: object, padding: constants.RSA_PKCS1_PADDING }, signature),
    },
  ],
  ['eddsa', { kind: 'ed25519', check: ({ object }, message, signature) => verify(null, message, object, signature) }],
]);

/** Whether one signature over the message (canonical JSON) holds by this key; false for a method that does not fit the key. Never throws. */
export function verifySignature(key: PublicKey, message: Buffer, signature: Signature): boolean {
  const method = METHODS.get(signature.method);
  if (method?.kind !== key.kind || signature.value.length !== key.signatureLength) return false;
  try {
    return method.check(key, message, signature.value);
  } catch {
    return false;
  }
}

/**
 * The IDs of the keys whose signatures hold, once there are enough of them. A key counts once, under however many IDs or forms it is
 * listed; an ID that is not the hash of its key's content refuses the whole role, as in Notary. Throws `TrustError` TRUST_SIGNATURE.
 */
export function verifyThreshold(envelope: Envelope, role: RoleKeys, what: string): ReadonlySet<string> {
  const signedBy = new Set<string>();
  const distinct = new Set<string>();
  for (const signature of envelope.signatures) {
    const key = role.keys.get(signature.keyId);
    if (key === undefined || signedBy.has(key.id)) continue;
    if (key.id !== signature.keyId)
      throw new TrustError(
        'TRUST_SIGNATURE',
        `${what} is signed by a key listed as ${signature.keyId.slice(0, 64)}, but its content has the ID ${key.id}`,
      );
    const usable = usableKey(key);
    if (usable === undefined || !verifySignature(usable, envelope.message, signature)) continue;
    signedBy.add(key.id);
    distinct.add(usable.fingerprint);
  }
  if (distinct.size < role.threshold)
    throw new TrustError(
      'TRUST_SIGNATURE',
      `${what} is signed by ${distinct.size} of its ${role.keys.size} keys; ${role.threshold} must sign`,
    );
  return signedBy;
}
