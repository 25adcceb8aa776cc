import { Fault } from '../codes.ts';
import type { Requirement, Rule } from '../policy/policy.ts';
import { TrustError } from './notary/error.ts';
import { type ImageQuestion, type Prover, verifyNotary } from './proof.ts';
import type { Verdict } from './verdict.ts';

export type { ImageQuestion, Prover } from './proof.ts';

/**
 * One image × its rule → verdict: every requirement must hold, those of the floor's rule as well, and all that give a digest must give the
 * same. Throws nothing but bugs.
 */
export async function verifyImage(prover: Prover, question: ImageQuestion, signal: AbortSignal): Promise<Verdict> {
  const { rule } = question;
  const own = rule.requirements.map((requirement) => answer(prover, { ...question, requirement }, signal));
  const floor = rule.floor?.requirements.map(async (requirement) =>
    named(rule.floor, await answer(prover, { ...question, requirement }, signal)),
  );
  return join(await Promise.all([...own, ...(floor ?? [])]));
}

/** A refusal of the floor says so: the rule that the answer names is another one. */
function named(floor: Rule | undefined, verdict: Verdict): Verdict {
  if (floor === undefined || verdict.outcome !== 'denied') return verdict;
  const { kind, name, field } = floor.source;
  return { ...verdict, message: `By the floor that ${kind} ${name}, ${field} sets: ${verdict.message}` };
}

async function answer(prover: Prover, question: RequirementQuestion, signal: AbortSignal): Promise<Verdict> {
  try {
    return await verifyRequirement(prover, question, signal);
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
  const warnings = trusted.flatMap(({ warning }) => warning ?? []);
  return {
    outcome: 'trusted',
    digest,
    evidence: trusted.flatMap(({ evidence }) => evidence),
    ...(warnings.length > 0 && { warning: warnings.join(' ') }),
  };
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
