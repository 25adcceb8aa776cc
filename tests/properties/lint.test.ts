import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers } from '../../functions/image/cover.ts';
import { compilePattern } from '../../functions/image/pattern.ts';
import { parseReference } from '../../functions/image/reference.ts';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { lintObject } from '../../functions/policy/lint.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import { compiled, policyOf } from '../support/policies.ts';

const part = fc.constantFrom('a', 'b', '*', 'a*', '*b', 'ab', 'library', 'a*b');
const host = fc.constantFrom('', 'docker.io/', '*/', 'r.io/', '*.io/', 'r.io:*/');
const end = fc.constantFrom('', ':1', ':1*', ':*', `@sha256:${'a'.repeat(64)}`, '@sha256:a*', ':1@sha256:*');
const pattern = fc
  .tuple(host, fc.array(part, { minLength: 1, maxLength: 3 }), end)
  .map(([a, b, c]) => a + b.join('/') + c);
const name = fc
  .tuple(
    fc.constantFrom('', 'docker.io/', 'r.io/', 'x.io/', 'r.io:5000/'),
    fc.array(fc.constantFrom('a', 'b', 'ab', 'acb', 'library'), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', ':1', ':12', `@sha256:${'a'.repeat(64)}`, `:1@sha256:${'a'.repeat(64)}`),
  )
  .map(([a, b, c]) => a + b.join('/') + c);
const asked = fc.constantFrom<JsonValue>(
  {},
  null,
  { trust: { enabled: true } },
  { trust: { enabled: false, firstUse: 'deny' } },
);
const rule = fc.record({ name: pattern, policy: asked }) as fc.Arbitrary<JsonObject>;
const knows = (): boolean => true;

describe('whatever a policy says', () => {
  it('looking at it never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (spec, status) => {
        const object = { ...policyOf('one', []), spec, status } as JsonObject;
        expect(Array.isArray(lintObject(object, snapshotOf([]), knows))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(rule, fc.jsonValue() as fc.Arbitrary<JsonObject>)), (rules) => {
        expect(Array.isArray(lintObject(policyOf('one', rules), snapshotOf([]), knows))).toBe(true);
      }),
    );
  });

  it('what the gate takes is not refused, but for pins that are for none of its images', () => {
    const roots = fc.array(fc.record({ gun: fc.constantFrom('*', 'r.io/a', 'r.io/*') }), { maxLength: 2 });
    const pinned = fc.tuple(pattern, roots).map(([written, entries]) => ({
      name: written,
      policy: { trust: { enabled: true, roots: entries.map((entry) => ({ ...entry, keyIds: ['ab'.repeat(32)] })) } },
    }));
    fc.assert(
      fc.property(fc.array(fc.oneof(rule, pinned as fc.Arbitrary<JsonObject>)), (rules) => {
        const object = policyOf('one', rules);
        const refused = lintObject(object, snapshotOf([]), knows).filter(({ severity }) => severity === 'refused');
        if (compiled(object).problems.length > 0) expect(refused.length).toBeGreaterThan(0);
        else expect(refused.filter(({ reason }) => reason !== 'RootsElsewhere')).toEqual([]);
      }),
    );
  });

  it('a rule that is said never to decide decides on no image', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 2, maxLength: 6 }), fc.array(name, { maxLength: 8 }), (rules, names) => {
        const snapshot = snapshotOf([policyOf('one', rules)]);
        const idle = lintObject(policyOf('one', rules), snapshot, knows)
          .filter(({ reason }) => reason === 'UnreachableRule' || reason === 'DuplicatePattern')
          .map(({ field }) => field.replace('.name', ''));
        for (const written of names) {
          const parsed = parseReference(written);
          if (!parsed.ok) continue;
          const chosen = selectRule(snapshot, 'team', parsed.value);
          if (chosen.ok) expect(idle).not.toContain(chosen.value.source.field);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a pattern that covers another one fits all that it fits', () => {
    fc.assert(
      fc.property(pattern, pattern, fc.array(name, { maxLength: 8 }), (wide, narrow, names) => {
        const [outer, inner] = [compilePattern(wide), compilePattern(narrow)];
        if (typeof outer === 'string' || typeof inner === 'string' || !covers(outer, inner)) return;
        for (const written of names) {
          const parsed = parseReference(written);
          if (parsed.ok && inner.matches(parsed.value)) expect(outer.matches(parsed.value)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
