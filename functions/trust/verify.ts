import { Fault } from '../codes.ts';
import { type ImageReference, repositoryName } from '../image/reference.ts';
import type { NotaryRequirement, Requirement, Rule } from '../policy/policy.ts';
import type { Clock, Cluster, Credential, CredentialSource, TrustQuery, TrustSource } from '../ports.ts';
import type { Workload } from '../request/workload.ts';
import { TrustError } from './notary/error.ts';
import { judge, type Signer } from './notary/signers.ts';
import { readSigner } from './secret.ts';
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
}

/** What a proof needs of the outside. */
export interface Prover {
  readonly trust: TrustSource;
  readonly cluster: Pick<Cluster, 'secret'>;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** TRUST_SERVERS: trust server by registry host. */
  readonly trustServers: ReadonlyMap<string, string>;
}

/** A refusal is only given on trust data verified within this time (ms), so that an image signed a moment ago is not refused for what was cached. */
const FRESH_FOR_REFUSAL = 2_000;

/** One image × its rule → verdict: every requirement must hold, and all that give a digest must give the same. Throws nothing but bugs. */
export async function verifyImage(prover: Prover, question: ImageQuestion, signal: AbortSignal): Promise<Verdict> {
  try {
    const verdicts = await Promise.all(
      question.rule.requirements.map((requirement) => verifyRequirement(prover, { ...question, requirement }, signal)),
    );
    return join(verdicts);
  } catch (error) {
    if (error instanceof Fault) return { outcome: 'unknown', fault: error };
    if (error instanceof TrustError) return { outcome: 'denied', code: error.code, message: error.message };
    throw error;
  }
}

function join(verdicts: readonly Verdict[]): Verdict {
  const failed =
    verdicts.find(({ outcome }) => outcome === 'denied') ?? verdicts.find(({ outcome }) => outcome === 'unknown');
  if (failed !== undefined) return failed;
  const trusted = verdicts.filter((verdict) => verdict.outcome === 'trusted');
  const digests = new Set(trusted.map(({ digest }) => digest).filter((digest) => digest !== undefined));
  if (digests.size > 1) {
    const message = `The proofs name different digests: ${[...digests].join(', ')}.`;
    return { outcome: 'denied', code: 'TRUST_DIGEST_CONFLICT', message };
  }
  const [digest] = digests;
  return { outcome: 'trusted', digest, evidence: trusted.flatMap(({ evidence }) => evidence) };
}

type RequirementQuestion = ImageQuestion & { readonly requirement: Requirement };

async function verifyRequirement(prover: Prover, question: RequirementQuestion, signal: AbortSignal): Promise<Verdict> {
  const { requirement } = question;
  switch (requirement.type) {
    case 'notary':
      return verifyNotary(prover, { ...question, requirement }, signal);
    case 'reject':
      return {
        outcome: 'denied',
        code: 'POLICY_REJECTS',
        message: 'The policy refuses every image of this repository.',
      };
    case 'unsupported':
      return {
        outcome: 'denied',
        code: 'POLICY_UNSUPPORTED',
        message: `The policy asks for ${requirement.what}, which this gate cannot check.`,
      };
    case 'invalid':
      return {
        outcome: 'denied',
        code: 'POLICY_INVALID',
        message: `The rule is not valid: ${requirement.problems.join('; ')}.`,
      };
  }
}

type NotaryQuestion = ImageQuestion & { readonly requirement: NotaryRequirement };

async function verifyNotary(prover: Prover, question: NotaryQuestion, signal: AbortSignal): Promise<Verdict> {
  const { reference, requirement, dryRun } = question;
  const server = requirement.trustServer ?? trustServerOf(reference.registry, prover.trustServers);
  if (server === undefined) {
    const message = `No trust server is known for ${reference.registry}.`;
    return { outcome: 'denied', code: 'TRUST_NO_SERVER', message };
  }
  const [signers, credentials] = await Promise.all([
    readSigners(prover, question, signal),
    prover.credentials.credentials({ ...question.workload, namespace: question.namespace, ...reference }, signal),
  ]);
  const roles = signers.map(({ name }) => `targets/${name}`).toSorted();
  const ask = (credential: Credential | undefined, notBefore: number | undefined): TrustQuery => ({
    address: { server, gun: repositoryName(reference), registry: reference.registry, credential },
    roles,
    notBefore,
    dryRun,
  });
  const look = async (notBefore: number | undefined): Promise<Verdict> => {
    const facts = await firstAdmitted([...credentials, undefined], (credential) =>
      prover.trust.facts(ask(credential, notBefore), signal),
    );
    const judged = judge(facts, reference, signers);
    return judged.ok
      ? { outcome: 'trusted', ...judged.value }
      : { outcome: 'denied', code: judged.refusal.code, message: judged.refusal.message };
  };
  const verdict = await look(undefined);
  return verdict.outcome === 'denied' ? look(prover.clock.now() - FRESH_FOR_REFUSAL) : verdict;
}

async function readSigners(prover: Prover, question: NotaryQuestion, signal: AbortSignal): Promise<Signer[]> {
  return Promise.all(
    question.requirement.signerSecrets.map(async ({ namespace = question.namespace, name }) =>
      readSigner(`${namespace}/${name}`, await prover.cluster.secret(namespace, name, signal)),
    ),
  );
}

/** The answer to the first credential that the server does not refuse; where it refuses all, the last refusal. */
async function firstAdmitted<T>(
  credentials: readonly (Credential | undefined)[],
  ask: (credential: Credential | undefined) => Promise<T>,
): Promise<T> {
  let refused: Fault = new Fault('BUG', 'No credential was tried.');
  for (const credential of credentials) {
    try {
      return await ask(credential);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'AUTH_REFUSED') throw error;
      refused = error;
    }
  }
  throw refused;
}
