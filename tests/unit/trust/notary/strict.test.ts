import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../functions/limits.ts';
import { TrustError } from '../../../../functions/trust/notary/error.ts';
import { parseStrict } from '../../../../functions/trust/notary/strict.ts';

const parse = (text: string) => parseStrict(Buffer.from(text, 'utf8'), 'targets');
const refused = (bytes: Buffer): string => {
  try {
    parseStrict(bytes, 'targets');
  } catch (error) {
    if (error instanceof TrustError && error.code === 'TRUST_MALFORMED') return error.message;
    throw error;
  }
  return 'read';
};

describe('strict JSON', () => {
  it.each([
    '{}',
    '[]',
    ' { "a" : [ 1 , -2 , 0 , true , false , null , "x" ] } ',
    '"a\\u0041\\n\\"\\\\ \\ud83d\\ude00"',
    '"ends in a backslash\\\\"',
    '{"":0}',
    '9007199254740991',
  ])('reads %s as JSON.parse does', (text) => {
    expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it.each([
    ['nothing', ''],
    ['a name twice', '{"a":1,"a":1}'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":1}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['text after the end', '{} x'],
    ['a byte order mark', '\ufeff{}'],
    ['a fraction', '1.5'],
    ['an exponent', '1e2'],
    ['a whole number written as a fraction', '1.0'],
    ['an integer of 2^53', '9007199254740992'],
    ['an integer of 2^63', '-9223372036854775808'],
    ['a leading zero', '01'],
    ['a plus sign', '+1'],
    ['minus alone', '-'],
    ['NaN', 'NaN'],
    ['a comma too many in a list', '[1,]'],
    ['a comma too many in an object', '{"a":1,}'],
    ['a name without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a comment', '{}/**/'],
    ['a control character in a string', '"a\u0001"'],
    ['a newline in a string', '"a\n"'],
    ['an unknown escape', '"\\x41"'],
    ['half a surrogate pair', '"\\ud800"'],
    ['a string without an end', '"abc\\"'],
    ['an object without an end', '{"a":1'],
    ['a list without an end', '[1'],
    ['a word cut short', 'tru'],
    ['a missing colon', '{"a" 1}'],
  ])('refuses %s', (_, text) => {
    expect(refused(Buffer.from(text, 'utf8'))).toMatch(/^targets is not well-formed: .+ at character \d+$/);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refused(Buffer.from([0x22, 0xff, 0x22]))).toBe('targets is not valid UTF-8');
    expect(refused(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe('targets is not valid UTF-8');
  });

  it('reads nesting up to the limit and refuses more without overflowing the stack', () => {
    const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
    expect(refused(nested(LIMITS.roleDepth + 1))).toBe('read');
    expect(refused(nested(LIMITS.roleDepth + 2))).toContain('nesting deeper');
    expect(refused(nested(500_000))).toContain('nesting deeper');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'keeps the name %s as an own property',
    (name) => {
      const value = parse(`{"${name}":{"polluted":true}}`);
      expect(Object.hasOwn(value as object, name)).toBe(true);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );
});
