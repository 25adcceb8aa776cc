import { LIMITS } from '../limits.ts';
import type { FieldProblem } from './problem.ts';

/** What a policy can be told of itself; the reason of a cause in a refusal, and part of the status. */
export type FindingReason =
  | 'Invalid'
  | 'Weak'
  | 'UnreachableRule'
  | 'DuplicatePattern'
  | 'MatchesNothing'
  | 'OneRepositoryOnly'
  | 'OpenEndedName'
  | 'OpenEndedHost'
  | 'NoRules'
  | 'TrustIsOff'
  | 'NoTrustServer'
  | 'RootsElsewhere'
  | 'MapElsewhere'
  | 'NothingPinned'
  | 'FirstUseWithoutEffect'
  | 'AlwaysRefused'
  | 'WithoutEffect'
  | 'SecretUnusable'
  | 'SameKey'
  | 'NotLookedAt';

/** One thing that a policy is told of itself. */
export interface Finding extends FieldProblem {
  readonly reason: FindingReason;
  /** Refused: the object can't be meant, and is not taken. Warned: it is taken, and the sentence said. */
  readonly severity: 'refused' | 'warned';
}

/** A finding that is only told. */
export const warned = (reason: FindingReason, field: string, message: string): Finding => ({
  reason,
  field,
  message,
  severity: 'warned',
});

/** A finding for which the object is not taken. */
export const refused = (reason: FindingReason, field: string, message: string): Finding => ({
  reason,
  field,
  message,
  severity: 'refused',
});

/** Findings, refused ones first, at most LIMITS.problemsPerPolicy of a severity and one that counts the rest. */
export function boundedFindings(findings: readonly Finding[]): readonly Finding[] {
  return (['refused', 'warned'] as const).flatMap((severity) => {
    const held = findings.filter((finding) => finding.severity === severity);
    const rest = held.length - LIMITS.problemsPerPolicy;
    if (rest <= 0) return held;
    const more = `has ${rest} more findings; correct the ones above first.`;
    return [...held.slice(0, LIMITS.problemsPerPolicy), { ...warned('NotLookedAt', 'spec', more), severity }];
  });
}
