import fc from 'fast-check';

/** Tokens that parsers of this project give a meaning to, put into inputs as they stand. */
const WORDS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '/',
  '@',
  '@sha256:',
  '*',
  '**',
  '-',
  '.',
  '..',
  '\n',
  '\r\n',
  '\0',
  '\u00e9',
  '\ufeff',
  '1e999',
  '-0',
  '9007199254740993',
  'null',
  'true',
  '---\n',
  '&a [*a,*a]',
  '!!binary ',
  '<<: ',
  '-----BEGIN PUBLIC KEY-----',
  '-----END PUBLIC KEY-----',
  '=',
  '"a",',
  'Bearer realm="',
];

/** One step from an honest input to a hostile one. */
type Step =
  | { readonly kind: 'flip'; readonly at: number; readonly bits: number }
  | { readonly kind: 'word'; readonly at: number; readonly word: string }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: 'bytes'; readonly at: number; readonly bytes: Uint8Array };

const place = fc.nat({ max: 65_535 });
const length = fc.nat({ max: 64 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('word' as const), at: place, word: fc.constantFrom(...WORDS) }),
  fc.record({ kind: fc.constant('cut' as const), at: place, length }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, length, times: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('bytes' as const), at: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
);

function apply(input: Buffer, one: Step): Buffer {
  const at = one.at % (input.length + 1);
  const before = input.subarray(0, at);
  switch (one.kind) {
    case 'flip': {
      const flipped = Buffer.from(input);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ one.bits;
      return flipped;
    }
    case 'word':
      return Buffer.concat([before, Buffer.from(one.word, 'utf8'), input.subarray(at)]);
    case 'bytes':
      return Buffer.concat([before, one.bytes, input.subarray(at)]);
    case 'cut':
      return Buffer.concat([before, input.subarray(at + one.length)]);
    case 'repeat': {
      const part = input.subarray(at, at + one.length);
      return Buffer.concat([before, ...Array<Buffer>(one.times).fill(part), input.subarray(at)]);
    }
  }
}

/** Any bytes: mostly honest inputs spoiled in a few steps, sometimes noise. */
export function hostileBytes(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const spoiled = fc
    .tuple(fc.constantFrom(...seeds), fc.array(step, { maxLength: 6 }))
    .map(([seed, steps]) => steps.reduce(apply, seed));
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ arbitrary: spoiled, weight: 19 }, { arbitrary: noise, weight: 1 });
}
