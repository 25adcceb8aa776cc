import { describe, expect, it } from 'vitest';
import { parseReference, repositoryName } from '../../functions/image/reference.ts';
import { LIMITS } from '../../functions/limits.ts';

const RESERVED = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

describe('hostile image names', () => {
  it.each(RESERVED)('treats %s as a tag like any other', (word) => {
    const result = parseReference(`nginx:${word}`);
    expect(result).toMatchObject({ ok: true, value: { tag: word } });
  });

  it('treats constructor as a repository like any other', () => {
    const result = parseReference('constructor');
    expect(result.ok && repositoryName(result.value)).toBe('docker.io/library/constructor');
  });

  it.each([
    ['many separators', `a${'-'.repeat(1_000_000)}!`],
    ['many parts', 'a/'.repeat(500_000)],
    ['many colons', ':'.repeat(1_000_000)],
    ['many ats', '@'.repeat(1_000_000)],
    ['many brackets', `[${':'.repeat(1_000_000)}`],
    ['a separator run of the greatest length', `${'a-'.repeat(LIMITS.referenceLength / 2 - 1)}!`],
    ['underscores of the greatest length', `${'_'.repeat(LIMITS.referenceLength)}`],
  ])('refuses %s at once, with a short message', (_, written) => {
    const result = parseReference(written);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.refusal.message.length).toBeLessThan(2000);
  });

  it.each(['evildocker.io/x', 'docker.io.evil.com/x', 'docker.io@evil.com/x', 'docker.io:443/x', 'docker.io./x'])(
    'does not take %s for Docker Hub',
    (written) => {
      const result = parseReference(written);
      expect(result.ok && result.value.registry === 'docker.io').toBe(false);
    },
  );

  it.each(['\u0000', '\u001b[2J', '\u202e', '\ud800', '\u2028', '%2f', '\\', '?', '#', '..', '~'])(
    'refuses %j wherever it stands in a name',
    (text) => {
      for (const written of [
        `${text}/a`,
        `a/${text}`,
        `a.io/${text}/b`,
        `a${text}b.io/c`,
        `a.io/b${text}c`,
        `a:${text}`,
      ])
        expect(parseReference(written).ok, written).toBe(false);
    },
  );
});
