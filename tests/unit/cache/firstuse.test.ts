import { beforeEach, describe, expect, it } from 'vitest';
import { Admitted } from '../../../functions/cache/admitted.ts';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import { silentLog } from '../../../functions/log.ts';
import type { NotaryFiles, RememberedTrust, TrustQuery } from '../../../functions/ports.ts';
import type { TrustFacts } from '../../../functions/trust/notary/facts.ts';
import { rememberedOf } from '../../../functions/trust/notary/update.ts';
import { makeKey } from '../../support/tuf/key.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const TTL = 60_000;
const SERVER = 'https://notary.test';
const GUN = 'registry.test/app';
const never = new AbortController().signal;
const turn = () => new Promise((done) => setImmediate(done));
const repositoryOf = () => new TestRepository({ gun: GUN, now: NOW }).tag('v1', 'a'.repeat(64)).publish();

/** A memory whose writes a test can hold up or change. */
class Memory extends MemoryTrust {
  written: RememberedTrust[] = [];
  before: (seen: RememberedTrust) => Promise<void> | void = () => undefined;

  override async remember(seen: RememberedTrust, base: RememberedTrust | undefined): Promise<RememberedTrust> {
    this.written.push(seen);
    await this.before(seen);
    return super.remember(seen, base);
  }
}

let memory: Memory;
let repository: TestRepository;
let onFetch: (role: string) => Promise<void> | void;
let now: number;
let cache: TrustCache;
const opened = () => {
  const files: NotaryFiles = {
    async fetch(address, file, signal) {
      await onFetch(file.role);
      return filesOf(repository).fetch(address, file, signal);
    },
  };
  return new TrustCache({ files, memory, clock: { now: () => now }, ttl: TTL, maxBytes: 1_000_000 });
};
beforeEach(() => {
  now = NOW;
  memory = new Memory();
  repository = repositoryOf();
  onFetch = () => undefined;
  cache = opened();
});

const ask = async (query: Partial<TrustQuery> = {}): Promise<TrustFacts> => {
  const address = { server: SERVER, gun: GUN, registry: 'registry.test', credential: undefined };
  return cache.facts({ address, roles: [], notBefore: undefined, dryRun: false, noted: true, ...query }, never);
};
const versions = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await memory.read(SERVER, GUN))?.versions ?? []);
const ALL = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };

describe('the first use of a repository whose admissions are noted', () => {
  it('has its root remembered while the rest has not even arrived (TUF 5.3.8)', async () => {
    const held = Promise.withResolvers<void>();
    onFetch = (role) => (role === 'timestamp' ? held.promise : undefined);
    const asked = ask();
    while (memory.written.length === 0) await turn();
    expect(await versions()).toEqual({ root: 1 });
    held.resolve();
    expect((await asked).targets.targets.has('v1')).toBe(true);
    expect(memory.written).toHaveLength(1);
  });

  it('does not serve before its root is remembered', async () => {
    const held = Promise.withResolvers<void>();
    memory.before = () => held.promise;
    let served = false;
    const asked = ask().then(() => {
      served = true;
    });
    for (let turns = 0; turns < 50; turns += 1) await turn();
    expect([memory.written.length, served]).toEqual([1, false]);
    held.resolve();
    await asked;
    expect(served).toBe(true);
  });

  it('is refused where its root cannot be remembered, and where another replica was faster with another one', async () => {
    const fault = new Fault('CLUSTER_UNREACHABLE', 'no');
    memory.before = () => Promise.reject(fault);
    await expect(ask()).rejects.toBe(fault);
    now += TTL;
    const other = await opened().facts(
      {
        address: { server: SERVER, gun: GUN, registry: 'registry.test', credential: undefined },
        roles: [],
        notBefore: undefined,
        dryRun: true,
      },
      never,
    );
    repository = repositoryOf();
    memory.before = async () => {
      memory.before = () => undefined;
      await new Promise((done) => setImmediate(done));
      await memory.remember(rememberedOf(other), undefined);
    };
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
  });

  it('keeps its root where what hangs from it does not hold: the next one has to follow from it', async () => {
    repository.publish({ timestamp: { signers: [makeKey()] } });
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_SIGNATURE' });
    expect(await versions()).toEqual({ root: 1 });
    now += TTL;
    const made = repository;
    repository = repositoryOf();
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    now += TTL;
    repository = made.publish();
    expect((await ask()).targets.targets.has('v1')).toBe(true);
  });

  it('has its versions remembered with what was admitted, in one write', async () => {
    const admitted = new Admitted({
      memory,
      clock: { now: () => now },
      grace: TTL,
      observe: (event) => expect(event).toBe('never'),
      log: silentLog,
    });
    const facts = await ask();
    const query = { server: SERVER, gun: GUN, sha256: 'a'.repeat(64), namespace: 'team', tag: 'v1', demand: '0' };
    admitted.note(query, facts);
    await admitted.settled();
    expect(await versions()).toEqual(ALL);
    expect((await memory.read(SERVER, GUN))?.admitted).toMatchObject([{ tag: 'v1' }]);
    expect(memory.written).toHaveLength(2);
  });

  it('has its versions remembered before a refusal, and before whoever notes nothing', async () => {
    for (const query of [{ notBefore: NOW, noted: false }, { noted: false }]) {
      memory = new Memory();
      cache = opened();
      await ask();
      expect(await versions()).toEqual({ root: 1 });
      await ask(query);
      expect(await versions()).toEqual(ALL);
    }
  });

  it('has its versions remembered by the next look where no note came through', async () => {
    await ask();
    now += TTL;
    await ask();
    expect(await versions()).toEqual(ALL);
  });

  it('is looked at anew where another replica went ahead meanwhile', async () => {
    const facts = await ask({ dryRun: true });
    cache = opened();
    memory.before = async (seen) => {
      memory.before = () => undefined;
      const ahead = new Map([...rememberedOf(facts).versions, ['timestamp', 9] as const]);
      await memory.remember({ ...seen, versions: ahead }, undefined);
    };
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_ROLLBACK' });
  });

  it('leaves nothing behind by a dry run', async () => {
    await ask({ dryRun: true });
    expect(memory.written).toEqual([]);
    await ask();
    expect(await versions()).toEqual(ALL);
  });

  it('is remembered as pinned where the pins are those of the cluster', async () => {
    const pins = {
      keyIds: new Set(repository.keysOf('root').map(({ id }) => id)),
      fingerprints: new Set<string>(),
      authorities: [],
    };
    await ask({ pins, vouches: true });
    expect((await memory.read(SERVER, GUN))?.rootFrom).toBe('pinned');
  });
});
