import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isObject, type JsonObject, type JsonValue } from '../../../functions/json.ts';
import { compilePolicy } from '../../../functions/policy/compile.ts';
import { refused } from '../../../functions/policy/finding.ts';
import {
  CURRENT_GROUP,
  identify,
  LEGACY_GROUP,
  type PolicyGroup,
  type PolicyKind,
  VERSIONS,
} from '../../../functions/policy/resource.ts';
import { ruleErrors, shellErrors, specSchema } from '../../../functions/policy/schema.ts';
import { statusOf } from '../../../functions/policy/status.ts';
import { fits, type StructuralSchema } from '../../support/structural.ts';

const CRDS = resolve(import.meta.dirname, '../../../policies/crds');
const KINDS = ['ImagePolicy', 'ClusterImagePolicy'] as const;
const GROUPS = [CURRENT_GROUP, LEGACY_GROUP] as const;
const EACH = GROUPS.flatMap((group) => KINDS.map((kind) => ({ group, kind })));
const fileOf = (group: PolicyGroup, kind: PolicyKind): string =>
  `${kind === 'ImagePolicy' ? 'imagepolicies' : 'clusterimagepolicies'}.${group}.yaml`;

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      readonly subresources?: JsonObject;
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[];
    }[];
  };
}
const crdOf = (group: PolicyGroup, kind: PolicyKind): Crd =>
  parse(readFileSync(join(CRDS, fileOf(group, kind)), 'utf8')) as Crd;
const rootOf = (group: PolicyGroup, kind: PolicyKind): StructuralSchema =>
  crdOf(group, kind).spec.versions[0]?.schema.openAPIV3Schema ?? {};
const specOf = (group: PolicyGroup, kind: PolicyKind): StructuralSchema =>
  ((rootOf(group, kind)['properties'] as JsonObject)['spec'] as JsonObject) ?? {};

/** A schema without what only people or CEL read, and without defaults (the gate takes what is absent for the same); objects closed, as an API server with strict validation takes them. */
function bare(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(bare);
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).filter(
    ([name, value]) =>
      !(name === 'description' && typeof value === 'string') && !['x-kubernetes-validations', 'default'].includes(name),
  );
  const kept = entries.map(([name, value]): [string, JsonValue] => [
    name,
    name === 'properties' && isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([field, of]) => [field, bare(of)]))
      : bare(value),
  ]);
  const closed = schema['type'] === 'object' && isObject(schema['properties']) && !Array.isArray(schema['properties']);
  return Object.fromEntries([...kept, ...(closed ? [['additionalProperties', false] as [string, JsonValue]] : [])]);
}

/** A value with the defaults of a schema, as an API server stores it. */
function withDefaults(schema: JsonValue | undefined, value: JsonValue): JsonValue {
  if (!isObject(schema)) return value;
  if (Array.isArray(value)) return value.map((item) => withDefaults(schema['items'], item));
  if (!isObject(value) || !isObject(schema['properties'])) return value;
  const filled = Object.entries(schema['properties']).flatMap(([name, of]): [string, JsonValue][] => {
    const held = value[name] ?? (isObject(of) ? of['default'] : undefined);
    return held === undefined ? [] : [[name, withDefaults(of, held)]];
  });
  return { ...value, ...Object.fromEntries(filled) };
}

const PEM = '-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----';
const SECRET = { name: 'a', namespace: 'b' };
/** A `spec` in which every field of the schema stands; no field asks for what another forbids. */
function fullSpec(group: PolicyGroup, kind: PolicyKind): JsonObject {
  const trust = {
    enabled: true,
    signerSecrets: [SECRET],
    signerThreshold: 1,
    trustServer: 'https://notary.example.com:4443',
    roots: [
      {
        gun: 'docker.io/acme/*',
        keyIds: ['a'.repeat(64)],
        publicKeys: [PEM],
        certificateAuthority: PEM,
        secret: SECRET,
      },
    ],
    firstUse: 'deny',
    repository: { prefix: 'mirror.example.com/hub', signedPrefix: 'docker.io' },
  };
  const signedIdentity = {
    type: 'remapIdentity',
    dockerReference: 'a',
    dockerRepository: 'b',
    prefix: 'c',
    signedPrefix: 'd',
  };
  const simple = {
    requirements: [{ type: 'signedBy', keySecret: 'a', keySecretNamespace: 'b', signedIdentity }],
    storeURL: 'https://example.com',
    storeSecret: 's',
  };
  const own =
    group === LEGACY_GROUP
      ? { va: { enabled: false } }
      : { vulnerability: { ICCRVA: { enabled: false, account: 'a' } }, mutateImage: true };
  const floor = kind === 'ClusterImagePolicy' ? { floor: true } : {};
  return { ...floor, repositories: [{ name: 'docker.io/*', policy: { trust, simple, mode: 'warn', ...own } }] };
}

type Path = readonly (string | number)[];
/** Paths of every value within a value. */
function pathsIn(value: JsonValue, at: Path = []): Path[] {
  const inner = Array.isArray(value) ? [...value.entries()] : isObject(value) ? Object.entries(value) : [];
  return [at, ...inner.flatMap(([step, one]) => pathsIn(one, [...at, step]))];
}
/** Names of every field of a schema, as `a.b[].c`. */
function fieldsOf(schema: JsonValue | undefined, at = ''): string[] {
  if (!isObject(schema)) return [];
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  const fields = properties.flatMap(([name, of]) => fieldsOf(of, `${at}.${name}`));
  return [at, ...fields, ...fieldsOf(schema['items'], `${at}[]`)];
}
const nameOf = (path: Path): string => path.map((step) => (typeof step === 'number' ? '[]' : `.${step}`)).join('');

/** A copy with the value at a path changed; `undefined` takes it out. */
function changed(value: JsonValue, path: Path, to: JsonValue | undefined): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return to ?? null;
  if (Array.isArray(value)) {
    const copy = value.map((one, index) => (index === step ? changed(one, rest, to) : one));
    return rest.length === 0 && to === undefined ? value.filter((_, index) => index !== step) : copy;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name]) => name !== step || rest.length > 0 || to !== undefined);
  return Object.fromEntries(entries.map(([name, one]) => [name, name === step ? changed(one, rest, to) : one]));
}

const long = (length: number): string => 'a'.repeat(length);
const VALUES: readonly (JsonValue | undefined)[] = [
  undefined, null, true, false, 0, 1, 64, 65, -1, 1.5, 1e300, '', ' ', 'a', 'A', 'a b', 'a/b', 'a.b/c*', '*', 'a*b', '-a', 'a-', 'a\n', 'deny',
  'https://a', 'http://a', 'https://a/b', long(63), long(64), long(253), long(254), long(1024), long(1025), long(2049), long(16_385),
  [], [null], ['a'], [{}], [{ name: 'a' }], {}, { unknown: 1 }, { name: 'a' }, { type: 'reject' }, { ['__proto__x']: 1 },
  Array.from({ length: 33 }, () => ({})), Array.from({ length: 65 }, () => ({ name: 'a' })), JSON.parse('{"__proto__": {"name": "a"}}') as JsonValue,
]; // biome-ignore format: a table reads better in rows

const metadata = { name: 'p', namespace: 'team' };
const objectOf = (group: PolicyGroup, kind: PolicyKind, spec: JsonValue): JsonObject => ({
  apiVersion: `${group}/${VERSIONS.get(group)}`,
  kind,
  metadata,
  spec,
});

/** What the gate's schemas say of a `spec`, its rules one by one. */
function gateTakes(group: PolicyGroup, kind: PolicyKind, spec: JsonValue): boolean {
  const rules = isObject(spec) ? spec['repositories'] : undefined;
  const object = objectOf(group, kind, spec);
  return (
    shellErrors(kind, object).length === 0 &&
    Array.isArray(rules) &&
    rules.every((rule) => ruleErrors(group, rule).length === 0)
  );
}

describe('the CRDs', () => {
  it('are one for each kind of each group, with its scope and version', () => {
    const files = readdirSync(CRDS).filter((name) => name.includes('imagepolicies'));
    expect(files.toSorted()).toEqual(EACH.map(({ group, kind }) => fileOf(group, kind)).toSorted());
    for (const { group, kind } of EACH) {
      const { spec } = crdOf(group, kind);
      expect(spec.group).toBe(group);
      expect(spec.names.kind).toBe(kind);
      expect(spec.scope).toBe(kind === 'ImagePolicy' ? 'Namespaced' : 'Cluster');
      expect(spec.versions.map(({ name }) => name)).toEqual([VERSIONS.get(group)]);
      expect(spec.versions[0]?.additionalPrinterColumns.length).toBeGreaterThan(2);
    }
  });

  it.each(EACH)(
    'say of the $kind of $group what the schemas of the gate say: every field, type, enum and bound',
    ({ group, kind }) => {
      expect(bare(specOf(group, kind))).toEqual(specSchema(group, kind));
    },
  );

  it.each(EACH)('explain every field of the $kind of $group but the items of plain lists', ({ group, kind }) => {
    const silent = (schema: JsonValue | undefined, at: string): string[] => {
      if (!isObject(schema)) return [];
      const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
      const own = typeof schema['description'] === 'string' || at.endsWith('[]') ? [] : [at];
      return [
        ...own,
        ...properties.flatMap(([name, of]) => silent(of, `${at}.${name}`)),
        ...silent(schema['items'], `${at}[]`),
      ];
    };
    expect(silent(specOf(group, kind), 'spec')).toEqual([]);
  });

  it.each(EACH)('are met in every field by the cases below: $kind of $group', ({ group, kind }) => {
    const spec = fullSpec(group, kind);
    const met = new Set(pathsIn(spec).map(nameOf));
    expect(fieldsOf(specOf(group, kind)).filter((field) => !met.has(field))).toEqual([]);
    expect(fits(specOf(group, kind), spec)).toBe(true);
    expect(gateTakes(group, kind, spec)).toBe(true);
  });

  it.each(EACH)(
    'accept and refuse what the gate accepts and refuses, whatever stands in whichever field: $kind of $group',
    ({ group, kind }) => {
      const schema = specOf(group, kind);
      const spec = fullSpec(group, kind);
      const cases = pathsIn(spec)
        .slice(1)
        .flatMap((path) => VALUES.map((value) => ({ path, value, one: changed(spec, path, value) })));
      const refused = cases.filter(({ one }) => !fits(schema, one)).length;
      const differing = cases
        .filter(({ one }) => fits(schema, one) !== gateTakes(group, kind, one))
        .map(({ path, value }) => [nameOf(path), value]);
      expect(differing).toEqual([]);
      expect(refused).toBeGreaterThan(500);
    },
  );

  it.each(EACH)('agree with the gate on several changes at once: $kind of $group', ({ group, kind }) => {
    const schema = specOf(group, kind);
    const spec = fullSpec(group, kind);
    const paths = pathsIn(spec).slice(1);
    const change = fc.tuple(
      fc.constantFrom(...paths),
      fc.oneof(fc.constantFrom(...VALUES), fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const one = changes.reduce<JsonValue>((now, [path, to]) => changed(now, path, to), spec);
        expect(gateTakes(group, kind, one)).toBe(fits(schema, one));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what the CRDs say beside the spec', () => {
  it.each(EACH)(
    'is a status that takes what is written into it, through its own subresource: $kind of $group',
    ({ group, kind }) => {
      const version = crdOf(group, kind).spec.versions[0];
      expect(version?.subresources).toEqual({ status: {} });
      const schema = (rootOf(group, kind)['properties'] as JsonObject)['status'] as JsonObject;
      const object = { ...objectOf(group, kind, { repositories: [] }), metadata: { ...metadata, generation: 3 } };
      const finding = refused('Invalid', 'spec.repositories[0].name', 'is wrong; correct it.');
      for (const findings of [[], [finding]]) {
        const status = statusOf(object, { findings, rules: 0 }, 0);
        expect(status).toBeDefined();
        expect(fits(schema, status ?? null)).toBe(true);
      }
    },
  );

  it.each(EACH)('is columns for kubectl get that lead to fields of the schema: $kind of $group', ({ group, kind }) => {
    const columns = crdOf(group, kind).spec.versions[0]?.additionalPrinterColumns ?? [];
    expect(columns.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Valid', 'Reason', 'Problems', 'Rules', 'Age']),
    );
    const known = new Set(fieldsOf(rootOf(group, kind)));
    const lost = columns
      .map(({ jsonPath }) => jsonPath.replaceAll(/\[[^\]]*\]/g, '[]'))
      .filter((path) => !path.startsWith('.metadata') && !known.has(path));
    expect(lost).toEqual([]);
  });

  it.each(EACH)('are defaults that the gate takes for the same as nothing: $kind of $group', ({ group, kind }) => {
    const rules = { repositories: [{ name: '*', policy: { trust: { enabled: true } } }] };
    const filled = withDefaults(specOf(group, kind), rules) as JsonObject;
    const policyOf = (spec: JsonValue) => {
      const object = objectOf(group, kind, spec);
      const identity = identify(object);
      if (identity === undefined) throw new Error('it is a policy');
      const { floor, problems, rules: compiled } = compilePolicy(object, identity);
      return {
        floor,
        problems,
        rules: compiled.map(({ requirements, mutateImage }) => ({ requirements, mutateImage })),
      };
    };
    expect(policyOf(filled)).toEqual(policyOf(rules));
    const written = kind === 'ClusterImagePolicy' || group === CURRENT_GROUP;
    expect(JSON.stringify(filled) !== JSON.stringify(rules)).toBe(written);
  });
});

describe('the rules in CEL', () => {
  /** Each rule by its message, with a `trust` that breaks it and the end of the field in which the gate sees the same. */
  const RULES: readonly (readonly [message: string, trust: JsonObject, field: string])[] = [
    [
      'enabled must be written, true or false, where something else is asked for',
      { firstUse: 'deny' },
      'trust.enabled',
    ],
    [
      'signerThreshold is larger than the number of signerSecrets',
      { enabled: true, signerThreshold: 2, signerSecrets: [{ name: 'a' }] },
      'trust.signerThreshold',
    ],
    [
      'pins nothing; write keyIds, publicKeys, certificateAuthority or secret',
      { enabled: true, roots: [{ gun: '*' }] },
      'trust.roots[0]',
    ],
  ];
  const messagesIn = (schema: JsonValue | undefined): string[] => {
    if (Array.isArray(schema)) return schema.flatMap(messagesIn);
    if (!isObject(schema)) return [];
    const rules = (schema['x-kubernetes-validations'] ?? []) as unknown as readonly { readonly message: string }[];
    return [...rules.map(({ message }) => message), ...Object.values(schema).flatMap(messagesIn)];
  };

  it.each(EACH)('are these in the $kind of $group, and the gate refuses what they refuse', ({ group, kind }) => {
    expect([...new Set(messagesIn(specOf(group, kind)))].filter((message) => typeof message === 'string')).toEqual(
      expect.arrayContaining(RULES.map(([message]) => message)),
    );
    expect(new Set(messagesIn(specOf(group, kind)).filter(Boolean)).size).toBe(RULES.length);
    for (const [, trust, field] of RULES) {
      const object = objectOf(group, kind, { repositories: [{ name: '*', policy: { trust } }] });
      const identity = identify(object);
      if (identity === undefined) throw new Error('it is a policy');
      expect(compilePolicy(object, identity).problems.map((problem) => problem.field)).toEqual([
        expect.stringContaining(field),
      ]);
    }
  });
});
