import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, parseReference, pinReference, repositoryName } from '../../functions/image/reference.ts';

const chars = (text: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...text), minLength, maxLength });
const component = fc
  .array(chars('abcz019', 1, 4), { minLength: 1, maxLength: 3 })
  .chain((runs) => fc.constantFrom('.', '_', '__', '-', '--').map((separator) => runs.join(separator)));
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const label = chars('abcXYZ09', 1, 5);
const host = fc.oneof(
  fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.')),
  fc.tuple(label, fc.integer({ min: 1, max: 65_535 })).map(([name, port]) => `${name}:${port}`),
  fc.constantFrom('localhost', 'docker.io', 'index.docker.io', '[::1]:5000'),
);
const tag = chars('abcABC019_', 1, 1).chain((first) => chars('abcABC019_.-', 0, 20).map((rest) => first + rest));
const digest = chars('0123456789abcdef', 64, 64).map((hex) => `sha256:${hex}` as Digest);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Names that the grammar allows, as written. */
const name = fc
  .tuple(optional(host), path, optional(tag), optional(digest))
  .map(
    ([at, where, tagged, pinned]) =>
      `${at === undefined ? '' : `${at}/`}${where}${tagged === undefined ? '' : `:${tagged}`}${pinned === undefined ? '' : `@${pinned}`}`,
  );

const parsed = (written: string) => {
  const result = parseReference(written);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
};

describe('any image name of the grammar', () => {
  it('is read, and its normal form is read as the same', () => {
    fc.assert(
      fc.property(name, (written) => {
        const reference = parsed(written);
        fc.pre(/[.:]|^localhost$/.test(reference.registry));
        const again = parsed(repositoryName(reference));
        expect(again).toMatchObject({ registry: reference.registry, repository: reference.repository });
      }),
      { numRuns: 500 },
    );
  });

  it('stays the same image when it is pinned, and keeps its text', () => {
    fc.assert(
      fc.property(name, digest, (written, signed) => {
        const reference = parsed(written);
        const pinned = pinReference(reference, reference.digest ?? signed);
        const again = parsed(pinned);
        expect(pinned.startsWith(written)).toBe(true);
        expect(repositoryName(again)).toBe(repositoryName(reference));
        expect(again.digest).toBe(reference.digest ?? signed);
        expect(again.tag).toBe(reference.tag ?? (reference.digest === undefined ? 'latest' : undefined));
        expect(pinReference(again, again.digest as Digest)).toBe(pinned);
      }),
      { numRuns: 500 },
    );
  });
});

describe('any text', () => {
  it('is read or refused with IMAGE_INVALID, and never throws', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'aA0./:@[]-_ \n\u0000'), maxLength: 30 }),
    );
    fc.assert(
      fc.property(odd, (written) => {
        const result = parseReference(written);
        if (result.ok) expect(repositoryName(result.value)).toMatch(/^[a-z0-9.:[\]-]+\/[a-z0-9._/-]+$/);
        else expect(result.refusal.code).toBe('IMAGE_INVALID');
      }),
      { numRuns: 2000 },
    );
  });
});
