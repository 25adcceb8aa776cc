import type { RootOrigin } from '../ports.ts';
import type { DemandView, Explanation, RuleView } from './explain.ts';
import type { Reason, Status } from './findings.ts';
import type { ProofView, SignerView } from './proofs.ts';
import { count } from './render.ts';
import type { Paint } from './terminal.ts';
import { plain } from './terminal.ts';
import { expiryText, relativeTime } from './times.ts';
import { type Branch, branch, renderTree } from './tree.ts';
import type { RoleView } from './trustview.ts';

/** Rules that are shown although they do not match. */
const SHOWN_RULES = 8;
/** Tags of one digest that are shown. */
const SHOWN_TAGS = 20;

/** What a tree is drawn with. */
interface Look {
  readonly paint: Paint;
  /** ms since the epoch. */
  readonly now: number;
}

const FITS: Readonly<Record<RuleView['fit'], string>> = {
  decides: 'decides: the strongest that matches',
  weaker: 'matches, but a stronger rule decides',
  'tag-only': 'matches the tag alone; the digest beside it is what runs, and this rule asks for no proof of it',
  'no-match': 'does not match',
};

function ruleBranch({ rule, pattern, fit }: RuleView, { paint }: Look): Branch {
  const text = `${plain(rule)}  ${plain(pattern)}  ${FITS[fit]}`;
  return branch(fit === 'decides' ? paint.good(text) : paint.faint(text));
}

function rulesBranch(title: string, rules: readonly RuleView[], look: Look): Branch | undefined {
  const matching = rules.filter(({ fit }) => fit !== 'no-match');
  const others = rules.filter(({ fit }) => fit === 'no-match');
  const more = others.length - SHOWN_RULES;
  return branch(
    title,
    ...[...matching, ...others.slice(0, SHOWN_RULES)].map((rule) => ruleBranch(rule, look)),
    more > 0
      ? branch(look.paint.faint(`and ${count(more, 'rule')} more that ${more === 1 ? 'does' : 'do'} not match`))
      : undefined,
  );
}

function policiesBranch({ policies, namespace }: Explanation, look: Look): Branch {
  const { scope, objects, rules, floor, mode } = policies;
  const why =
    scope === 'namespace'
      ? `the namespace ${namespace} has ImagePolicies of its own, so only those count`
      : `the namespace ${namespace} has no ImagePolicy, so the ClusterImagePolicies count`;
  return branch(
    plain(`policies: ${why}`),
    branch(plain(`objects: ${objects.join(', ') || 'none'}`)),
    rules.length === 0 ? undefined : rulesBranch('rules, the stronger first', rules, look),
    floor.length === 0 ? undefined : rulesBranch('floor of the cluster, which must hold as well', floor, look),
    mode === 'enforce' ? undefined : branch(look.paint.doubtful(`mode: ${mode} (a proof that fails is tolerated)`)),
  );
}

const reasonBranch = ({ code, message }: Reason, { paint }: Look): Branch =>
  branch(`${paint.bad(`[${code}]`)} ${plain(message)}`);

const SERVERS = {
  policy: 'trust.trustServer of the policy',
  TRUST_SERVERS: 'from TRUST_SERVERS, by the host of the image',
  'built-in table': 'from the built-in table, by the host of the image',
} as const;

function roleBranch({ role, version, expires, threshold, keyIds, signedBy }: RoleView, { paint, now }: Look): Branch {
  const signed = new Set(signedBy);
  return branch(
    `${paint.strong(plain(role))} version ${version}, signed by ${signedBy.length} of ${count(keyIds.length, 'key')} (threshold ${threshold}), expires ${expiryText(expires, now)}`,
    ...keyIds.map((id) => branch(signed.has(id) ? paint.good(`${id} signed`) : paint.faint(`${id} did not sign`))),
  );
}

const ORIGINS: Readonly<Record<RootOrigin, string>> = {
  firstUse: 'by its first use',
  pinned: 'by pins of the cluster',
  operator: 'by the word of an operator',
};

function rootBranch({ root }: ProofView, { now }: Look): Branch | undefined {
  if (root === undefined) return undefined;
  const { by, remembered, pinnedKeyIds, firstUse } = root;
  const text = {
    pins: 'root: pinned, by the policy or TRUST_ROOTS_FILE',
    remembered: `root: not pinned; held to the one that is remembered, ${ORIGINS[remembered?.rootFrom ?? 'firstUse']}`,
    'first use': `root: not pinned and not remembered; ${firstUse ? 'the first one that is seen is believed' : 'none may be taken at first sight (firstUse)'}`,
  }[by];
  const seen = remembered?.lastSeen;
  return branch(
    text,
    ...pinnedKeyIds.map((id) => branch(`pinned ${id}`)),
    ...(remembered?.rootKeyIds ?? []).map((id) => branch(`remembered ${id}`)),
    seen === undefined ? undefined : branch(`last written ${seen} (${relativeTime(Date.parse(seen), now)})`),
    remembered?.frozen === true ? branch('frozen by an operator') : undefined,
  );
}

function signerBranch({ name, secret, signed, reason }: SignerView, look: Look): Branch {
  const { paint } = look;
  const who = plain(`${name ?? '(unknown)'}  Secret ${secret}`);
  if (signed) return branch(paint.good(`${who}  signed`));
  return branch(paint.bad(`${who}  missing`), reason === undefined ? undefined : reasonBranch(reason, look));
}

function signersBranch({ signers, signerThreshold }: ProofView, look: Look): Branch {
  if (signers.length === 0) return branch('signers: the policy names none; what the repository releases counts');
  const need = signerThreshold === signers.length ? 'all' : `${signerThreshold}`;
  return branch(
    `signers: ${need} of ${signers.length} must have signed`,
    ...signers.map((signer) => signerBranch(signer, look)),
  );
}

function tagsBranch({ tags, digest }: ProofView): Branch | undefined {
  if (digest === undefined) return undefined;
  const more = tags.length - SHOWN_TAGS;
  const shown = tags.slice(0, SHOWN_TAGS).join(', ') || 'none any more';
  return branch(plain(`${digest} is released under: ${shown}${more > 0 ? ` and ${more} more` : ''}`));
}

function demandBranch({ rule, demand, proof }: DemandView, look: Look): Branch {
  const title = plain(`${rule} asks: ${demand}`);
  if (proof === undefined) return branch(title);
  const { repository, server, serverBy, credential, roles, unusable, signers, reason } = proof;
  const told = signers.some((signer) => signer.reason?.message === reason?.message);
  return branch(
    title,
    repository === undefined ? undefined : branch(plain(`repository (GUN): ${repository}`)),
    server === undefined ? undefined : branch(plain(`trust server: ${server} (${SERVERS[serverBy ?? 'policy']})`)),
    credential === undefined ? undefined : branch(plain(`credential: ${credential}`)),
    rootBranch(proof, look),
    roles.length === 0 ? undefined : branch('chain of roles', ...roles.map((role) => roleBranch(role, look))),
    ...unusable.map(({ role, code, message }) =>
      branch(plain(`${role} cannot be used`), reasonBranch({ code, message } as Reason, look)),
    ),
    signersBranch(proof, look),
    tagsBranch(proof),
    reason === undefined || told ? undefined : reasonBranch(reason, look),
  );
}

const VERDICTS: Readonly<Record<Status, string>> = {
  admitted: 'ADMITTED',
  tolerated: 'ADMITTED, ALTHOUGH A PROOF FAILS',
  refused: 'REFUSED',
  unknown: 'REFUSED, FOR THERE IS NO ANSWER',
};

function verdictBranch(explanation: Explanation, look: Look): Branch {
  const { status, digest, replacement, reason, warning, demands } = explanation;
  const { paint } = look;
  const dress = { admitted: paint.good, tolerated: paint.doubtful, refused: paint.bad, unknown: paint.bad }[status];
  return branch(
    `verdict: ${dress(VERDICTS[status])}`,
    status === 'admitted' && demands.length === 0 ? branch('the rule asks for no proof') : undefined,
    digest === undefined ? undefined : branch(`digest: ${digest}`),
    replacement === undefined ? undefined : branch(plain(`written into the workload: ${replacement}`)),
    reason === undefined ? undefined : reasonBranch(reason, look),
    reason === undefined ? undefined : branch(`what to do: ${reason.remedy}`),
    warning === undefined ? undefined : branch(paint.doubtful(plain(`warning: ${warning}`))),
  );
}

/** The reasoning about one image as a tree. `now` in ms since the epoch. */
export function renderExplanation(explanation: Explanation, paint: Paint, now: number): string {
  const look = { paint, now };
  const { image, namespace, normalised, demands } = explanation;
  return renderTree(
    branch(
      `${paint.strong(plain(image))} in namespace ${plain(namespace)}`,
      normalised === undefined ? undefined : branch(plain(`normalised: ${normalised}`)),
      policiesBranch(explanation, look),
      ...demands.map((demand) => demandBranch(demand, look)),
      verdictBranch(explanation, look),
    ),
    paint.columns,
  );
}
