import { beforeEach, describe, expect, it } from 'vitest';
import { turn } from '../../../functions/awaitable.ts';
import { Admitted } from '../../../functions/cache/admitted.ts';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import { silentLog } from '../../../functions/log.ts';
import type { NotaryFiles, RememberedTrust, TrustQuery } from '../../../functions/ports.ts';
import type { TrustFacts } from '../../../functions/trust/notary/facts.ts';
import { rememberedOf } from '../../../functions/trust/notary/update.ts';
import { ObservedMemory } from '../../support/trustmemory.ts';
import { makeKey } from '../../support/tuf/key.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const TTL = 60_000;
const SERVER = 'https://notary.test';
const GUN = 'registry.test/app';
const never = new AbortController().signal;
const repositoryOf = () => new TestRepository({ gun: GUN, now: NOW }).tag('v1', 'a'.repeat(64)).publish();

let memory: ObservedMemory;
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
  memory = new ObservedMemory();
  repository = repositoryOf();
  onFetch = () => undefined;
  cache = opened();
});

const ask = async (query: Partial<TrustQuery> = {}): Promise<TrustFacts> => {
  const address = { server: SERVER, gun: GUN, registry: 'registry.test', credential: undefined };
  return cache.facts({ address, roles: [], notBefore: undefined, dryRun: false, noted: true, ...query }, never);
};
/** An operator deletes the record, or puts this one in its place. */
const setRecord = async (record?: RememberedTrust): Promise<void> => {
  memory.inner = new MemoryTrust();
  if (record !== undefined) await memory.inner.remember(record, undefined);
  memory.tell(SERVER, GUN, record);
};
const versions = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await memory.read(SERVER, GUN))?.versions ?? []);
const ALL = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };

describe('the first use of a repository whose admissions are noted', () => {
  it('has its root remembered while the rest has not even arrived (TUF 5.3.8)', async () => {
    const held = Promise.withResolvers<void>();
    onFetch = (role) => (role === 'timestamp' ? held.promise : undefined);
    const asked = ask();
    while (memory.wanted.length === 0) await turn();
    expect(await versions()).toEqual({ root: 1 });
    held.resolve();
    expect((await asked).targets.targets.has('v1')).toBe(true);
    expect(memory.wanted).toHaveLength(1);
  });

  it('does not serve before its root is remembered', async () => {
    const held = Promise.withResolvers<void>();
    memory.before = () => held.promise;
    let served = false;
    const asked = ask().then(() => {
      served = true;
    });
    for (let turns = 0; turns < 50; turns += 1) await turn();
    expect([memory.wanted.length, served]).toEqual([1, false]);
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
      await turn();
      await memory.remember(rememberedOf(other), undefined, never);
    };
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
  });

  it('keeps its root where what hangs from it does not hold: the next one has to follow from it', async () => {
    repository.publish({ timestamp: { signers: [makeKey()] } });
    // Longer than it takes to refuse: the end of the look must not end the write.
    memory.before = async () => {
      for (let turns = 0; turns < 50; turns += 1) await turn();
    };
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

  it('has its versions remembered with what was admitted, in one write, and so again once its record was reset', async () => {
    const admitted = new Admitted({
      memory,
      clock: { now: () => now },
      grace: TTL,
      observe: (event) => expect(event).toBe('never'),
      log: silentLog,
    });
    const query = { server: SERVER, gun: GUN, sha256: 'a'.repeat(64), namespace: 'team', tag: 'v1', demand: '0' };
    for (let use = 0; use < 2; use += 1) {
      memory.wanted = [];
      for (let times = 0; times < 3; times += 1) {
        admitted.note(query, await ask());
        await admitted.settled();
      }
      expect(await versions()).toEqual(ALL);
      expect((await memory.read(SERVER, GUN))?.admitted).toMatchObject([{ tag: 'v1' }]);
      expect(memory.wanted).toHaveLength(2);
      await setRecord();
    }
  });

  it('has its versions remembered before whoever notes nothing is answered', async () => {
    await ask();
    expect(await versions()).toEqual({ root: 1 });
    await ask({ noted: false });
    expect(await versions()).toEqual(ALL);
  });

  it('is refused where an operator resets or changes the record while it is under way, and begins anew', async () => {
    const other = rememberedOf(await ask({ dryRun: true }));
    for (const changed of [undefined, { ...other, rootKeyIds: ['another'] }]) {
      await setRecord();
      cache = opened();
      const held = Promise.withResolvers<void>();
      onFetch = (role) => (role === 'timestamp' ? held.promise : undefined);
      memory.wanted = [];
      const asked = ask();
      while ((await memory.read(SERVER, GUN)) === undefined) await turn();
      await setRecord(changed);
      held.resolve();
      await expect(asked).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    }
  });

  it('is written whole where root was published anew under the same keys while it was looked at', async () => {
    const before = new Map(repository.files);
    repository.roles.targets.keys = [makeKey()];
    repository.publish({}, ['root', 'targets']);
    const after = new Map(repository.files);
    const show = (files: ReadonlyMap<string, Buffer>) => {
      repository.files.clear();
      for (const [name, bytes] of files) repository.files.set(name, bytes);
    };
    show(new Map([...after, ['root', before.get('root') as Buffer]]));
    onFetch = () => (memory.wanted.length > 0 ? show(after) : undefined);
    expect((await ask()).root.version).toBe(2);
    expect(await versions()).toMatchObject({ root: 2, targets: 2 });
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
      await memory.remember({ ...seen, versions: ahead }, undefined, never);
    };
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'TRUST_ROLLBACK' });
  });

  it('leaves nothing behind by a dry run', async () => {
    await ask({ dryRun: true });
    expect(memory.wanted).toEqual([]);
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
