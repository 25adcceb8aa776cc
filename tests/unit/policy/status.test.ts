import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { type Finding, refused, warned } from '../../../functions/policy/finding.ts';
import { statusOf } from '../../../functions/policy/status.ts';
import { policyOf } from '../../support/policies.ts';

const OBJECT = { ...policyOf('one', []), metadata: { name: 'one', generation: 2 } };
const BAD = refused('Invalid', 'spec.repositories[0].name', 'is wrong; correct it.');
const ODD = warned('SameKey', 'spec.repositories[1].policy', 'is odd; look at it.');
const T0 = Date.parse('2026-11-24T10:00:00.700Z');
const at = (findings: readonly Finding[], status: JsonObject | undefined, now = T0): JsonObject | undefined =>
  statusOf({ ...OBJECT, ...(status !== undefined && { status }) }, { findings, rules: 3 }, now);
const conditionOf = (status: JsonObject | undefined): JsonObject =>
  ((status?.['conditions'] ?? []) as JsonObject[])[0] ?? {};

describe('the status of a policy', () => {
  it('says that it is valid, with the generation that was looked at and the time', () => {
    expect(at([], undefined)).toEqual({
      conditions: [
        {
          type: 'Valid',
          status: 'True',
          reason: 'Valid',
          message: 'There is nothing to tell of it.',
          observedGeneration: 2,
          lastTransitionTime: '2026-11-24T10:00:00Z',
        },
      ],
      problems: 0,
      warnings: 0,
      rules: 3,
    });
  });

  it('says that it is not, with the first reason, the fields and how many there are', () => {
    const status = at([BAD, ODD], undefined);
    expect(status).toMatchObject({ problems: 1, warnings: 1 });
    expect(conditionOf(status)).toMatchObject({ status: 'False', reason: 'Invalid' });
    expect(conditionOf(status)['message']).toContain('spec.repositories[0].name is wrong; correct it.');
  });

  it('stays valid where there are warnings alone, and names the first', () => {
    expect(conditionOf(at([ODD], undefined))).toMatchObject({ status: 'True', reason: 'SameKey' });
  });

  it('is not written again where it stands, whatever the time is', () => {
    const status = at([BAD, ODD], undefined);
    expect(at([BAD, ODD], status, T0 + 3_600_000)).toBeUndefined();
  });

  it('moves the time of its transition only when the condition changes sides', () => {
    const first = at([BAD], undefined);
    const second = at([BAD, ODD], first, T0 + 60_000);
    expect(conditionOf(second)['lastTransitionTime']).toBe('2026-11-24T10:00:00Z');
    const third = at([ODD], second, T0 + 60_000);
    expect(conditionOf(third)['lastTransitionTime']).toBe('2026-11-24T10:01:00Z');
  });

  it('leaves conditions of other types, and replaces what is none', () => {
    const other = { type: 'Approved', status: 'True' };
    expect(at([], { conditions: [other] })?.['conditions']).toEqual([
      expect.objectContaining({ type: 'Valid' }),
      other,
    ]);
    for (const status of ['x', 1, null, [], { conditions: 'x' }, { conditions: [1] }])
      expect(at([], status as unknown as JsonObject)?.['rules']).toBe(3);
  });

  it('is bounded however much there is to tell', () => {
    const many = Array.from({ length: 90 }, () => refused('Invalid', 'spec', 'x'.repeat(1000)));
    const status = at(many, undefined);
    expect(status?.['problems']).toBe(90);
    expect(String(conditionOf(status)['message']).length).toBeLessThanOrEqual(2048);
  });
});
