import type { Certificate } from './certificate.ts';
import { TrustError } from './error.ts';
import type { TufKey } from './keys.ts';
import { certificatesOf, usableKey } from './keys.ts';
import type { RoleKeys } from './metadata.ts';
import { writePem } from './pem.ts';

/** A root key that may vouch for a repository: a certificate in its name. */
export interface RootKey {
  readonly key: TufKey;
  readonly leaf: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly fingerprint: string;
}

const DAY = 24 * 3600 * 1000;

/** The common name is the repository's own, or ends in `*` and what stands before fits its start (`MatchCNToGun`). */
const isNamed = (commonName: string, gun: string): boolean => {
  if (!commonName.endsWith('*')) return commonName === gun;
  let end = commonName.length;
  while (end > 0 && commonName[end - 1] === '*') end -= 1;
  return gun.startsWith(commonName.slice(0, end));
};

const isSound = (certificate: Certificate): boolean =>
  certificate.notBefore <= certificate.notAfter && !certificate.sha1 && !certificate.weak;
/** Notary allows a day for clocks that disagree on when a certificate begins. */
const isCurrent = (certificate: Certificate, now: number): boolean =>
  certificate.notBefore <= now + DAY && now <= certificate.notAfter;

type Problem =
  | 'not a certificate'
  | 'a chain that does not start with its one leaf'
  | 'another name'
  | 'not sound'
  | 'expired';

const examine = (key: TufKey, gun: string, now: number | undefined): RootKey | Problem => {
  const certificates = certificatesOf(key.value);
  const leaf = certificates?.[0];
  if (certificates === undefined || leaf === undefined) return 'not a certificate';
  const intermediates = certificates.filter(({ authority }) => authority);
  if (leaf.authority || intermediates.length !== certificates.length - 1)
    return 'a chain that does not start with its one leaf';
  if (!isNamed(leaf.commonName, gun)) return 'another name';
  const usable = usableKey(key);
  if (usable === undefined || !isSound(leaf)) return 'not sound';
  // Notary rebuilds the key from the certificates it holds for good and looks signatures up by the rebuilt ID; so a chain with a bad
  // certificate, or PEM in another form than Go writes, verifies nothing.
  const good = now === undefined ? certificates : certificates.filter((one) => isSound(one) && isCurrent(one, now));
  if (!good.includes(leaf)) return 'expired';
  const rebuilt = writePem(good.map(({ der }) => ({ label: 'CERTIFICATE', bytes: der })));
  if (rebuilt !== key.value.toString('latin1')) return 'not sound';
  return { key, leaf, intermediates, fingerprint: usable.fingerprint };
};

/**
 * The keys of a root role that Notary lets vouch for the repository: X.509 certificates whose common name is the GUN (or a prefix and
 * `*`), one leaf first, not over SHA-1, and current at `now` (ms since the epoch; undefined: expiry does not matter, as for a root that was
 * trusted before). Throws `TrustError` where there is none: TRUST_EXPIRED if they only expired, else TRUST_SIGNATURE.
 */
export function rootKeysOf(role: RoleKeys, gun: string, now: number | undefined): readonly RootKey[] {
  const found: RootKey[] = [];
  const problems: string[] = [];
  let expired = false;
  for (const key of role.keys.values()) {
    const examined = examine(key, gun, now);
    if (typeof examined !== 'string') found.push(examined);
    else problems.push(`${key.id.slice(0, 12)}…: ${examined}`);
    expired ||= examined === 'expired';
  }
  if (found.length > 0) return found;
  const list = problems.slice(0, 8).join(', ') || 'it has none';
  throw new TrustError(
    expired ? 'TRUST_EXPIRED' : 'TRUST_SIGNATURE',
    `no key of root is a current certificate for ${gun} (${list})`,
  );
}

/**
 * The last moment (ms since the epoch) at which enough of the keys that signed a root are still certified: with their certificates, the
 * signatures of a root end before its own expiry may.
 */
export function certifiedUntil(keys: readonly RootKey[], signedBy: ReadonlySet<string>, threshold: number): number {
  const ends = keys
    .filter(({ key }) => signedBy.has(key.id))
    .map(({ leaf, intermediates }) => Math.min(leaf.notAfter, ...intermediates.map(({ notAfter }) => notAfter)))
    .toSorted((one, other) => other - one);
  return ends[threshold - 1] ?? Number.NEGATIVE_INFINITY;
}

/** Root keys as the keys of a role, by their IDs. */
export const asRole = (keys: readonly RootKey[], threshold: number): RoleKeys => ({
  keys: new Map(keys.map(({ key }) => [key.id, key])),
  threshold,
});
