import { describe, expect, it } from 'vitest';
import { countMembers, measure, repeatedName } from '../../../functions/request/scan.ts';
import { bytesOf } from '../../support/review.ts';

describe('measure', () => {
  it.each([
    ['7', 0, 0],
    ['{}', 1, 0],
    ['[[[]],[]]', 3, 0],
    ['{"a":{"b":[1,{"c":2}]},"d":3}', 4, 4],
    ['{"a:b{[":"c:}]\\":{"}', 1, 1],
    ['{"a\\\\":1,"b":"\\\\"}', 1, 2],
    ['"{[', 0, 0],
    ['"\\', 0, 0],
  ])('finds depth and members of %s', (text, depth, members) => {
    expect(measure(bytesOf(text))).toEqual({ depth, members });
  });
});

describe('countMembers', () => {
  it('counts the members of all objects, reserved words among them', () => {
    expect(countMembers(JSON.parse('{"__proto__":{"a":1},"constructor":[{"toString":null}]}'))).toBe(4);
  });
});

describe('repeatedName', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"x":[{"b":1},{"b":1,"c":{"b":2},"b":3}]}', 'b'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"a":{"a":{"a":1}},"b":"a","c":["a","a"]}', undefined],
    ['[{"a":1},{"a":1}]', undefined],
  ])('in %s is %s', (text, name) => {
    expect(repeatedName(bytesOf(text))).toBe(name);
  });
});
