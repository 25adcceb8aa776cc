import { RELEASES } from '../trust/notary/descent.ts';
import { isUsable, type TargetsFacts, type TrustFacts } from '../trust/notary/facts.ts';
import type { RoleFacts } from '../trust/notary/rolefacts.ts';
import { isoTime } from './times.ts';

/** One role of a repository, as JSON shows it. */
export interface RoleView {
  readonly role: string;
  readonly version: number;
  /** RFC 3339. */
  readonly expires: string;
  readonly threshold: number;
  /** IDs of the keys that may sign it. */
  readonly keyIds: readonly string[];
  /** IDs of those that did. */
  readonly signedBy: readonly string[];
}

/** A delegation that is listed, but cannot be used. */
export interface UnusableView {
  readonly role: string;
  readonly code: string;
  readonly message: string;
}

/** One tag, as JSON shows it. */
export interface TagView {
  readonly tag: string;
  /** By role that signs it: the digest, `sha256:…`. */
  readonly signed: Readonly<Record<string, string>>;
}

const keysOf = (facts: TrustFacts, { role }: RoleFacts): readonly string[] => {
  if (role === 'root') return [...facts.root.keyIds];
  const listed = facts.state.root.roles.get(role)?.keys.values() ?? [];
  return [...listed].map(({ id }) => id);
};

const view = (role: RoleFacts, keyIds: Iterable<string>): RoleView => ({
  role: role.role,
  version: role.version,
  expires: isoTime(role.expires),
  threshold: role.threshold,
  keyIds: [...new Set(keyIds)].toSorted(),
  signedBy: [...role.signedBy].toSorted(),
});

/** The roles of a repository that were verified, root first. */
export function rolesOf(facts: TrustFacts): readonly RoleView[] {
  const { root, timestamp, snapshot, targets, delegations } = facts;
  const below = [...delegations.values()].filter(isUsable);
  return [
    ...[root, timestamp, snapshot, targets].map((role) => view(role, keysOf(facts, role))),
    ...below.map((role) => view(role, role.keyIds)),
  ];
}

/** The delegations of a repository that cannot be used, each with why. */
export const unusableOf = ({ delegations }: TrustFacts): readonly UnusableView[] =>
  [...delegations.values()].flatMap((role) => (isUsable(role) ? [] : [role]));

const digestText = (sha256: string | undefined): string => (sha256 === undefined ? 'no SHA-256' : `sha256:${sha256}`);

/** `targets`, then `targets/releases`, then the others. */
const targetsRoles = ({ targets, delegations }: TrustFacts): readonly TargetsFacts[] => [
  targets,
  ...[...delegations.values()].filter(isUsable),
];

/** Every tag with the roles that sign it, by name. */
export function tagsOf(facts: TrustFacts): readonly TagView[] {
  const tags = new Map<string, Record<string, string>>();
  for (const role of targetsRoles(facts)) {
    for (const [tag, { sha256 }] of role.targets) {
      const signed = tags.get(tag) ?? Object.create(null);
      signed[role.role] = digestText(sha256);
      tags.set(tag, signed);
    }
  }
  return [...tags].map(([tag, signed]) => ({ tag, signed })).toSorted((a, b) => (a.tag < b.tag ? -1 : 1));
}

/** The digest under which a tag is released: by `targets/releases` where that holds it, else by `targets`. */
export const releasedDigest = ({ signed }: TagView): string | undefined => signed[RELEASES] ?? signed['targets'];

/** Names of every delegation that is listed in what was verified: what to ask for next. */
export const listedRoles = ({ state }: TrustFacts): readonly string[] =>
  [...state.delegations.values()].flatMap((delegations) => delegations.map(({ name }) => name)).toSorted();
