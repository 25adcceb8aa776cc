import { type Awaitable, proceed } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import { type Digest, type ImageReference, repositoryName } from '../image/reference.ts';
import type { AdmittedQuery, Credential, TrustQuery } from '../ports.ts';
import { type Grounds, groundsOf } from './grounds.ts';
import { signedName } from './mirror.ts';
import { demandOf } from './notary/admitted.ts';
import type { TrustFacts } from './notary/facts.ts';
import { judge, type Signer } from './notary/signers.ts';
import type { NotaryQuestion, Prover } from './question.ts';
import { trustServerOf } from './servers.ts';
import type { Verdict } from './verdict.ts';

/** A refusal is only given on trust data verified within this time (ms), so that an image signed a moment ago is not refused for what was cached. */
const FRESH_FOR_REFUSAL = 2_000;

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
  return proceed(groundsOf(prover, question, { registry, repository, gun }, signal), (grounds) => {
    const { signers, credentials, root } = grounds;
    const inquiry = { question, server, gun, registry, signers, credentials, root, roles: rolesOf(signers) };
    return proceed(look(prover, inquiry, undefined, signal), (first) =>
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

interface Inquiry extends Grounds {
  readonly question: NotaryQuestion;
  readonly server: string;
  readonly gun: string;
  readonly registry: string;
  /** Roles of the signers, sorted. */
  readonly roles: readonly string[];
}

const rolesOf = (signers: readonly Signer[]): readonly string[] =>
  signers.length === 0 ? [] : [...new Set(signers.map(({ name }) => `targets/${name}`))].toSorted();

interface Look {
  readonly facts: TrustFacts;
  /** The tag that is signed for the digest; of what is denied, the tag that the image names. */
  readonly tag: string | undefined;
  readonly verdict: Verdict;
}

function look(prover: Prover, inquiry: Inquiry, notBefore: number | undefined, signal: AbortSignal): Awaitable<Look> {
  const { question, signers, credentials } = inquiry;
  const { reference, requirement } = question;
  // A refusal is noted by nobody, nor is what has no tag.
  const noted = prover.admitted !== undefined && notBefore === undefined && reference.tag !== undefined;
  const ask = (credential: Credential | undefined): Awaitable<TrustFacts> =>
    prover.trust.facts({ ...queryOf(inquiry, credential, notBefore), noted }, signal);
  const asked = credentials.length === 0 ? ask(undefined) : firstAdmitted([...credentials, undefined], ask);
  return proceed(asked, (facts) => {
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
  if (digest !== undefined && !dryRun)
    prover.admitted?.note({ ...admissionOf(inquiry, look), sha256: hexOf(digest) }, facts);
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
