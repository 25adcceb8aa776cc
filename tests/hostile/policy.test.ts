import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { LIMITS } from '../../functions/limits.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { type PolicySnapshot, snapshotOf } from '../../functions/policy/snapshot.ts';
import { image, policyOf, trusting } from '../support/policies.ts';

const WORDS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
const good = policyOf('good', [{ name: 'quay.io/*' }]);

/** What holds of any snapshot in which `good` stands: good images go on, and nothing else is free. */
function holds(snapshot: PolicySnapshot): void {
  const selected = selectRule(snapshot, 'team', image('quay.io/a/b'));
  expect(selected.ok && selected.value.source.name).toBe('good');
  const other = selectRule(snapshot, 'team', image('nginx'));
  expect(!other.ok || other.value.requirements.length > 0).toBe(true);
  for (const { object, field, message } of snapshot.problems) {
    expect(object.length + field.length).toBeLessThan(2_000);
    expect(message.length).toBeLessThan(5_000);
    expect(field).not.toBe('');
    expect(message).toMatch(/[.]$/);
  }
}

const deep = (levels: number): JsonValue => {
  let value: JsonValue = 'bottom';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
};

describe('a policy object that is hostile', () => {
  it.each<[string, JsonValue]>([
    ['null', null],
    ['a number', 7],
    ['a text', '*'],
    ['a list', [[]]],
    ['an object of reserved words', JSON.parse(`{${WORDS.map((word) => `"${word}": {}`).join(',')}}`)],
    ['100,000 levels', deep(100_000)],
    ['a text of a million characters', 'x'.repeat(1_000_000)],
    ['as many nulls as etcd holds (1.5 MB)', Array.from({ length: 300_000 }, () => null)],
  ])('takes nothing down with %s in any of its fields', (_, value) => {
    const rule = { name: 'docker.io/*', policy: { trust: { enabled: true } } };
    const objects: JsonObject[] = [
      { ...policyOf('bad', []), metadata: value },
      { ...policyOf('bad', []), metadata: { name: value } },
      { ...policyOf('bad', [], { namespace: 'other' }), metadata: { name: 'bad', namespace: value } },
      { ...policyOf('bad', []), spec: value },
      policyOf('bad', value),
      policyOf('bad', [value]),
      policyOf('bad', [{ ...rule, name: value }]),
      policyOf('bad', [{ ...rule, policy: value === null ? 0 : value }]),
      policyOf('bad', [{ ...rule, policy: { trust: value } }]),
      ...['enabled', 'signerSecrets', 'signerThreshold', 'trustServer', 'roots', 'firstUse', 'repository'].map(
        (field) => policyOf('bad', [trusting('docker.io/*', { [field]: value })]),
      ),
      policyOf('bad', [
        trusting('docker.io/*', { roots: [{ gun: value, keyIds: value, publicKeys: [value], secret: value }] }),
      ]),
      policyOf('bad', [{ ...rule, policy: { simple: { requirements: [value] } } }]),
      policyOf('bad', [], { spec: { floor: value } }),
    ];
    for (const object of objects) holds(snapshotOf([object, good]));
  });

  it('is reported with the others, all at once, and each of its images is refused', () => {
    const bad = ['a', 'b', 'c'].map((name) => policyOf(name, [trusting(`${name}.io/*`, { enabled: name })]));
    const snapshot = snapshotOf([...bad, good]);
    expect(snapshot.problems.map(({ object, field }) => `${object}: ${field}`)).toEqual(
      ['a', 'b', 'c'].map((name) => `ClusterImagePolicy ${name}: spec.repositories[0].policy.trust.enabled`),
    );
    for (const name of ['a', 'b', 'c']) {
      const selected = selectRule(snapshot, 'team', image(`${name}.io/x/y`));
      expect(selected.ok && selected.value.requirements).toMatchObject([{ type: 'invalid' }]);
    }
    holds(snapshot);
  });

  it.each(WORDS)('may be called %s like any other, in name, namespace and fields', (word) => {
    const named = JSON.parse(
      `{"name": "docker.io/*", "policy": {"trust": {"${word}": {"enabled": true}}}}`,
    ) as JsonObject;
    holds(snapshotOf([policyOf(word, [named]), good]));
    const own = snapshotOf([policyOf(word, [{ name: '*' }], { namespace: word }), good]);
    expect(selectRule(own, word, image('nginx')).ok).toBe(true);
    expect(selectRule(own, 'team', image('nginx')).ok).toBe(false);
    expect(({} as { enabled?: boolean }).enabled).toBeUndefined();
  });

  it('cannot pass for the object of another namespace by characters in its name', () => {
    const names = ['team/x', '../team', 'team x', 'team\u0000', 'TEAM', ' team', '?', ''];
    for (const name of names) {
      const lax = {
        ...policyOf('p', [{ name: '*' }], { namespace: 'other' }),
        metadata: { name: 'p', namespace: name },
      };
      const selected = selectRule(snapshotOf([lax, good]), 'team', image('nginx'));
      expect(selected.ok).toBe(false);
    }
  });

  it('with as many rules as are read is read and chosen from', () => {
    const rules = Array.from({ length: LIMITS.rulesPerPolicy }, (_, index) => trusting(`host${index}.io/*a*b*c*`));
    const snapshot = snapshotOf([policyOf('large', rules), good]);
    holds(snapshot);
    const long = image(`host7.io/${'ab'.repeat(100)}`);
    for (let run = 0; run < 10; run += 1) expect(selectRule(snapshot, 'team', long).ok).toBe(false);
  });

  it('never brings the snapshot to throw or to let something in, whatever JSON it is', () => {
    const shape = fc.record(
      {
        apiVersion: fc.constantFrom(
          'portieris.cloud.ibm.com/v1',
          'securityenforcement.admission.cloud.ibm.com/v1beta1',
        ),
        kind: fc.constantFrom('ImagePolicy', 'ClusterImagePolicy'),
        metadata: fc.oneof(fc.constant({ name: 'x', namespace: 'elsewhere' }), fc.jsonValue({ maxDepth: 2 })),
        spec: fc.oneof(
          fc.record({
            repositories: fc.array(fc.jsonValue({ maxDepth: 5 }), { maxLength: 3 }),
            floor: fc.jsonValue({ maxDepth: 1 }),
          }),
          fc.jsonValue({ maxDepth: 4 }),
        ),
      },
      { requiredKeys: ['apiVersion', 'kind'] },
    );
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 4 }), (objects) => {
        // A name that is a good pattern lets its images in, as it should: only what is asked of quay.io is held here.
        const snapshot = snapshotOf([...(objects as JsonObject[]), good]);
        const selected = selectRule(snapshot, 'team', image('quay.io/a/b'));
        expect(typeof selected.ok).toBe('boolean');
        for (const { message } of snapshot.problems) expect(message.length).toBeLessThan(5_000);
      }),
      { numRuns: 200 },
    );
  });
});
