import type { Refusal, Result } from '../../codes.ts';
import { accept, refuse } from '../../codes.ts';
import type { Digest, ImageReference } from '../../image/reference.ts';
import type { Evidence } from '../verdict.ts';
import { timeText } from './chain.ts';
import { RELEASES } from './descent.ts';
import type { TargetsFacts, TrustFacts } from './facts.ts';
import { isUsable } from './facts.ts';
import type { PublicKey } from './keys.ts';
import type { TargetFact } from './metadata.ts';
import type { RoleFacts } from './rolefacts.ts';

/** A signer whom a policy demands. */
export interface Signer {
  /** The last step of its role: `targets/<name>`. */
  readonly name: string;
  readonly key: PublicKey;
  /** The Secret it comes from, `namespace/name`, for messages. */
  readonly secret: string;
}
/** What is asked of the trust data: a tag, a digest, or both. */
export type Wanted = Pick<ImageReference, 'tag' | 'digest'>;
/** A digest that is signed as demanded, and what was seen. */
export interface Released {
  /** The tag that is signed for it. */
  readonly tag: string;
  readonly digest: Digest;
  readonly evidence: readonly Evidence[];
}

/** Signers whose shortcomings are told in one message. */
const TOLD_SIGNERS = 8;

interface Entry {
  readonly tag: string;
  readonly target: TargetFact;
  readonly role: TargetsFacts;
}

/** `targets/releases` where the repository delegates it; refused where it does but cannot be used. */
const releasesOf = (facts: TrustFacts): Result<TargetsFacts | undefined> => {
  const releases = facts.delegations.get(RELEASES);
  if (releases === undefined || isUsable(releases)) return accept(releases);
  return refuse(releases.code, `${facts.gun} releases tags by ${RELEASES}, which cannot be used: ${releases.message}.`);
};

const digestOf = (gun: string, { tag, target, role }: Entry): Result<Digest> =>
  target.sha256 === undefined
    ? refuse('TRUST_MALFORMED', `${role.role} of ${gun} signs the tag ${tag} without a SHA-256 of 32 bytes.`)
    : accept<Digest>(`sha256:${target.sha256}`);

const entryOf = (tag: string, role: TargetsFacts | undefined): Entry | undefined => {
  const target = role?.targets.get(tag);
  return role === undefined || target === undefined ? undefined : { tag, target, role };
};

/** Every entry for the digest that no released entry of the same tag stands before. */
const entriesFor = (sha256: string, facts: TrustFacts, releases: TargetsFacts | undefined): readonly Entry[] => {
  const found: Entry[] = [];
  for (const role of releases === undefined ? [facts.targets] : [releases, facts.targets]) {
    for (const [tag, target] of role.targets) {
      const shadowed = role !== releases && releases?.targets.has(tag) === true;
      if (target.sha256 === sha256 && !shadowed) found.push({ tag, target, role });
    }
  }
  return found;
};

/** The signer's role, if it lists the signer's key and that key signed it; else the refusal that says what is amiss. */
const roleOf = (facts: TrustFacts, signer: Signer): Result<TargetsFacts> => {
  const name = `targets/${signer.name}`;
  const missing = (what: string): Result<never> =>
    refuse(
      'TRUST_SIGNER_MISSING',
      `Signer ${signer.name} (Secret ${signer.secret}) has not signed ${facts.gun}: ${what}.`,
    );
  const role = facts.delegations.get(name);
  if (role === undefined) return missing(`the repository has no role ${name}`);
  if (!isUsable(role)) {
    if (role.code === 'TRUST_NOT_SIGNED') return missing(role.message);
    return refuse(role.code, `The role ${name} of ${facts.gun} cannot be used: ${role.message}.`);
  }
  const ids = [...role.fingerprints]
    .filter(([, fingerprint]) => fingerprint === signer.key.fingerprint)
    .map(([id]) => id);
  if (ids.length === 0) return missing(`its key is not among those listed for ${name}`);
  if (!ids.some((id) => role.signedBy.has(id)))
    return missing(`its key is listed for ${name}, but another key signed version ${role.version} of it`);
  return accept(role);
};

/** Why a signer's role does not vouch for an entry, or undefined. */
const disagreement = (facts: TrustFacts, entry: Entry, signer: Signer, role: TargetsFacts): Refusal | undefined => {
  const target = role.targets.get(entry.tag);
  if (target === undefined)
    return {
      code: 'TRUST_SIGNER_MISSING',
      message: `Signer ${signer.name} (Secret ${signer.secret}) has not signed the tag ${entry.tag} of ${facts.gun}: ${role.role} does not hold it.`,
    };
  if (target.sha256 !== entry.target.sha256)
    return {
      code: 'TRUST_DIGEST_CONFLICT',
      message: `The tag ${entry.tag} of ${facts.gun} is ${text(entry.target)} in ${entry.role.role}, but ${text(target)} in ${role.role}.`,
    };
  return undefined;
};

const text = ({ sha256 }: TargetFact): string => (sha256 === undefined ? 'without a SHA-256' : `sha256:${sha256}`);

/** What each role shows: of cached facts every admission tells the same. */
const shown = new WeakMap<RoleFacts, Evidence>();

const seen = (role: RoleFacts): Evidence => {
  const known = shown.get(role);
  if (known !== undefined) return known;
  const { version, signedBy, threshold, expires } = role;
  const detail = `version ${version}, signed by ${signedBy.size} (threshold ${threshold}), expires ${timeText(expires)}`;
  const told = { subject: role.role, detail };
  shown.set(role, told);
  return told;
};

const evidenceOf = (facts: TrustFacts, entry: Entry, roles: readonly TargetsFacts[]): readonly Evidence[] => {
  const { gun, root, timestamp, snapshot, targets } = facts;
  const first = { subject: gun, detail: `the tag ${entry.tag} is ${text(entry.target)} in ${entry.role.role}` };
  const told: Evidence[] = [first, seen(root), seen(timestamp), seen(snapshot), seen(targets)];
  const add = (role: TargetsFacts): void => {
    if (!told.includes(seen(role))) told.push(seen(role));
  };
  add(entry.role);
  roles.forEach(add);
  return told;
};

const candidates = (
  facts: TrustFacts,
  wanted: Wanted,
  releases: TargetsFacts | undefined,
): Result<readonly Entry[]> => {
  if (wanted.tag === undefined && wanted.digest !== undefined) {
    const entries = entriesFor(wanted.digest.slice('sha256:'.length), facts, releases);
    return entries.length > 0
      ? accept(entries)
      : refuse('TRUST_NOT_SIGNED', `No released tag of ${facts.gun} is signed for ${wanted.digest}.`);
  }
  const tag = wanted.tag ?? 'latest';
  const entry = entryOf(tag, releases) ?? entryOf(tag, facts.targets);
  return entry === undefined
    ? refuse('TRUST_NOT_SIGNED', `The tag ${tag} of ${facts.gun} is not signed.`)
    : accept([entry]);
};

/** Who has to vouch: all of these signers, or so many distinct keys of theirs. */
interface Quorum {
  readonly signers: readonly Signer[];
  readonly threshold: number | undefined;
}

/**
 * The verdict on verified facts: the digest that the tag is released for, in `targets/releases` where that holds it, else in `targets`; with
 * every signer's role holding the same, signed by that signer's own key. With `threshold`, as many of the signers are enough, each
 * counted by his key: one key under two names is one signer. Without tag and digest the tag is `latest`; with a digest alone, some
 * tag must be released for it on which the signers agree. Refuses with TRUST_NOT_SIGNED, TRUST_SIGNER_MISSING,
 * TRUST_DIGEST_CONFLICT, TRUST_MALFORMED, or the code of a role that cannot be used.
 */
export function judge(
  facts: TrustFacts,
  wanted: Wanted,
  signers: readonly Signer[],
  threshold?: number,
): Result<Released> {
  const releases = releasesOf(facts);
  if (!releases.ok) return releases;
  const entries = candidates(facts, wanted, releases.value);
  if (!entries.ok) return entries;
  if (threshold === undefined) {
    for (const signer of signers) {
      const role = roleOf(facts, signer);
      if (!role.ok) return role;
    }
  }
  return choose(facts, { entries: entries.value, digest: wanted.digest }, { signers, threshold });
}

const NOBODY = accept<readonly TargetsFacts[]>([]);

type Choice = { readonly entries: readonly Entry[]; readonly digest: Digest | undefined };

const choose = (facts: TrustFacts, choice: Choice, quorum: Quorum): Result<Released> => {
  const asksNobody = quorum.signers.length === 0 && quorum.threshold === undefined;
  let first: Refusal | undefined;
  for (const entry of choice.entries) {
    const digest = digestOf(facts.gun, entry);
    if (!digest.ok) return digest;
    if (choice.digest !== undefined && digest.value !== choice.digest)
      return refuse(
        'TRUST_DIGEST_CONFLICT',
        `The tag ${entry.tag} of ${facts.gun} is signed for ${digest.value}, not for ${choice.digest}.`,
      );
    const roles = asksNobody ? NOBODY : agreed(facts, entry, quorum);
    if (roles.ok)
      return accept({ tag: entry.tag, digest: digest.value, evidence: evidenceOf(facts, entry, roles.value) });
    first ??= roles.refusal;
  }
  return {
    ok: false,
    refusal: first ?? { code: 'TRUST_NOT_SIGNED', message: `Nothing is signed for it in ${facts.gun}.` },
  };
};

/** The roles that vouch for an entry, where these are enough. */
const agreed = (facts: TrustFacts, entry: Entry, quorum: Quorum): Result<readonly TargetsFacts[]> => {
  const roles: TargetsFacts[] = [];
  const keys = new Set<string>();
  const short: Refusal[] = [];
  for (const signer of quorum.signers) {
    const role = roleOf(facts, signer);
    const refusal = role.ok ? disagreement(facts, entry, signer, role.value) : role.refusal;
    if (refusal !== undefined) short.push(refusal);
    else if (role.ok) {
      roles.push(role.value);
      keys.add(signer.key.fingerprint);
    }
  }
  const { threshold } = quorum;
  if (threshold !== undefined)
    return keys.size >= threshold ? accept(roles) : tooFew(facts, entry, quorum, { keys, short });
  const [refusal] = short;
  return refusal === undefined ? accept(roles) : { ok: false, refusal };
};

type Shortfall = { readonly keys: ReadonlySet<string>; readonly short: readonly Refusal[] };

const tooFew = (facts: TrustFacts, entry: Entry, quorum: Quorum, { keys, short }: Shortfall): Result<never> => {
  const { signers, threshold } = quorum;
  const agreeing = signers.length - short.length;
  const shared = agreeing > keys.size ? `, for ${agreeing} signers share ${keys.size} of them` : '';
  const reasons = short.slice(0, TOLD_SIGNERS).map(({ message }) => message);
  const head = `${keys.size} of ${threshold} keys that must have signed the tag ${entry.tag} of ${facts.gun} did (of ${signers.length} signers named${shared}).`;
  return refuse('TRUST_SIGNER_MISSING', [head, ...reasons].join(' '));
};
