import { describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import { GivenUp } from '../../../functions/deadline.ts';
import type { NotaryFiles, RememberedTrust, TrustQuery } from '../../../functions/ports.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const TTL = 60_000;
const ALL = ['targets/releases', 'targets', 'snapshot', 'timestamp', 'root'];

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
  const served = filesOf(repository);
  const signals: AbortSignal[] = [];
  const server: { fault?: Fault } = {};
  const files: NotaryFiles = {
    async fetch(address, file, signal) {
      signals.push(signal);
      const bytes = await served.fetch(address, file, signal);
      if (server.fault !== undefined) throw server.fault;
      return bytes;
    },
  };
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
  return {
    asked: served.asked,
    signals,
    server,
    memory,
    clock,
    ask: () => cache.facts(query, new AbortController().signal),
  };
}

describe('a repository that is not cached', () => {
  it('is asked for every file while its record is read, and for none of them twice', async () => {
    const { asked, memory, ask } = world();
    const facts = ask();
    await new Promise((done) => setImmediate(done));
    expect(asked).toEqual(ALL);
    memory.answer.resolve();
    expect((await facts).targets.targets.has('v1')).toBe(true);
    expect(asked).toEqual(ALL);
  });

  it('gives up what it asked ahead when its look has failed', async () => {
    const { server, memory, ask, signals } = world();
    memory.answer.resolve();
    server.fault = new Fault('TRUST_SERVER_UNREACHABLE', 'no');
    await expect(ask()).rejects.toBe(server.fault);
    await new Promise((done) => setImmediate(done));
    expect(signals.map(({ reason }) => reason)).toEqual(ALL.map(() => new GivenUp(server.fault)));
  });

  it('is a fault where its record cannot be read, whatever the server answers', async () => {
    const { asked, memory, ask } = world();
    memory.answer.reject(new Fault('TRUST_RECORD_UNAVAILABLE', 'not now'));
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_RECORD_UNAVAILABLE' });
    expect(asked).toEqual(ALL);
  });
});

describe('a repository that is cached', () => {
  it('is asked for nothing before its record is known', async () => {
    const { asked, memory, clock, ask } = world();
    memory.answer.resolve();
    await ask();
    memory.answer = Promise.withResolvers();
    asked.length = 0;
    clock.at += TTL;
    const facts = ask();
    await new Promise((done) => setImmediate(done));
    expect(asked).toEqual([]);
    memory.answer.resolve();
    await facts;
    expect(asked).toEqual(['timestamp']);
  });
});
