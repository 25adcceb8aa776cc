import { type Awaitable, all, proceed, rescue } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import type { NotaryRequirement, Requirement, Rule } from '../policy/policy.ts';
import { modeOf, tolerate } from './mode.ts';
import { TrustError } from './notary/error.ts';
import { verifyNotary } from './proof.ts';
import type { ImageQuestion, Prover } from './question.ts';
import type { Verdict } from './verdict.ts';

/**
 * One image × its rule → verdict: every requirement must hold, those of the floor's rule as well, and all that give a digest must give the
 * same. What fails is tolerated where the mode of the rule that demands it says so, a floor by its own. Throws nothing but bugs.
 */
export function verifyImage(prover: Prover, question: ImageQuestion, signal: AbortSignal): Awaitable<Verdict> {
  const { rule, mode } = question;
  const { floor } = rule;
  const ask = (by: Rule): Awaitable<readonly Verdict[]> =>
    all(
      by.requirements.map((requirement) =>
        rescue(() => verifyRequirement(prover, question, { by, requirement }, signal), unproven),
      ),
    );
  const own = proceed(ask(rule), (verdicts) => tolerate(joinVerdicts(verdicts), rule.mode ?? mode));
  if (floor === undefined) return own;
  const below = proceed(ask(floor), (verdicts) =>
    tolerate(joinVerdicts(verdicts.map((one) => named(floor, one))), floor.mode ?? mode),
  );
  return proceed(all([own, below]), (both) => tolerate(joinVerdicts(both), modeOf(rule, mode)));
}

/** A refusal of the floor says so: the rule that the answer names is another one. */
function named({ source }: Rule, verdict: Verdict): Verdict {
  if (verdict.outcome !== 'denied') return verdict;
  return {
    ...verdict,
    message: `By the floor that ${source.kind} ${source.name}, ${source.field} sets: ${verdict.message}`,
  };
}

/** What an error says of an image. Throws what is a bug. */
function unproven(error: unknown): Verdict {
  if (error instanceof Fault) return { outcome: 'unknown', fault: error };
  if (error instanceof TrustError) return { outcome: 'denied', code: error.code, message: error.message };
  throw error;
}

/** All of these verdicts as one: what is denied goes first, then what has no answer; proofs must give one digest, and what was tolerated stays so. */
export function joinVerdicts(verdicts: readonly Verdict[]): Verdict {
  const [only, ...more] = verdicts;
  if (only !== undefined && more.length === 0) return only;
  const failed =
    verdicts.find(({ outcome }) => outcome === 'denied') ?? verdicts.find(({ outcome }) => outcome === 'unknown');
  if (failed !== undefined) return failed;
  const passed = verdicts.filter((verdict) => verdict.outcome === 'trusted' || verdict.outcome === 'tolerated');
  const digests = new Set(passed.map(({ digest }) => digest).filter((digest) => digest !== undefined));
  if (digests.size > 1) {
    const message = `The proofs name different digests: ${[...digests].join(', ')}.`;
    return { outcome: 'denied', code: 'TRUST_DIGEST_CONFLICT', message };
  }
  const [digest] = digests;
  const failures = passed.flatMap((verdict) => (verdict.outcome === 'tolerated' ? verdict.failures : []));
  const warnings = passed.flatMap(({ warning }) => warning ?? []);
  const told = {
    digest,
    evidence: passed.flatMap(({ evidence }) => evidence),
    ...(warnings.length > 0 && { warning: warnings.join(' ') }),
  };
  return failures.length > 0 ? { outcome: 'tolerated', failures, ...told } : { outcome: 'trusted', ...told };
}

/** One requirement, and the rule that makes it. */
interface Demand {
  readonly by: Rule;
  readonly requirement: Requirement;
}

function verifyRequirement(
  prover: Prover,
  question: ImageQuestion,
  { by, requirement }: Demand,
  signal: AbortSignal,
): Awaitable<Verdict> {
  if (requirement.type !== 'notary') return refusedBy(requirement);
  const { reference, namespace, workload, dryRun, mode } = question;
  return verifyNotary(prover, { reference, rule: by, namespace, workload, dryRun, mode, requirement }, signal);
}

/** What no proof can satisfy. */
function refusedBy(requirement: Exclude<Requirement, NotaryRequirement>): Verdict {
  switch (requirement.type) {
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
