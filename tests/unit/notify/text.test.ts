import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, plain, shorten } from '../../../functions/notify/text.ts';

const bytes = (text: string): number => Buffer.byteLength(text);

describe('cut', () => {
  it('leaves what fits as it is, to the last byte', () => {
    expect(cut('é'.repeat(5), 10)).toBe('ééééé');
    expect(cut('abc', 3)).toBe('abc');
  });

  it('cuts between characters, and marks that it did', () => {
    expect(cut('ééééé', 8)).toBe('éé…');
    expect(cut('🙂🙂🙂', 11)).toBe('🙂🙂…');
    expect(cut('🙂🙂🙂', 10)).toBe('🙂…');
  });

  it('never gives more bytes than allowed, nor half a character, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 3, max: 300 }), (text, limit) => {
        const short = cut(text, limit);
        expect(bytes(short)).toBeLessThanOrEqual(limit);
        if (bytes(text) > limit) expect(text.toWellFormed().startsWith(short.slice(0, -1))).toBe(true);
      }),
    );
  });
});

describe('plain', () => {
  it.each([
    ['an escape sequence of a terminal', '\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['a mark that turns the direction of writing', 'ok\u202egnp.exe', 'ok\\u{202e}gnp.exe'],
    ['a character that is not seen', 'good\u200b.io', 'good\\u{200b}.io'],
    ['a line end', 'one\r\ntwo\nthree', 'one two three'],
    ['a lone half of a character', 'x\ud800y', 'x\ufffdy'],
    ['a separator of paragraphs', 'a\u2029b', 'a\\u{2029}b'],
  ])('takes the harm out of %s', (_, text, shown) => {
    expect(plain(text)).toBe(shown);
  });
});

describe('shorten', () => {
  it('looks at no more of a very long text than may remain', () => {
    const short = shorten('\u001b'.repeat(16 * 1024 * 1024), 512);
    expect(bytes(short)).toBeLessThanOrEqual(512);
    expect(short).toMatch(/^(\\u\{1b\})+.*…$/);
  });
});
