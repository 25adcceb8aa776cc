import { createHash } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import type { RootKey } from './rootkeys.ts';

/** Root keys that a policy pins. A key that fits any of the three is pinned. */
export interface RootPins {
  /** Key IDs (hex) of root keys as they stand in the root: what Notary calls certificate IDs. */
  readonly keyIds: ReadonlySet<string>;
  /** Fingerprints (SHA-256 hex of the SubjectPublicKeyInfo) of root keys. */
  readonly fingerprints: ReadonlySet<string>;
  /** Certificates of CAs that issue root certificates. */
  readonly authorities: readonly Certificate[];
}

/** Certificates between leaf and CA, at most; bounds the search. */
const CHAIN_LENGTH = 4;
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

/** Notary verifies with Go's defaults, which want a certificate that may serve TLS, or one that says nothing of its use. */
const mayServe = ({ usages }: Certificate): boolean =>
  usages === undefined || usages.includes(SERVER_AUTHENTICATION) || usages.includes(ANY_USAGE);

const isValidAt = (certificate: Certificate, now: number): boolean =>
  certificate.notBefore <= now && now <= certificate.notAfter && mayServe(certificate);

const reaches = (leaf: Certificate, key: RootKey, authorities: readonly Certificate[], now: number): boolean => {
  const usable = (certificate: Certificate): boolean => certificate.authority && isValidAt(certificate, now);
  const anchors = authorities.filter(usable);
  const between = key.intermediates.filter(usable);
  let frontier: readonly Certificate[] = isValidAt(leaf, now) ? [leaf] : [];
  for (let step = 0; step <= CHAIN_LENGTH && frontier.length > 0; step += 1) {
    if (frontier.some((child) => anchors.some((anchor) => child.issuedBy(anchor)))) return true;
    const children = frontier;
    frontier = between.filter((issuer) => children.some((child) => child !== issuer && child.issuedBy(issuer)));
  }
  return false;
};

/** Whether the pins admit a root key at this time (ms since the epoch). */
export function isPinned(key: RootKey, pins: RootPins, now: number): boolean {
  if (pins.keyIds.has(key.key.id) || pins.fingerprints.has(key.fingerprint)) return true;
  return pins.authorities.length > 0 && reaches(key.leaf, key, pins.authorities, now);
}

const identities = new WeakMap<RootPins, string>();

/** One text for the same pins in whatever order, another for any other: what was verified under some pins is told apart by it. */
export function pinsIdentity(pins: RootPins): string {
  const known = identities.get(pins);
  if (known !== undefined) return known;
  const authorities = pins.authorities.map(({ der }) => createHash('sha256').update(der).digest('hex'));
  const parts = [[...pins.keyIds], [...pins.fingerprints], [...new Set(authorities)]].map((part) => part.toSorted());
  const identity = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  identities.set(pins, identity);
  return identity;
}
