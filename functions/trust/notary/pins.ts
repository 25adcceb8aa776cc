import { hash } from 'node:crypto';
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

/** Pins for some repositories: a GUN, or the beginning of GUNs and `*`. */
export interface GunPins extends RootPins {
  readonly gun: string;
}

/** Whether pins written for `pattern` are for this repository: it is the very GUN, or begins with what stands before the star. */
export const covers = (pattern: string, gun: string): boolean =>
  pattern.endsWith('*') ? gun.startsWith(pattern.slice(0, -1)) : pattern === gun;

const mostSpecific = (pins: readonly GunPins[], gun: string): readonly GunPins[] => {
  const fitting = pins.filter((one) => covers(one.gun, gun));
  const exact = fitting.filter((one) => one.gun === gun);
  const longest = Math.max(...fitting.map((one) => one.gun.length));
  return exact.length > 0 ? exact : fitting.filter((one) => one.gun.length === longest);
};

/**
 * The pins that count for a repository, in the order of Notary's client (`NewTrustPinChecker`): keys pinned for the very GUN, else
 * for the longest beginning of it, else the CAs likewise. Undefined where nothing covers it. Unlike there, a CA's GUN ends in `*` to
 * mean a beginning: `docker.io/acme` is not `docker.io/acme-evil`.
 */
export function pinsFor(pins: readonly GunPins[], gun: string): RootPins | undefined {
  const keys = mostSpecific(
    pins.filter(({ keyIds, fingerprints }) => keyIds.size + fingerprints.size > 0),
    gun,
  );
  if (keys.length > 0) {
    return {
      keyIds: new Set(keys.flatMap(({ keyIds }) => [...keyIds])),
      fingerprints: new Set(keys.flatMap(({ fingerprints }) => [...fingerprints])),
      authorities: [],
    };
  }
  const issuers = mostSpecific(
    pins.filter(({ authorities }) => authorities.length > 0),
    gun,
  );
  if (issuers.length === 0) return undefined;
  return { keyIds: new Set(), fingerprints: new Set(), authorities: issuers.flatMap(({ authorities }) => authorities) };
}

const identities = new WeakMap<RootPins, string>();

/** One text for the same pins in whatever order, another for any other: what was verified under some pins is told apart by it. */
export function pinsIdentity(pins: RootPins): string {
  const known = identities.get(pins);
  if (known !== undefined) return known;
  const authorities = pins.authorities.map(({ der }) => hash('sha256', der, 'hex'));
  const parts = [[...pins.keyIds], [...pins.fingerprints], [...new Set(authorities)]].map((part) => part.toSorted());
  const identity = hash('sha256', JSON.stringify(parts), 'hex');
  identities.set(pins, identity);
  return identity;
}
