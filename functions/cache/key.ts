import { credentialIdentity } from '../io/credential.ts';
import type { TrustQuery } from '../ports.ts';
import { pinsIdentity } from '../trust/notary/pins.ts';

/** The key of a query in the cache. Whoever asks with another credential, for other roles, by another registry name or under other root pins has a key of his own. */
export const keyOf = ({ address, roles, pins, firstUse, onlyVouched, vouches }: TrustQuery): string =>
  JSON.stringify([
    address.server,
    address.gun,
    address.registry,
    credentialIdentity(address.credential),
    roles,
    ...(pins === undefined ? [firstUse !== false, onlyVouched === true] : [pinsIdentity(pins), vouches === true]),
  ]);
