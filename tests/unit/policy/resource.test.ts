import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { CURRENT_GROUP, identify, identityKey, LEGACY_GROUP, labelOf } from '../../../functions/policy/resource.ts';
import { policyOf } from '../../support/policies.ts';

const labelled = (object: JsonObject): string | undefined => {
  const identity = identify(object);
  return identity && labelOf(identity);
};

describe('the identity of a policy object', () => {
  it('is its group, kind, namespace and name, whatever its version', () => {
    expect(identify({ ...policyOf('p', [], { namespace: 'team' }), apiVersion: `${CURRENT_GROUP}/v9` })).toEqual({
      group: CURRENT_GROUP,
      kind: 'ImagePolicy',
      namespace: 'team',
      name: 'p',
    });
  });

  it('is told apart by group: two of one name are two objects', () => {
    const keys = [false, true].map((legacy) => {
      const identity = identify(policyOf('p', [], { legacy }));
      return identity && identityKey(identity);
    });
    expect(new Set(keys).size).toBe(2);
    expect(labelled(policyOf('p', [], { legacy: true }))).toBe(`ClusterImagePolicy p (${LEGACY_GROUP})`);
  });

  it.each<[string, JsonObject]>([
    ['another group', { apiVersion: 'example.com/v1', kind: 'ImagePolicy' }],
    ['another kind', { apiVersion: `${CURRENT_GROUP}/v1`, kind: 'ImagePolicyList' }],
    ['a group that merely ends alike', { apiVersion: `evil.${CURRENT_GROUP}/v1`, kind: 'ImagePolicy' }],
    ['no apiVersion', { kind: 'ImagePolicy' }],
    ['an apiVersion that is a list', { apiVersion: [`${CURRENT_GROUP}/v1`], kind: 'ImagePolicy' }],
    ['a reserved word', { apiVersion: '__proto__', kind: 'constructor' }],
  ])('is none with %s', (_, object) => {
    expect(identify({ ...object, metadata: { name: 'p' } })).toBeUndefined();
  });

  it.each<[JsonValue, string]>([
    [{ name: 'p' }, 'ImagePolicy default/p'],
    [{ name: 'p', namespace: null }, 'ImagePolicy default/p'],
    [{ name: 'p', namespace: 7 }, 'ImagePolicy (no namespace)/p'],
    [{ name: 'p', namespace: 'x'.repeat(1_000) }, 'ImagePolicy (no namespace)/p'],
    [{ namespace: 'team' }, 'ImagePolicy team/(no name)'],
    [{ name: 'x'.repeat(1_000), namespace: 'team' }, 'ImagePolicy team/(no name)'],
    [null, 'ImagePolicy default/(no name)'],
    ['p', 'ImagePolicy default/(no name)'],
  ])('with metadata %j is told as %s', (metadata, label) => {
    expect(labelled({ apiVersion: `${CURRENT_GROUP}/v1`, kind: 'ImagePolicy', metadata })).toBe(label);
  });
});
