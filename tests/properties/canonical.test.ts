import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../functions/json.ts';
import { canonicalBytes } from '../../functions/trust/notary/canonical.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { parseStrict } from '../../functions/trust/notary/strict.ts';

const text = fc.string({ unit: 'grapheme' });
const name = fc.oneof(
  text,
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '\u{1f600}', '\uffff', '"', '\\'),
);
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(new Map(entries))),
  ),
}));
const parse = (source: string): JsonValue => parseStrict(Buffer.from(source, 'utf8'), 'a value');
const canonical = (one: JsonValue): string => canonicalBytes(one).toString('utf8');

/** The value with the names of its objects in reverse order. */
const turned = (one: JsonValue): JsonValue => {
  if (Array.isArray(one)) return one.map(turned);
  if (typeof one !== 'object' || one === null) return one;
  return Object.fromEntries(
    Object.entries(one)
      .toReversed()
      .map(([key, inner]) => [key, turned(inner)]),
  );
};

describe('the canonical form', () => {
  it('is the same whatever the order of names and the white space', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(canonical(parse(JSON.stringify(turned(one), null, 2)))).toBe(canonical(one));
      }),
    );
  });

  it('is the same for a value and for what is read from its text', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(canonical(parse(JSON.stringify(one)))).toBe(canonical(one));
      }),
    );
  });

  it('differs for values that differ', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const same = JSON.stringify(parse(canonicalJson(one))) === JSON.stringify(parse(canonicalJson(other)));
        expect(canonical(one) === canonical(other)).toBe(same);
      }),
    );
  });

  it('has its names in the byte order of UTF-8', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 8 }), (names) => {
        const form = canonical(Object.fromEntries(names.map((one, index) => [one, index])));
        const order = [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
        const written = `{${order.map((one) => `${canonical(one)}:${names.indexOf(one)}`).join(',')}}`;
        expect(form).toBe(written);
      }),
    );
  });
});

/** Text whose equality is that of values: names sorted, all else as JSON. */
const canonicalJson = (one: JsonValue): string => {
  if (Array.isArray(one)) return `[${one.map(canonicalJson).join(',')}]`;
  if (typeof one !== 'object' || one === null) return JSON.stringify(one);
  const entries = Object.entries(one).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
};

describe('the strict reader', () => {
  it('reads what JSON.parse reads, and gives the same', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(JSON.stringify(parse(JSON.stringify(one)))).toBe(JSON.stringify(one));
      }),
    );
  });

  it('never reads what JSON.parse does not, and fails in one way only', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      ' ',
      '1',
      '0',
      '-',
      '.',
      'e',
      'a',
      '\\',
      'u0041',
      'null',
      'true',
      '\n',
      '\u0000',
      '\ufeff',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const source = parts.join('');
        let ours: string | undefined;
        try {
          ours = JSON.stringify(parse(source));
        } catch (error) {
          expect(error).toBeInstanceOf(TrustError);
        }
        if (ours !== undefined) expect(ours).toBe(JSON.stringify(JSON.parse(source)));
      }),
      { numRuns: 2000 },
    );
  });

  it('never crashes on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          parseStrict(bytes, 'bytes');
        } catch (error) {
          expect(error).toBeInstanceOf(TrustError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
