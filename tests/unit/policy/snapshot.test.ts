import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../functions/image/reference.ts';
import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { selectRule } from '../../../functions/policy/select.ts';
import { type PolicySnapshot, snapshotOf } from '../../../functions/policy/snapshot.ts';

const CURRENT = 'portieris.cloud.ibm.com/v1';
const LEGACY = 'securityenforcement.admission.cloud.ibm.com/v1beta1';

const policy = (
  name: string,
  repositories: JsonValue,
  more: { namespace?: string; apiVersion?: string } = {},
): JsonObject => ({
  apiVersion: more.apiVersion ?? CURRENT,
  kind: more.namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy',
  metadata: { name, ...(more.namespace !== undefined && { namespace: more.namespace }) },
  spec: { repositories },
});
const trusting = (name: string, trust: JsonObject = {}): JsonObject => ({
  name,
  policy: { trust: { enabled: true, ...trust } },
});

/** Name of the rule's object and its field, or the code of the refusal. */
function chosen(snapshot: PolicySnapshot, namespace: string, image: string): string {
  const parsed = parseReference(image);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  const selected = selectRule(snapshot, namespace, parsed.value);
  return selected.ok ? `${selected.value.source.name} ${selected.value.source.field}` : selected.refusal.code;
}

describe('a policy snapshot', () => {
  it('uses only the ImagePolicies of a namespace that has any, of either group, and else the cluster policies', () => {
    const snapshot = snapshotOf([
      policy('cluster', [{ name: '*' }]),
      policy('own', [{ name: 'quay.io/*' }], { namespace: 'team', apiVersion: LEGACY }),
    ]);
    expect(chosen(snapshot, 'team', 'quay.io/a/b')).toBe('own spec.repositories[0]');
    expect(chosen(snapshot, 'team', 'nginx')).toBe('POLICY_NO_MATCH');
    expect(chosen(snapshot, 'other', 'nginx')).toBe('cluster spec.repositories[0]');
  });

  it('prefers an exact pattern, then the longer one', () => {
    const rules = [
      { name: '*' },
      { name: 'docker.io/*' },
      trusting('docker.io/acme/*'),
      trusting('docker.io/acme/app'),
    ];
    const snapshot = snapshotOf([policy('p', rules)]);
    expect(chosen(snapshot, 'any', 'acme/app:1')).toBe('p spec.repositories[3]');
    expect(chosen(snapshot, 'any', 'acme/web:1')).toBe('p spec.repositories[2]');
    expect(chosen(snapshot, 'any', 'nginx')).toBe('p spec.repositories[1]');
    expect(chosen(snapshot, 'any', 'quay.io/x/y')).toBe('p spec.repositories[0]');
  });

  it('chooses the same rule in whatever order the objects arrive', () => {
    const objects = [
      policy('b', [trusting('docker.io/acme/*'), { name: 'quay.io/*' }]),
      policy('a', [{ name: 'docker.io/acme/*' }]),
      policy('a', [trusting('docker.io/acme/*')], { apiVersion: LEGACY }),
      policy('c', [{ name: 'docker.io/*' }, { name: '*' }]),
    ];
    const images = ['acme/app', 'nginx', 'quay.io/a', 'us.icr.io/x/y'];
    const all = (order: readonly JsonObject[]): string[] => {
      const snapshot = order.reduce((built, object) => built.with(object), snapshotOf([]));
      return images.map((image) => chosen(snapshot, 'any', image));
    };
    fc.assert(
      fc.property(fc.shuffledSubarray(objects, { minLength: objects.length }), (order) => {
        expect(all(order)).toEqual(all(objects));
      }),
      { numRuns: 50 },
    );
  });

  it('is not changed by with and without, which give a new one', () => {
    const object = policy('p', [{ name: '*' }]);
    const empty = snapshotOf([]);
    const one = empty.with(object);
    expect(chosen(empty, 'any', 'nginx')).toBe('POLICY_NONE');
    expect(chosen(one, 'any', 'nginx')).toBe('p spec.repositories[0]');
    expect(chosen(one.without(object), 'any', 'nginx')).toBe('POLICY_NONE');
    expect(one.version).toBeGreaterThan(empty.version);
  });

  it('changes as a whole, and shares with the one before all that did not change', () => {
    const [kept, changed, gone] = ['kept', 'changed', 'gone'].map((namespace) =>
      policy('p', [{ name: 'nginx' }], { namespace }),
    ) as [JsonObject, JsonObject, JsonObject];
    const before = snapshotOf([kept, changed, gone]);
    const after = before.change({ put: [policy('p', [{ name: 'alpine' }], { namespace: 'changed' })], drop: [gone] });
    expect(after.rulesFor('kept').rules).toBe(before.rulesFor('kept').rules);
    expect(after.rulesFor('changed').rules.map(({ pattern }) => pattern.written)).toEqual(['alpine']);
    expect(after.rulesFor('gone')).toMatchObject({ scope: 'cluster', rules: [] });
    expect(before.rulesFor('gone').rules).toHaveLength(1);
    expect(before.change({ put: [{ kind: 'Pod' }], drop: [policy('q', [], { namespace: 'kept' })] })).toBe(before);
  });

  it('does not lose an object whose name is too long with another such one', () => {
    const [one, other] = ['x', 'y'].map((letter) => policy(letter.repeat(300), [], { namespace: 'team' })) as [
      JsonObject,
      JsonObject,
    ];
    const snapshot = snapshotOf([one, other]);
    expect(snapshot.without(one).rulesFor('team').rules).toHaveLength(1);
    expect(snapshot.without(one).without(other).rulesFor('team').scope).toBe('cluster');
  });

  it.each<[string, JsonValue]>([
    ['a trust server without TLS', [trusting('*', { trustServer: 'http://notary.example.com' })]],
    ['a field that is misspelt', [trusting('*', { trustserver: 'https://notary.example.com' })]],
    ['a wrong type', [{ name: '*', policy: { trust: { enabled: 'yes' } } }]],
  ])('refuses the images of a rule with %s and reports it with its field', (_, repositories) => {
    const snapshot = snapshotOf([policy('bad', repositories), policy('good', [{ name: 'quay.io/*' }])]);
    expect(snapshot.problems.length).toBeGreaterThan(0);
    for (const { object, field } of snapshot.problems) {
      expect(object).toBe('ClusterImagePolicy bad');
      expect(field).toMatch(/^spec\.repositories\[0\]/);
    }
    const parsed = parseReference('nginx');
    const selected = parsed.ok ? selectRule(snapshot, 'any', parsed.value) : parsed;
    expect(selected.ok && selected.value.requirements).toMatchObject([{ type: 'invalid' }]);
    expect(chosen(snapshot, 'any', 'quay.io/a/b')).toBe('good spec.repositories[0]');
  });

  it('takes a namespace with a wholly broken ImagePolicy for one that has its own', () => {
    const snapshot = snapshotOf([
      policy('cluster', [{ name: '*' }]),
      policy('broken', 'nothing', { namespace: 'team' }),
    ]);
    expect(chosen(snapshot, 'team', 'nginx')).not.toBe('cluster spec.repositories[0]');
    expect(chosen(snapshot, 'other', 'nginx')).toBe('cluster spec.repositories[0]');
  });

  it('never passes over a proof that it cannot check', () => {
    const rules = [
      { name: 'a.io/*', policy: { simple: { requirements: [{ type: 'signedBy', keySecret: 'k' }] } } },
      { name: 'b.io/*', policy: { vulnerability: { ICCRVA: { enabled: true } } } },
    ];
    const { rules: compiled } = snapshotOf([policy('p', rules)]).rulesFor('any');
    expect(compiled.map(({ requirements }) => requirements.map(({ type }) => type))).toEqual([
      ['unsupported'],
      ['unsupported'],
    ]);
  });
});
