import { MODES, type Mode, type Rule } from '../policy/policy.ts';
import type { Verdict } from './verdict.ts';

/** The strictest of these modes. */
export const strictest = (...modes: readonly Mode[]): Mode => MODES.find((mode) => modes.includes(mode)) ?? 'enforce';

/** The mode for what concerns a rule as a whole, its floor included; `fallback` is the cluster's. */
export const modeOf = ({ mode, floor }: Rule, fallback: Mode): Mode =>
  strictest(mode ?? fallback, ...(floor === undefined ? [] : [floor.mode ?? fallback]));

/** What a mode makes of a verdict: under warn and audit a refusal becomes a failure that is tolerated. */
export function tolerate(verdict: Verdict, mode: Mode): Verdict {
  if (mode === 'enforce' || (verdict.outcome !== 'denied' && verdict.outcome !== 'unknown')) return verdict;
  const { code, message } = verdict.outcome === 'denied' ? verdict : verdict.fault;
  const cause = verdict.outcome === 'unknown' ? verdict.fault.cause : undefined;
  const failure = { mode, code, message, ...(cause !== undefined && { cause }) };
  return { outcome: 'tolerated', digest: undefined, failures: [failure], evidence: [] };
}
