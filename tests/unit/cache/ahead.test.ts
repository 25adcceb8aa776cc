import { describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import type { RememberedTrust, TrustQuery } from '../../../functions/ports.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const TTL = 60_000;

/** A memory that gives its answer when the test says so. */
class SlowMemory extends MemoryTrust {
  answer: PromiseWithResolvers<void> = Promise.withResolvers();

  override async read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    await this.answer.promise;
    return super.read(server, gun);
  }
}

function world() {
  const repository = new TestRepository({ gun: 'registry.test/app', now: NOW }).tag('v1', 'a'.repeat(64)).publish();
  const files = filesOf(repository);
  const memory = new SlowMemory();
  const clock = { at: NOW, now: () => clock.at };
  const cache = new TrustCache({ files, memory, clock, ttl: TTL, maxBytes: 1_000_000 });
  const address = {
    server: 'https://notary.test',
    gun: repository.gun,
    registry: 'registry.test',
    credential: undefined,
  };
  const query: TrustQuery = {
    address,
    roles: [],
    notBefore: undefined,
    dryRun: false,
    pins: undefined,
    firstUse: true,
  };
  return { files, memory, clock, ask: () => cache.facts(query, new AbortController().signal) };
}

describe('a repository that is not cached', () => {
  it('is asked for root and timestamp while its record is read, and for no more before that is known', async () => {
    const { files, memory, ask } = world();
    const asked = ask();
    await new Promise((done) => setImmediate(done));
    expect(files.asked).toEqual(['root', 'timestamp']);
    memory.answer.resolve();
    expect((await asked).targets.targets.has('v1')).toBe(true);
    expect(files.asked).toEqual(['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']);
  });

  it('is a fault where its record cannot be read, whatever the server answers', async () => {
    const { files, memory, ask } = world();
    memory.answer.reject(new Fault('TRUST_RECORD_UNAVAILABLE', 'not now'));
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_RECORD_UNAVAILABLE' });
    expect(files.asked).toEqual(['root', 'timestamp']);
  });
});

describe('a repository that is cached', () => {
  it('is asked for nothing before its record is known', async () => {
    const { files, memory, clock, ask } = world();
    memory.answer.resolve();
    await ask();
    memory.answer = Promise.withResolvers();
    files.asked.length = 0;
    clock.at += TTL;
    const asked = ask();
    await new Promise((done) => setImmediate(done));
    expect(files.asked).toEqual([]);
    memory.answer.resolve();
    await asked;
    expect(files.asked).toEqual(['timestamp']);
  });
});
