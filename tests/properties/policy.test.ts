import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import type { Rule } from '../../functions/policy/policy.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { type PolicySnapshot, snapshotOf } from '../../functions/policy/snapshot.ts';
import { image, policyOf, trusting } from '../support/policies.ts';

const IMAGES = ['nginx', 'acme/app:v1', `acme/app:v1@sha256:${'a'.repeat(64)}`, 'quay.io/a/b', 'us.icr.io/x/y:2'];
const pattern = fc.constantFrom(
  '*',
  'docker.io/*',
  'nginx',
  'acme/app',
  'acme/app:v1',
  'acme/*',
  '*.io/*',
  'quay.io/a/b',
  '',
  'bad pattern',
);
const asked = fc.constantFrom<JsonValue>(
  {},
  null,
  { trust: { enabled: true } },
  { trust: { enabled: true, firstUse: 'allow' }, mutateImage: false },
  { trust: { enabled: 'yes' } },
  { simple: { requirements: [{ type: 'reject' }] } },
  { simple: { requirements: [{ type: 'insecureAcceptAnything' }] } },
);
const rules = fc.array(fc.record({ name: pattern, policy: asked }) as fc.Arbitrary<JsonObject>, { maxLength: 4 });
const objectIn = (namespace: string | undefined, spec: JsonObject = {}): fc.Arbitrary<JsonObject> =>
  fc.tuple(fc.constantFrom('a', 'b', 'c'), rules, fc.boolean()).map(([name, list, legacy]) => {
    const readable = legacy ? list.map((rule) => ({ ...rule, policy: null })) : list;
    return policyOf(name, readable, { legacy, spec, ...(namespace !== undefined && { namespace }) });
  });
const some = (object: fc.Arbitrary<JsonObject>) => fc.array(object, { maxLength: 3 });

function chosen(snapshot: PolicySnapshot, written: string): Rule | string {
  const selected = selectRule(snapshot, 'team', image(written));
  return selected.ok ? selected.value : selected.refusal.code;
}

describe('whatever policies there are', () => {
  it('a floor holds: each image that a rule of it refuses or wants proven is refused or wants that proof', () => {
    const floor = policyOf(
      'floor',
      [trusting('docker.io/*', { signerSecrets: [{ name: 's', namespace: 'security' }] })],
      {
        spec: { floor: true },
      },
    );
    fc.assert(
      fc.property(some(objectIn('team')), some(objectIn(undefined)), (own, cluster) => {
        const snapshot = snapshotOf([...own, ...cluster, floor]);
        for (const written of IMAGES.filter((one) => image(one).registry === 'docker.io')) {
          const rule = chosen(snapshot, written);
          if (typeof rule === 'string') continue;
          const demands = [...rule.requirements, ...(rule.floor?.requirements ?? [])];
          const held = demands.some(
            (one) => one.type === 'notary' && one.signerSecrets.some(({ name }) => name === 's'),
          );
          expect(held).toBe(true);
          expect(rule.mutateImage).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a floor opens nothing: what is refused without it is refused with it', () => {
    fc.assert(
      fc.property(some(objectIn('team')), objectIn(undefined, { floor: true }), (own, floor) => {
        fc.pre(own.length > 0);
        const [without, beside] = [snapshotOf(own), snapshotOf([...own, floor])];
        for (const written of IMAGES) {
          const [before, after] = [chosen(without, written), chosen(beside, written)];
          if (typeof before === 'string') expect(after).toBe(before);
          else expect((after as Rule).requirements).toEqual(before.requirements);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('those of another namespace change nothing', () => {
    fc.assert(
      fc.property(
        some(objectIn('team')),
        some(objectIn(undefined)),
        some(objectIn('other')),
        (own, cluster, foreign) => {
          const [without, beside] = [snapshotOf([...own, ...cluster]), snapshotOf([...foreign, ...own, ...cluster])];
          for (const written of IMAGES) {
            const place = (rule: Rule | string): unknown => (typeof rule === 'string' ? rule : rule.source);
            expect(place(chosen(beside, written))).toEqual(place(chosen(without, written)));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
