import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { exemptImage } from '../../functions/request/exempt.ts';
import { readWorkload, WORKLOAD_KINDS, type Workload, workloadKind } from '../../functions/request/workload.ts';
import { KIND_NAMES, KINDS, type KindName, workloadOf } from '../support/review.ts';

const image = fc.constantFrom('a:1', 'b:1', 'c:1', '', ' ', `d@sha256:${'d'.repeat(64)}`);
const container = fc.record({ name: fc.constantFrom('x', 'y'), image }, { requiredKeys: ['name'] });
const list = fc.array(container, { maxLength: 4 });
const volume = image.map((reference): JsonObject => ({ name: 'v', image: { reference } }));
const podSpec = fc.record(
  { containers: list, initContainers: list, ephemeralContainers: list, volumes: fc.array(volume, { maxLength: 2 }) },
  { requiredKeys: ['containers'] },
) as unknown as fc.Arbitrary<JsonObject>;

const read = (kind: KindName, object: JsonObject) => {
  const entry = workloadKind(WORKLOAD_KINDS, KINDS[kind].group, kind);
  if (entry === undefined) throw new Error(`${kind} is not in the table`);
  return readWorkload(entry, object);
};
const workload = (kind: KindName, object: JsonObject): Workload => {
  const result = read(kind, object);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
};
/** RFC 6901, as a reader of ours would apply it. */
const at = (object: JsonValue, pointer: string): JsonValue | undefined =>
  pointer
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>((value, part) => (value as JsonObject)[part], object);

describe('any workload', () => {
  it('has its images where their pointers say, and none elsewhere', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KIND_NAMES), podSpec, (kind, spec) => {
        const object = workloadOf(kind, spec);
        const { images } = workload(kind, object);
        for (const { written, pointer } of images) expect(at(object, pointer)).toBe(written);
        const named = [...JSON.stringify(object).matchAll(/"(?:image|reference)":"([^"]*)"/g)].map(([, name]) => name);
        const filled = named.filter((name) => name?.trim() !== '');
        expect(images.map(({ written }) => written).sort()).toEqual(filled.sort());
      }),
      { numRuns: 300 },
    );
  });

  it('of any shape is read or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KIND_NAMES), fc.jsonValue({ maxDepth: 4 }), (kind, value) => {
        const spec = JSON.parse(JSON.stringify(value));
        for (const object of [workloadOf(kind, spec), workloadOf(kind, { containers: spec, volumes: [spec] })]) {
          const result = read(kind, object);
          if (!result.ok) expect(result.refusal.code).toBe('WORKLOAD_INVALID');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('any update', () => {
  it('never passes an image that the old object does not name', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KIND_NAMES), podSpec, podSpec, (kind, before, after) => {
        const old = workload(kind, workloadOf(kind, before));
        const next = workload(kind, workloadOf(kind, after));
        const known = new Set(old.images.map(({ written }) => written));
        for (const { written } of next.images)
          if (exemptImage(written, next, old) !== null) expect(known.has(written)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never passes a tag in a template', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KIND_NAMES.filter((kind) => kind !== 'Pod')), podSpec, (kind, spec) => {
        const same = workload(kind, workloadOf(kind, spec));
        for (const { written } of same.images)
          expect(exemptImage(written, same, same) === null).toBe(!written.includes('@'));
      }),
      { numRuns: 200 },
    );
  });
});
