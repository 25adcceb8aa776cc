import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../../../functions/policy/policy.ts';
import { precedes } from '../../../functions/policy/rank.ts';
import { compiled, policyOf } from '../../support/policies.ts';

const rulesOf = (name: string, patterns: readonly string[], legacy = false): readonly Rule[] =>
  compiled(
    policyOf(
      name,
      patterns.map((pattern) => ({ name: pattern })),
      { legacy },
    ),
  ).rules;
const order = (rules: readonly Rule[]): string[] =>
  rules.toSorted(precedes).map(({ source, pattern }) => `${source.name}${source.index} ${pattern.written}`);

describe('the order of rules', () => {
  it('puts a pattern without a star before any with one, however long that is', () => {
    expect(order(rulesOf('p', ['docker.io/acme/application*', 'acme/app']))).toEqual([
      'p1 acme/app',
      'p0 docker.io/acme/application*',
    ]);
  });

  it('puts the longer one first, stars not counted', () => {
    expect(order(rulesOf('p', ['*', 'docker.io/***', 'docker.io/a*', 'a.io/*']))).toEqual([
      'p2 docker.io/a*',
      'p1 docker.io/***',
      'p3 a.io/*',
      'p0 *',
    ]);
  });

  it('goes by object, then group, then place where patterns weigh the same', () => {
    const rules = [
      ...rulesOf('b', ['a.io/*']),
      ...rulesOf('a', ['b.io/*', 'c.io/*']),
      ...rulesOf('a', ['d.io/*'], true),
    ];
    expect(order(rules)).toEqual(['a0 b.io/*', 'a1 c.io/*', 'a0 d.io/*', 'b0 a.io/*']);
  });

  it('puts what cannot be read after everything', () => {
    expect(order([...rulesOf('a', ['']), ...rulesOf('z', ['*'])])).toEqual(['z0 *', 'a0 (unreadable)']);
  });

  it('is total: no two rules of different places are equal, and it does not depend on arrival', () => {
    const pool = ['a', 'b', 'c'].flatMap((name) => [
      ...rulesOf(name, ['*', 'a.io/*', 'b.io/*', 'a.io/x', 'nginx', '']),
      ...rulesOf(name, ['*', 'a.io/x'], true),
    ]);
    for (const one of pool) for (const other of pool) expect(precedes(one, other) === 0).toBe(one === other);
    const expected = order(pool);
    fc.assert(
      fc.property(fc.shuffledSubarray(pool, { minLength: pool.length }), (shuffled) => {
        expect(order(shuffled)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});
