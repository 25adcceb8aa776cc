import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isRecordName } from '../../../../functions/io/recordtext.ts';
import { isObject, type JsonObject, type JsonValue } from '../../../../functions/json.ts';
import type { RememberedTrust } from '../../../../functions/ports.ts';
import {
  parseRecord,
  RECORD_GROUP,
  RECORD_PLURAL,
  RECORD_SPEC,
  RECORD_VERSION,
  recordedRepository,
  recordName,
  recordObject,
} from '../../../../functions/trust/notary/record.ts';

const NOW = Date.UTC(2026, 10, 24);
const seen: RememberedTrust = {
  server: 'https://notary.example',
  gun: 'docker.io/library/nginx',
  rootKeyIds: ['ab'.repeat(32)],
  versions: new Map([
    ['root', 1],
    ['targets/releases', 7],
    ['timestamp', 9],
  ]),
  expires: NOW + 1000,
};
const CRD = join(resolve(import.meta.dirname, '../../../../policies/crds'), `${RECORD_PLURAL}.${RECORD_GROUP}.yaml`);

/** A schema without its descriptions. */
function bare(schema: JsonValue): JsonValue {
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).filter(
    ([name, value]) => !(name === 'description' && typeof value === 'string'),
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, bare(value)]));
}

describe('a TrustRecord', () => {
  it('is read as it was written', () => {
    const object = recordObject(seen, NOW);
    expect(parseRecord(object, 'x')).toEqual({ ...seen, lastSeen: NOW });
    expect(recordedRepository(object)).toEqual({ server: seen.server, gun: seen.gun });
  });

  it.each(['firstUse', 'pinned', 'operator'] as const)('says that its root came by %s', (rootFrom) => {
    const object = recordObject({ ...seen, rootFrom }, NOW);
    expect(object).toMatchObject({ spec: { rootFrom } });
    expect(parseRecord(object, 'x').rootFrom).toBe(rootFrom);
  });

  it('keeps the metadata that it takes the place of: the version is what the API server compares', () => {
    const metadata = { name: 'x', resourceVersion: '5', labels: { a: 'b' } };
    expect(recordObject(seen, NOW, metadata)['metadata']).toEqual(metadata);
  });

  it('holds no more than what anybody may read in the trust data', () => {
    expect(Object.keys(recordObject(seen, NOW)['spec'] as JsonObject).toSorted()).toEqual([
      'expires',
      'lastSeen',
      'repository',
      'rootKeyIds',
      'server',
      'versions',
    ]);
  });

  it('has the schema of its CRD', () => {
    const crd = parse(readFileSync(CRD, 'utf8')) as {
      spec: {
        group: string;
        names: { plural: string };
        versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: JsonValue } } } }[];
      };
    };
    const [version] = crd.spec.versions;
    expect([crd.spec.group, crd.spec.names.plural, version?.name]).toEqual([
      RECORD_GROUP,
      RECORD_PLURAL,
      RECORD_VERSION,
    ]);
    expect(bare(version?.schema.openAPIV3Schema.properties.spec ?? null)).toEqual(RECORD_SPEC);
  });

  it('has a name that Kubernetes takes, and that differs for each repository and server', () => {
    const gun = fc.stringMatching(/^[a-z0-9._/:-]{1,200}$/);
    fc.assert(
      fc.property(gun, gun, (one, other) => {
        const name = recordName('https://a', one);
        expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,91}[a-z0-9])?$/);
        expect(isRecordName(name)).toBe(true);
        expect(name === recordName('https://a', other)).toBe(one === other);
        expect(name).not.toBe(recordName('https://b', one));
      }),
    );
  });

  it.each<[string, JsonValue, RegExp]>([
    ['without a spec', undefined as unknown as JsonValue, /spec/],
    ['of a text', 'x', /spec/],
    ['without keys', { rootKeyIds: [] }, /spec\.rootKeyIds/],
    ['with a root from nowhere', { rootFrom: 'hearsay' }, /spec\.rootFrom/],
    ['with a key in capitals', { rootKeyIds: ['AB'.repeat(32)] }, /spec\.rootKeyIds\.0/],
    ['with a version of zero', { versions: { root: 0 } }, /spec\.versions\.root/],
    ['with a version that is a text', { versions: { root: '1' } }, /spec\.versions\.root/],
    ['with a version beyond 2^53', { versions: { root: 2 ** 53 } }, /spec\.versions\.root/],
    ['without the version of root', { versions: { targets: 1 } }, /no version of root/],
    ['with an expiry that is no time', { expires: 'soon' }, /spec\.expires/],
    ['with a last seen that is no time', { lastSeen: '2026' }, /spec\.lastSeen/],
    ['with a number for frozen', { frozen: 1 }, /spec\.frozen/],
  ])('%s is refused with its field, never taken for absent', (_, change, said) => {
    const object = recordObject(seen, NOW);
    const spec = isObject(change) ? { ...(object['spec'] as JsonObject), ...change } : change;
    const changed = { ...object, spec } as JsonObject;
    expect(() => parseRecord(changed, 'TrustRecord x')).toThrow(
      expect.objectContaining({ code: 'TRUST_RECORD_INVALID', message: expect.stringMatching(said) }),
    );
  });

  it.each(['__proto__', 'constructor'])('may hold a role called %s like any other', (role) => {
    const object = JSON.parse(
      JSON.stringify(recordObject({ ...seen, versions: new Map([['root', 1]]) }, NOW)).replace(
        '"root":1',
        `"root":1,"${role}":3`,
      ),
    ) as JsonObject;
    expect(parseRecord(object, 'x').versions.get(role)).toBe(3);
  });
});
