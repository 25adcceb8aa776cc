import { describe, expect, it } from 'vitest';
import { checker } from '../../functions/checker.ts';

describe('a check by JSON schema', () => {
  it('gives what is wrong with each value, and nothing where the schema holds', () => {
    const check = checker({ allErrors: true })({ type: 'object', required: ['a', 'b'], properties: { a: {}, b: {} } });
    expect(check({ a: 1, b: 2 })).toEqual([]);
    expect(check({}).map(({ params }) => params['missingProperty'])).toEqual(['a', 'b']);
    expect(check({ a: 1, b: 2 })).toEqual([]);
  });

  it('compiles a schema when a value is first looked at, and once', () => {
    let reads = 0;
    const schema = {
      get type() {
        reads += 1;
        return 'string';
      },
    };
    const check = checker()(schema);
    expect(reads).toBe(0);
    expect(check('a')).toEqual([]);
    const compiled = reads;
    expect(compiled).toBeGreaterThan(0);
    expect(check(1)).toHaveLength(1);
    expect(reads).toBe(compiled);
  });

  it.each([
    ['a keyword that there is not', { type: 'string', maximumLength: 3 }],
    ['a value that its keyword does not take', { type: 'string', maxLength: '3' }],
    ['a type that there is not', { type: 'text' }],
    ['a list of required fields that is none', { type: 'object', required: 'a' }],
    ['a pattern that is none', { type: 'string', pattern: '(' }],
  ])('takes no schema with %s, although it is not held to the metaschema', (_, schema) => {
    expect(() => checker()(schema)('abcd')).toThrow();
  });
});
