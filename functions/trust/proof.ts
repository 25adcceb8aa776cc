import { type Awaitable, after } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import { type Digest, type ImageReference, repositoryName } from '../image/reference.ts';
import type { Mode, NotaryRequirement, RootPin, Rule } from '../policy/policy.ts';
import type {
  AdmittedMemory,
  AdmittedQuery,
  Clock,
  Cluster,
  Credential,
  CredentialSource,
  TrustQuery,
  TrustSource,
} from '../ports.ts';
import type { Workload } from '../request/workload.ts';
import { signedName } from './mirror.ts';
import { demandOf } from './notary/admitted.ts';
import type { TrustFacts } from './notary/facts.ts';
import { judge, type Signer } from './notary/signers.ts';
import { resolvePins } from './roots.ts';
import { findSecret, readSigner } from './secret.ts';
import { trustServerOf } from './servers.ts';
import type { Verdict } from './verdict.ts';

/** One image under the rule that decides on it. */
export interface ImageQuestion {
  readonly reference: ImageReference;
  readonly rule: Rule;
  /** Namespace of the workload. */
  readonly namespace: string;
  readonly workload: Pick<Workload, 'pullSecrets' | 'serviceAccount'>;
  readonly dryRun: boolean;
  /** The mode of rules that name none. */
  readonly mode: Mode;
}

/** What a proof needs of the outside. */
export interface Prover {
  readonly trust: TrustSource;
  readonly cluster: Pick<Cluster, 'secret'>;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** TRUST_SERVERS: trust server by registry host. */
  readonly trustServers: ReadonlyMap<string, string>;
  /** TRUST_ROOTS_FILE: root pins of the whole cluster, for repositories that the policy's own do not cover. */
  readonly roots?: readonly RootPin[];
  /** TRUST_FIRST_USE: false where no policy may take a root at first sight. */
  readonly firstUse?: boolean;
  /** What was admitted before, and may be for a while after it left the trust data. */
  readonly admitted?: AdmittedMemory;
}

/** A refusal is only given on trust data verified within this time (ms), so that an image signed a moment ago is not refused for what was cached. */
const FRESH_FOR_REFUSAL = 2_000;

/** An image and one demand of Notary v1. */
export type NotaryQuestion = ImageQuestion & { readonly requirement: NotaryRequirement };

/** The verdict of Notary v1 on an image. Throws `TrustError`, and `Fault` where there is no answer. */
export function verifyNotary(prover: Prover, question: NotaryQuestion, signal: AbortSignal): Awaitable<Verdict> {
  const { reference, requirement } = question;
  const name = signedName(reference, requirement.repository);
  if (!name.ok) return { outcome: 'denied', ...name.refusal };
  const { registry, repository } = name.value;
  const server = requirement.trustServer ?? trustServerOf(registry, prover.trustServers);
  if (server === undefined) {
    const message = `No trust server is known for ${registry}.`;
    return { outcome: 'denied', code: 'TRUST_NO_SERVER', message };
  }
  const gun = repositoryName(name.value);
  return after(groundsOf(prover, question, { registry, repository, gun }, signal), (grounds) => {
    const { signers, credentials, root } = grounds;
    const inquiry = { question, server, gun, registry, signers, credentials, root, roles: rolesOf(signers) };
    return after(look(prover, inquiry, undefined, signal), (first) =>
      first.verdict.outcome === 'trusted' ? noted(prover, inquiry, first) : lookAgain(prover, inquiry, signal),
    );
  });
}

/** Nothing is refused but on trust data of this moment, and what was admitted before may go on. */
async function lookAgain(prover: Prover, inquiry: Inquiry, signal: AbortSignal): Promise<Verdict> {
  const last = await look(prover, inquiry, prover.clock.now() - FRESH_FOR_REFUSAL, signal);
  if (last.verdict.outcome === 'trusted') return noted(prover, inquiry, last);
  return stillAdmitted(prover, inquiry, last, signal);
}

/** What a look at the trust data goes by, beside the question. */
interface Grounds {
  readonly signers: readonly Signer[];
  readonly credentials: readonly Credential[];
  readonly root: RootWanted;
}

interface Inquiry extends Grounds {
  readonly question: NotaryQuestion;
  readonly server: string;
  readonly gun: string;
  readonly registry: string;
  /** Roles of the signers, sorted. */
  readonly roles: readonly string[];
}

/** Signers, credentials and pins, asked for side by side; the credentials alone where neither Secrets nor roots are named. */
function groundsOf(
  prover: Prover,
  question: NotaryQuestion,
  { registry, repository, gun }: { readonly registry: string; readonly repository: string; readonly gun: string },
  signal: AbortSignal,
): Awaitable<Grounds> {
  const { requirement, namespace, workload } = question;
  const { pullSecrets, serviceAccount } = workload;
  const query = { namespace, pullSecrets, serviceAccount, registry, repository };
  const credentials = prover.credentials.credentials(query, signal);
  const named = requirement.signerSecrets.length + (requirement.roots?.length ?? 0) + (prover.roots?.length ?? 0);
  if (named === 0)
    return after(credentials, (held) => ({ signers: [], credentials: held, root: unpinned(prover, requirement) }));
  const pins = rootOf(prover, question, gun, signal);
  return Promise.all([readSigners(prover, question, signal), credentials, pins]).then(([signers, held, root]) => {
    return { signers, credentials: held, root };
  });
}

const NO_ROLES: readonly string[] = [];
const rolesOf = (signers: readonly Signer[]): readonly string[] =>
  signers.length === 0 ? NO_ROLES : [...new Set(signers.map(({ name }) => `targets/${name}`))].toSorted();

interface Look {
  readonly facts: TrustFacts;
  /** The tag that is signed for the digest; of what is denied, the tag that the image names. */
  readonly tag: string | undefined;
  readonly verdict: Verdict;
}

function look(prover: Prover, inquiry: Inquiry, notBefore: number | undefined, signal: AbortSignal): Awaitable<Look> {
  const { question, signers, credentials } = inquiry;
  const { reference, requirement } = question;
  const ask = (credential: Credential | undefined): Awaitable<TrustFacts> =>
    prover.trust.facts(queryOf(inquiry, credential, notBefore), signal);
  const asked = credentials.length === 0 ? ask(undefined) : firstAdmitted([...credentials, undefined], ask);
  return after(asked, (facts) => {
    const judged = judge(facts, reference, signers, requirement.signerThreshold);
    if (judged.ok) {
      const { tag, digest, evidence } = judged.value;
      return { facts, tag, verdict: { outcome: 'trusted', digest, evidence } };
    }
    const { code, message } = judged.refusal;
    return { facts, tag: reference.tag, verdict: { outcome: 'denied', code, message } };
  });
}

function queryOf(inquiry: Inquiry, credential: Credential | undefined, notBefore: number | undefined): TrustQuery {
  const { question, server, gun, registry, roles, root } = inquiry;
  const { pins, firstUse, onlyVouched, vouches } = root;
  const address = { server, gun, registry, credential };
  return { address, roles, notBefore, dryRun: question.dryRun, pins, firstUse, onlyVouched, vouches };
}

/** Where, and by which demand, a digest is admitted. */
function admissionOf({ question, server, gun, signers }: Inquiry, { facts, tag }: Look): Omit<AdmittedQuery, 'sha256'> {
  const { namespace, requirement } = question;
  return { server, gun, namespace, tag, demand: demandOf(facts, signers, requirement.signerThreshold) };
}

const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

/** Refusals of a digest that has left the trust data: nothing is signed for it any more, or its tag is signed for another one. */
const LEFT: ReadonlySet<string> = new Set(['TRUST_NOT_SIGNED', 'TRUST_DIGEST_CONFLICT']);

/** Notes what is admitted. In an outage the verdict warns. */
function noted(prover: Prover, inquiry: Inquiry, look: Look): Verdict {
  const { verdict, facts } = look;
  const { reference, dryRun } = inquiry.question;
  if (verdict.outcome !== 'trusted') return verdict;
  const { digest } = verdict;
  if (digest !== undefined && !dryRun) prover.admitted?.note({ ...admissionOf(inquiry, look), sha256: hexOf(digest) });
  if (facts.unanswered === undefined) return verdict;
  return { ...verdict, warning: unansweredWarning(reference, facts.unanswered) };
}

/**
 * Lets in a while longer what was admitted before: the very digest, in the same namespace, by the same signers and keys, under a
 * tag that is signed anew as demanded. A tag that was revoked leaves nothing behind. A workload that runs is not cut off by the signing of the next version.
 */
async function stillAdmitted(prover: Prover, inquiry: Inquiry, look: Look, signal: AbortSignal): Promise<Verdict> {
  const { verdict, facts } = look;
  const { question, signers, gun } = inquiry;
  const { reference, requirement } = question;
  const { digest } = reference;
  if (verdict.outcome !== 'denied' || digest === undefined || !LEFT.has(verdict.code)) return verdict;
  const isSigned = (tag: string | undefined, wanted: Digest | undefined): boolean =>
    judge(facts, { tag, digest: wanted }, signers, requirement.signerThreshold).ok;
  const today = { isSigned: isSigned(undefined, digest), stands: (tag: string) => isSigned(tag, undefined) };
  const query = { ...admissionOf(inquiry, look), sha256: hexOf(digest) };
  const until = await prover.admitted?.pardon(query, today, signal);
  return until === undefined ? verdict : pardoned(reference, digest, { gun, until });
}

/** The verdict on a digest that was admitted here before, and that its tag has left behind since. */
function pardoned(
  { written }: ImageReference,
  digest: Digest,
  { gun, until }: { readonly gun: string; readonly until: number },
): Verdict {
  const signed = until === Number.POSITIVE_INFINITY;
  const end = signed ? 'while it is signed under another tag' : `until ${new Date(until).toISOString()}`;
  const what = signed ? 'is signed under another tag alone by now' : 'is no longer signed';
  const detail = `${digest} was trusted when it was admitted here, and is ${end}`;
  const warning = `${written} ${what}; it is admitted ${end} because it was admitted in this namespace before. Roll out the image that is signed now.`;
  return { outcome: 'trusted', digest, evidence: [{ subject: gun, detail }], warning };
}

/** In an outage the answer says so: what was signed or revoked since is not seen yet. API servers cut a warning at 256 characters. */
function unansweredWarning(
  { written }: ImageReference,
  { since, cause }: NonNullable<TrustFacts['unanswered']>,
): string {
  return `${written} is admitted by trust data of ${new Date(since).toISOString()}: ${cause.message}`;
}

async function readSigners(prover: Prover, question: NotaryQuestion, signal: AbortSignal): Promise<readonly Signer[]> {
  const { requirement, namespace } = question;
  return Promise.all(
    requirement.signerSecrets.map(async (named) =>
      readSigner(await findSecret(prover.cluster, named, namespace, signal)),
    ),
  );
}

/** What root the repository may have. */
type RootWanted = Pick<TrustQuery, 'pins' | 'firstUse' | 'onlyVouched' | 'vouches'>;

/** Whether first sight is enough, where no roots are named. The cluster's no stands; what was let in before it counts on. */
function unpinned(prover: Prover, { firstUse, roots = [] }: NotaryRequirement): RootWanted {
  const allowed = firstUse ?? roots.length === 0;
  return { pins: undefined, firstUse: prover.firstUse !== false && allowed, onlyVouched: !allowed, vouches: false };
}

/**
 * By the pins of the policy, else by those of the cluster, else whether first sight is enough. A policy that writes roots means them: what they
 * do not cover is not taken at first sight unless it says so, nor because another policy let it in.
 */
async function rootOf(
  prover: Prover,
  { requirement, rule, namespace }: NotaryQuestion,
  gun: string,
  signal: AbortSignal,
): Promise<RootWanted> {
  const roots = requirement.roots ?? [];
  const pinned = async (from: readonly RootPin[]) =>
    from.length === 0 ? undefined : resolvePins({ roots: from, gun, namespace }, prover.cluster, signal);
  const own = await pinned(roots);
  const pins = own ?? (await pinned(prover.roots ?? []));
  const vouches = pins !== undefined && (own === undefined ? isOfCluster(prover.roots) : isOfCluster(roots, rule));
  return { ...unpinned(prover, requirement), pins, vouches };
}

/** Whether roots are written by who speaks for the cluster: not in a tenant's policy, and not in a Secret of the workload's own namespace. */
const isOfCluster = (roots: readonly RootPin[] = [], rule?: Rule): boolean =>
  (rule?.source.namespace ?? '') === '' &&
  roots.every(({ secret }) => secret === undefined || secret.namespace !== undefined);

/** The answer to the first credential that the server does not refuse; where it refuses all, the last refusal. */
export async function firstAdmitted<T>(
  credentials: readonly (Credential | undefined)[],
  ask: (credential: Credential | undefined) => Awaitable<T>,
): Promise<T> {
  let refused: Fault | undefined;
  for (const credential of credentials) {
    try {
      return await ask(credential);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'AUTH_REFUSED') throw error;
      refused = error;
    }
  }
  throw refused ?? new Fault('BUG', 'No credential was tried.');
}
