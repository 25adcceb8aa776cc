import type { DenyCode } from '../../../functions/codes.ts';

/** One thing that the real client accepts and this verifier refuses on purpose; docs/notary.md gives the same list with its reasons. */
export interface Stricter {
  /** Stands in docs/notary.md too; a test holds the two together. */
  readonly id: string;
  /** What is refused. */
  readonly refuses: string;
  /** Codes it is refused with. */
  readonly codes: readonly DenyCode[];
}

/** Every deliberate difference. Nothing that the real client refuses is accepted, but for the roles that nobody asked for. */
export const STRICTER: readonly Stricter[] = [
  {
    id: 'releases-unusable',
    refuses:
      'a repository that delegates targets/releases while that role is expired, not signed to its threshold, or never published',
    codes: ['TRUST_SIGNATURE', 'TRUST_EXPIRED', 'TRUST_NOT_SIGNED', 'TRUST_MALFORMED'],
  },
  { id: 'names-twice', refuses: 'a name that stands twice in one object', codes: ['TRUST_MALFORMED'] },
  {
    id: 'names-alike',
    refuses: 'a field whose name differs from a known one in case only',
    codes: ['TRUST_MALFORMED'],
  },
  {
    id: 'text',
    refuses: 'invalid UTF-8, half a surrogate pair, nesting beyond 32, base64 in another than its one padded form',
    codes: ['TRUST_MALFORMED'],
  },
  {
    id: 'numbers',
    refuses: 'numbers that are not written as plain integers within 2^53, and lengths below zero',
    codes: ['TRUST_MALFORMED'],
  },
  {
    id: 'fields-missing',
    refuses: 'a key, signature, file or role that lacks one of its fields, or is null',
    codes: ['TRUST_MALFORMED'],
  },
  {
    id: 'length',
    refuses: 'a file whose length is not exactly the one its parent states',
    codes: ['TRUST_INCONSISTENT'],
  },
  { id: 'roles-twice', refuses: 'a role that lists one delegation twice', codes: ['TRUST_MALFORMED'] },
  {
    id: 'key-two-forms',
    refuses: 'a threshold that is met by one public key in its plain and its X.509 form',
    codes: ['TRUST_SIGNATURE'],
  },
  {
    id: 'key-kinds',
    refuses: 'RSA keys above 8192 bits or with an even or tiny exponent, and the method pycrypto-pkcs#1 pss',
    codes: ['TRUST_SIGNATURE'],
  },
  {
    id: 'root-key-form',
    refuses: 'a root key whose type is not that of its certificate, or whose PEM is not as Go writes it',
    codes: ['TRUST_SIGNATURE'],
  },
  {
    id: 'root-steps',
    refuses: 'a root that is not reached by every version between the one known and itself',
    codes: ['TRUST_ROOT_CHANGED', 'TRUST_INCONSISTENT'],
  },
  {
    id: 'pins-prefix',
    refuses: 'a root whose repository has a name that merely begins like the one a CA is pinned for',
    codes: ['TRUST_ROOT_UNPINNED'],
  },
  {
    id: 'pins-and-memory',
    refuses:
      'a root that satisfies the pins of the policy but does not follow from the root that is remembered, and the reverse',
    codes: ['TRUST_ROOT_CHANGED', 'TRUST_ROLLBACK', 'TRUST_ROOT_UNPINNED'],
  },
  {
    id: 'fresh-timestamp',
    refuses: 'trust data whose timestamp cannot be fetched anew, even if the last one has not expired',
    codes: ['TRUST_INCONSISTENT'],
  },
  {
    id: 'limits',
    refuses: 'files, keys, signatures, delegations, targets or rotations beyond the limits in docs/configuration.md',
    codes: ['TRUST_TOO_LARGE'],
  },
];
