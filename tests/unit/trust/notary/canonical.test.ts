import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../../functions/json.ts';
import { canonicalBytes } from '../../../../functions/trust/notary/canonical.ts';

const text = (value: JsonValue): string => canonicalBytes(value).toString('utf8');

describe('canonical JSON', () => {
  it('has no white space and its names in order', () => {
    expect(text({ b: [1, { d: null, c: true }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":true,"d":null}]}');
  });

  it('escapes the quote and the backslash and nothing else', () => {
    expect(text('a"b\\c\n\t<&>\u2028\u007fé')).toBe('"a\\"b\\\\c\n\t<&>\u2028\u007fé"');
  });

  it('orders names by the bytes of UTF-8, not by UTF-16', () => {
    expect(text({ '\u{1f600}': 1, '\uff5e': 2, a: 3 })).toBe('{"a":3,"\uff5e":2,"\u{1f600}":1}');
  });

  it('writes integers plainly, and minus zero as zero', () => {
    expect(text([0, -0, -7, Number.MAX_SAFE_INTEGER])).toBe('[0,0,-7,9007199254740991]');
  });

  it.each([0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('has no form for %s', (value) => {
    expect(() => canonicalBytes(value)).toThrow(RangeError);
  });

  it.each(['__proto__', 'constructor', 'toString'])('keeps the name %s like any other', (name) => {
    const value = JSON.parse(`{"z":1,"${name}":{"a":2}}`) as JsonValue;
    expect(text(value)).toContain(`"${name}":{"a":2}`);
  });
});
