import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../../functions/image/glob.ts';

describe('compileGlob', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['*', 'anything/at:all', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'ba', true],
    ['*a', 'ab', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*bc', 'abc', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a**c', 'abc', true],
    ['*b*', 'abc', true],
    ['a*bc*c', 'abc', false],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
  ])('matches %j against %j: %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected);
  });
});
