import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../functions/image/glob.ts';
import { compilePattern } from '../../functions/image/pattern.ts';
import { type ImageReference, parseReference, repositoryName } from '../../functions/image/reference.ts';

const letters = (alphabet: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength });

/** The plain meaning of a star, tried every way: exponential, so for short texts only. */
const naive = (pattern: string, text: string): boolean => {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)));
  return text.startsWith(pattern.charAt(0)) && text !== '' && naive(pattern.slice(1), text.slice(1));
};

const host = fc.constantFrom('docker.io', 'us.icr.io', 'de.icr.io', 'host:5000', 'localhost', 'docker.io.evil.com');
const path = fc.constantFrom('app', 'a/app', 'a/b/app', 'library/nginx', 'us.icr.io/app', 'docker.io/library/nginx');
const image = fc.tuple(host, path, fc.constantFrom('', ':v1', ':latest')).map((parts): ImageReference => {
  const result = parseReference(`${parts[0]}/${parts[1]}${parts[2]}`);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
});
const compiled = (written: string) => {
  const pattern = compilePattern(written);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
};

describe('a glob', () => {
  it('matches what its stars mean, no more and no less', () => {
    fc.assert(
      fc.property(letters('ab*', 7), letters('ab', 8), (pattern, text) => {
        expect(compileGlob(pattern)(text)).toBe(naive(pattern, text));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a pattern', () => {
  it('without a star matches exactly the repository that it names', () => {
    fc.assert(
      fc.property(image, image, (one, other) => {
        const pattern = compiled(repositoryName(one));
        expect(pattern.exact).toBe(true);
        expect(pattern.matches(other)).toBe(repositoryName(one) === repositoryName(other));
      }),
    );
  });

  it('that names a host and any path matches that host only', () => {
    fc.assert(
      fc.property(host, image, (at, reference) => {
        expect(compiled(`${at}/*`).matches(reference)).toBe(reference.registry === at);
      }),
    );
  });

  it('never carries a star from the host over to the path', () => {
    fc.assert(
      fc.property(image, (reference) => {
        const pattern = compiled('*.icr.io/app');
        expect(pattern.matches(reference)).toBe(
          reference.registry.endsWith('.icr.io') && reference.repository === 'app',
        );
      }),
    );
  });

  it('weighs more than a wider one made of it by a star for some of its path', () => {
    fc.assert(
      fc.property(image, fc.nat(20), (reference, cut) => {
        const whole = repositoryName(reference);
        const kept = whole.slice(0, Math.max(reference.registry.length + 2, whole.length - 1 - cut));
        fc.pre(kept.length < whole.length);
        const wide = compiled(`${kept}*`);
        expect(wide.matches(reference)).toBe(true);
        expect(wide.weight).toBeLessThan(compiled(whole).weight);
      }),
    );
  });

  it('of any text is compiled or explained, and never throws', () => {
    const odd = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), letters('aA0*./:@[]-_ ', 25));
    fc.assert(
      fc.property(odd, image, (written, reference) => {
        const pattern = compilePattern(written);
        if (typeof pattern === 'string') expect(pattern).toMatch(/^The pattern .*\.$/s);
        else expect(typeof pattern.matches(reference)).toBe('boolean');
      }),
      { numRuns: 3000 },
    );
  });
});
