import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../functions/io/challenge.ts';

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._~+-]{0,8}$/);
const value = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 20,
});
const challenge = fc.record({
  scheme: token,
  params: fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name.toLowerCase(), maxLength: 5 }),
});
const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

describe('challenges', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
        const text = challenges
          .map(({ scheme, params }) => `${scheme} ${params.map(([name, text]) => `${name}=${quote(text)}`).join(', ')}`)
          .join(', ');
        const read = parseChallenges([text])?.map(({ scheme, params }) => ({ scheme, params: [...params] }));
        const expected = challenges.map(({ scheme, params }) => ({
          scheme: scheme.toLowerCase(),
          params: params.map(([name, text]) => [name.toLowerCase(), text]),
        }));
        expect(read).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('of any text are read or refused, never thrown at', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'Bearer realm=",\\ \t\0é{}'), maxLength: 200 });
    fc.assert(
      fc.property(fc.oneof(noise, fc.string()), (text) => void parseChallenges([text])),
      { numRuns: 2000 },
    );
  });

  it('take time in proportion to their length', () => {
    for (const unit of ['a', 'a ', 'a,', 'a=b,', '"', 'a="', '\\', ' ', ',', 'a=b ']) {
      const line = unit.repeat(Math.floor(4096 / unit.length));
      expect(parseChallenges([line])?.length ?? 0).toBeLessThanOrEqual(line.length);
    }
  });
});
