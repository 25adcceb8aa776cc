import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ecdsaSignature, readElements } from '../../functions/trust/notary/der.ts';

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`);

describe('an ECDSA signature as DER', () => {
  it('holds r and s as they were, each in the one form of an unsigned INTEGER', () => {
    const side = (octets: number) => fc.uint8Array({ minLength: octets, maxLength: octets });
    const sides = fc.constantFrom(28, 32, 48, 66).chain((octets) => fc.tuple(side(octets), side(octets)));
    fc.assert(
      fc.property(sides, fc.nat(8), ([r, s], zeros) => {
        r.fill(0, 0, zeros);
        const [sequence, ...more] = readElements(ecdsaSignature(Buffer.concat([r, s]))) ?? [];
        const integers = readElements(sequence?.content ?? Buffer.alloc(0)) ?? [];
        expect([sequence?.tag, more.length, integers.map(({ tag }) => tag)]).toEqual([0x30, 0, [2, 2]]);
        expect(integers.map(({ content }) => numberOf(content))).toEqual(
          [r, s].map((one) => numberOf(Buffer.from(one))),
        );
        for (const { content } of integers) {
          const [first = 0, second = 0] = content;
          expect(first < 0x80 && (content.length === 1 || first !== 0 || second >= 0x80)).toBe(true);
        }
      }),
    );
  });
});
