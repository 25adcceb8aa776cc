import { describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { MODES } from '../../../functions/policy/policy.ts';
import { modeOf, strictest, tolerate } from '../../../functions/trust/mode.ts';
import type { Verdict } from '../../../functions/trust/verdict.ts';
import { compiled, policyOf } from '../../support/policies.ts';

const denied: Verdict = { outcome: 'denied', code: 'TRUST_NOT_SIGNED', message: 'Nobody signed it.' };
const trusted: Verdict = { outcome: 'trusted', digest: 'sha256:aa', evidence: [] };
const ruleOf = (mode?: string) => {
  const [rule] = compiled(policyOf('p', [{ name: '*', policy: mode === undefined ? {} : { mode } }])).rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
};

describe('a mode', () => {
  it('is enforce where any is', () => {
    for (const mode of MODES) expect(strictest(mode, 'enforce')).toBe('enforce');
    expect(strictest('audit', 'warn')).toBe('warn');
    expect(strictest('audit')).toBe('audit');
  });

  it('of a rule goes before the one of the cluster, and with a floor the stricter of both counts', () => {
    expect(modeOf(ruleOf('audit'), 'enforce')).toBe('audit');
    expect(modeOf(ruleOf(), 'warn')).toBe('warn');
    expect(modeOf({ ...ruleOf('audit'), floor: ruleOf() }, 'enforce')).toBe('enforce');
    expect(modeOf({ ...ruleOf('audit'), floor: ruleOf('warn') }, 'enforce')).toBe('warn');
  });

  it('leaves what is trusted as it is', () => {
    for (const mode of MODES) expect(tolerate(trusted, mode)).toBe(trusted);
  });

  it('that enforces leaves a refusal as it is', () => {
    expect(tolerate(denied, 'enforce')).toBe(denied);
  });

  it.each(['warn', 'audit'] as const)('%s lets a refusal pass with its reason, and without a digest', (mode) => {
    expect(tolerate(denied, mode)).toEqual({
      outcome: 'tolerated',
      digest: undefined,
      failures: [{ mode, code: 'TRUST_NOT_SIGNED', message: 'Nobody signed it.' }],
      evidence: [],
    });
  });

  it('keeps what broke, for the log', () => {
    const cause = new Error('broken');
    const verdict = tolerate({ outcome: 'unknown', fault: new Fault('BUG', 'No answer.', { cause }) }, 'audit');
    expect(verdict).toMatchObject({ outcome: 'tolerated', failures: [{ code: 'BUG', cause }] });
  });
});
