import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../functions/image/pattern.ts';
import { parseReference } from '../../functions/image/reference.ts';
import { LIMITS } from '../../functions/limits.ts';

describe('hostile patterns', () => {
  it.each([
    ['stars and letters by turns', `quay.io/${'a*'.repeat(500)}b`],
    ['stars only', '*'.repeat(LIMITS.patternLength)],
    ['stars before a letter', `quay.io/${'*'.repeat(1000)}b`],
    ['stars around letters', `quay.io/${'*a'.repeat(500)}`],
  ])('matches %s against a long name at once', (_, written) => {
    const pattern = compilePattern(written);
    const reference = parseReference(`quay.io/${'a'.repeat(255)}`);
    if (typeof pattern === 'string' || !reference.ok) throw new Error('neither may be refused');
    pattern.matches(reference.value);
  });

  it.each(['a'.repeat(5_000_000), '*'.repeat(5_000_000), '/'.repeat(5_000_000)])(
    'refuses a huge pattern at once',
    (written) => {
      expect(compilePattern(written)).toContain('longer');
    },
  );

  it.each(['(a+)+$*', '[a-z]*', '^*', 'a|b*', 'a\\*', '\u0000*', '\n*', '{}*', 'a b*', '*?', 'é*'])(
    'takes %j for no pattern rather than for a regular expression',
    (written) => {
      expect(typeof compilePattern(`quay.io/${written}`)).toBe('string');
      expect(typeof compilePattern(written)).toBe('string');
    },
  );

  it.each(['constructor', 'toString'])('treats %s as a name like any other', (word) => {
    const pattern = compilePattern(`quay.io/${word}*`);
    const reference = parseReference(`quay.io/${word.toLowerCase()}`);
    if (word !== word.toLowerCase()) expect(pattern).toContain('upper case');
    else expect(typeof pattern !== 'string' && reference.ok && pattern.matches(reference.value)).toBe(true);
  });
});
