import { describe, expect, it } from 'vitest';
import { equalJson } from '../../../functions/request/equal.ts';

const json = (text: string) => JSON.parse(text);

describe('equalJson', () => {
  it.each([
    ['1', '1', true],
    ['1', '"1"', false],
    ['null', '{}', false],
    ['[]', '{}', false],
    ['{}', '[]', false],
    ['[1,2]', '[2,1]', false],
    ['[1]', '[1,1]', false],
    ['{"a":1,"b":[{}]}', '{"b":[{}],"a":1}', true],
    ['{"a":1}', '{"a":1,"b":2}', false],
    ['{"a":null}', '{"b":null}', false],
    ['{"toString":1}', '{"x":1}', false],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}', false],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}', true],
    ['{"__proto__":{}}', '{"a":{}}', false],
  ])('of %s and %s is %s', (left, right, expected) => {
    expect(equalJson(json(left), json(right))).toBe(expected);
    expect(equalJson(json(right), json(left))).toBe(expected);
  });
});
