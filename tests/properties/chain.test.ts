import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../functions/codes.ts';
import type { NotaryFiles, RememberedTrust } from '../../functions/ports.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { judge } from '../../functions/trust/notary/signers.ts';
import { parseInstant } from '../../functions/trust/notary/time.ts';
import { rememberedOf } from '../../functions/trust/notary/update.ts';
import { makeKey } from '../support/tuf/key.ts';
import { look, NOW, signerOf } from '../support/tuf/look.ts';
import { filesOf } from '../support/tuf/memory.ts';
import { TestRepository } from '../support/tuf/repository.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const honest = () => {
  const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
  const key = repository.addSigner('alice');
  repository.tag('v1', A, 'targets', 'targets/releases', 'targets/alice').publish();
  return { repository, signers: [signerOf('alice', key.pem)] };
};
const { repository, signers } = honest();
const wanted = { tag: 'v1', digest: undefined };
const roles = ['targets/alice'];

/** The digest that is trusted, or undefined where anything at all is refused; whatever else is thrown is a bug. */
const digestBy = async (files: NotaryFiles): Promise<string | undefined> => {
  try {
    const judged = judge(await look(repository, { files, roles }), wanted, signers);
    return judged.ok ? judged.value.digest : undefined;
  } catch (error) {
    if (error instanceof TrustError || error instanceof Fault) return undefined;
    throw error;
  }
};

const altered = (role: string, change: (bytes: Buffer) => Buffer | undefined): NotaryFiles => {
  const inner = filesOf(repository);
  return {
    fetch: async (address, file, signal) => {
      const bytes = await inner.fetch(address, file, signal);
      return file.role === role && bytes !== undefined ? change(Buffer.from(bytes)) : bytes;
    },
  };
};

const role = fc.constantFrom('root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice');
const place = fc.nat({ max: 100_000 });

describe('trust data on a hostile way', () => {
  it('is trusted as it was published', async () => {
    expect(await digestBy(filesOf(repository))).toBe(`sha256:${A}`);
  });

  it('gives the signed digest or none, whatever single byte is changed', async () => {
    const change = fc.asyncProperty(role, place, fc.integer({ min: 1, max: 255 }), async (name, at, bits) => {
      const digest = await digestBy(
        altered(name, (bytes) => {
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ bits;
          return bytes;
        }),
      );
      expect([undefined, `sha256:${A}`]).toContain(digest);
      // The timestamp alone has no parent that states its hash: outside of what is signed it may change unseen.
      if (name !== 'timestamp') expect(digest).toBeUndefined();
    });
    await fc.assert(change, { numRuns: 200 });
  });

  it('is refused when any file is cut, empty, missing or another role’s', async () => {
    const kinds = fc.constantFrom('cut', 'empty', 'missing', 'swapped');
    const change = fc.asyncProperty(role, kinds, place, role, async (name, kind, at, other) => {
      fc.pre(kind !== 'swapped' || other !== name);
      const digest = await digestBy(
        altered(name, (bytes) => {
          if (kind === 'cut') return bytes.subarray(0, at % bytes.length);
          if (kind === 'swapped') return repository.files.get(other);
          return kind === 'empty' ? Buffer.alloc(0) : undefined;
        }),
      );
      expect(digest).toBeUndefined();
    });
    await fc.assert(change, { numRuns: 100 });
  });

  it('gives no other digest than that of the signers, whichever roles a stranger signs anew', async () => {
    const change = fc.asyncProperty(fc.uniqueArray(role, { minLength: 1 }), async (names) => {
      const { repository: other, signers: own } = honest();
      other.tag('v1', B, 'targets', 'targets/releases', 'targets/alice');
      other.publish(Object.fromEntries(names.map((name) => [name, { signers: [makeKey()] }])));
      const remembered = rememberedOf(await look(repository));
      const digest = await look(other, { roles, remembered }).then(
        (facts) => judge(facts, wanted, own).ok,
        (error: unknown) => !(error instanceof TrustError),
      );
      expect(digest).toBe(false);
    });
    await fc.assert(change, { numRuns: 30 });
  });
});

interface Step {
  readonly name: string;
  readonly step: number;
}

/** Publishes with one version moved; what is remembered after another look. */
const after = async (own: TestRepository, seen: RememberedTrust, { name, step }: Step): Promise<RememberedTrust> => {
  own.draft(name).version += step;
  own.publish();
  const facts = await look(own, { remembered: seen }).catch(() => undefined);
  return facts === undefined ? seen : rememberedOf(facts);
};

describe('versions', () => {
  it('never fall from one look to the next', async () => {
    const step = fc.record({
      name: fc.constantFrom('timestamp', 'snapshot', 'targets'),
      step: fc.integer({ min: -2, max: 2 }),
    });
    const rise = fc.asyncProperty(fc.array(step, { maxLength: 4 }), async (steps) => {
      const { repository: own } = honest();
      for (let version = 0; version < 8; version += 1) own.publish();
      let seen = rememberedOf(await look(own));
      for (const one of steps) {
        const next = await after(own, seen, one);
        for (const [name, version] of seen.versions) expect(next.versions.get(name)).toBeGreaterThanOrEqual(version);
        seen = next;
      }
    });
    await fc.assert(rise, { numRuns: 25 });
  });
});

describe('an expiry', () => {
  it('of any date is read as Date reads it', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(parseInstant(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });

  it('with an offset is the moment it names', () => {
    const parts = fc.tuple(
      fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      fc.integer({ min: -1439, max: 1439 }),
    );
    fc.assert(
      fc.property(parts, ([date, minutes]) => {
        const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1);
        const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) =>
          String(part).padStart(2, '0'),
        );
        expect(parseInstant(`${local}${minutes < 0 ? '-' : '+'}${hours}:${rest}`)).toBe(date.getTime());
      }),
    );
  });
});
