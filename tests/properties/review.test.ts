import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { equalJson } from '../../functions/request/equal.ts';
import { parseReview, salvageEnvelope } from '../../functions/request/review.ts';
import { countMembers, measure, repeatedName } from '../../functions/request/scan.ts';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';

const POD = workloadOf('Pod', podSpec(['nginx']));
const depthOf = (value: JsonValue): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));
const json = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value));

describe('any JSON value', () => {
  it('is measured as it is, however it is spaced', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 1, 4), (raw, spaces) => {
        const value = json(raw);
        const body = bytesOf(JSON.stringify(value, null, spaces));
        expect(measure(body)).toEqual({ depth: depthOf(value), members: countMembers(value) });
        expect(repeatedName(body)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('is equal to its copy, and to nothing whose text differs in order-free form', () => {
    const sorted = (value: JsonValue): string =>
      JSON.stringify(value, (_, item) =>
        item !== null && typeof item === 'object' && !Array.isArray(item)
          ? { '': Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)) }
          : item,
      );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (one, other) => {
        expect(equalJson(json(one), json(one))).toBe(true);
        expect(equalJson(json(one), json(other))).toBe(sorted(json(one)) === sorted(json(other)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a member that is repeated', () => {
  it('is found wherever it is put, however it is escaped', () => {
    const text = JSON.stringify(reviewOf(POD));
    const members = [...text.matchAll(/"([a-zA-Z]+)":/g)];
    fc.assert(
      fc.property(fc.constantFrom(...members), fc.boolean(), (member, escaped) => {
        const name = member[1] as string;
        const code = name.charCodeAt(0).toString(16).padStart(4, '0');
        const twin = escaped ? `"\\u${code}${name.slice(1)}":0,` : `"${name}":0,`;
        const at = member.index;
        const result = parseReview(bytesOf(text.slice(0, at) + twin + text.slice(at)));
        expect(result.ok === false && result.refusal.message).toContain(`repeats the name "${name}"`);
      }),
      { numRuns: 200 },
    );
  });
});

describe('any body', () => {
  it('of bytes is refused as a value, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(parseReview(body).ok).toBe(false);
        expect(salvageEnvelope(body).apiVersion).toMatch(/^admission/);
      }),
      { numRuns: 1000 },
    );
  });

  it('whose fields are replaced by any values is read or refused, and never throws', () => {
    const fields = ['uid', 'kind', 'resource', 'operation', 'namespace', 'name', 'object', 'oldObject', 'dryRun'];
    const request = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
    fc.assert(
      fc.property(request, (replaced) => {
        const result = parseReview(bytesOf(reviewOf(POD, { request: json(replaced) as JsonObject })));
        if (!result.ok) expect(result.refusal.code).toBe('REVIEW_INVALID');
      }),
      { numRuns: 1000 },
    );
  });

  it('that is a good review with a byte changed is refused or reads as what JSON.parse makes of it', () => {
    const good = bytesOf(reviewOf(POD));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const body = good.slice();
        body[at] = byte;
        const result = parseReview(body);
        if (!result.ok) return;
        const { request } = JSON.parse(new TextDecoder().decode(body));
        expect(result.value).toMatchObject({ uid: request.uid, object: request.object });
      }),
      { numRuns: 2000 },
    );
  });

  it('cut off anywhere still tells its uid, once that is complete', () => {
    const text = JSON.stringify(reviewOf(POD, { uid: 'u-1' }));
    const known = text.indexOf('"u-1"') + '"u-1"'.length;
    fc.assert(
      fc.property(fc.nat(text.length), (end) => {
        expect(salvageEnvelope(bytesOf(text.slice(0, end))).uid).toBe(end >= known ? 'u-1' : '');
      }),
    );
  });
});
