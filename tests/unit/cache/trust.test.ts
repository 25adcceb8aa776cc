import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache, type TrustCacheOptions } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import type { Credential, NotaryFiles, RememberedTrust, TrustQuery } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import { rememberedOf } from '../../../functions/trust/notary/update.ts';
import { ObservedMemory } from '../../support/trustmemory.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const START = Date.UTC(2026, 5, 1);
const TTL = 60_000;
const STALE = 600_000;
const DAY = 24 * 3600 * 1000;
const DIGEST = 'a'.repeat(64);
const never = new AbortController().signal;

/** A repository behind a server that can be held up or fail, and a cache with a clock of its own. */
class World {
  now = START;
  readonly repository = new TestRepository({ gun: 'host/team/app', now: START }).tag('v1', DIGEST).publish();
  served = filesOf(this.repository);
  failure: Error | undefined;
  held: Promise<void> | undefined;
  readonly events: string[] = [];
  readonly memory = new ObservedMemory();
  readonly files: NotaryFiles = {
    fetch: async (address, file, signal) => {
      await this.held;
      if (this.failure !== undefined) throw this.failure;
      return this.served.fetch(address, file, signal);
    },
  };
  readonly cache: TrustCache;

  constructor(options: Partial<TrustCacheOptions> = {}) {
    this.cache = new TrustCache({
      files: this.files,
      memory: this.memory,
      clock: { now: () => this.now },
      ttl: TTL,
      staleIfError: STALE,
      patience: 20,
      maxBytes: 10_000_000,
      observe: { cache: (event) => this.events.push(event), served: () => undefined, fetched: () => undefined },
      ...options,
    });
  }

  /** How often the server was asked for the timestamp: the number of updates. */
  get updates(): number {
    return this.served.asked.filter((name) => name === 'timestamp').length;
  }

  async ask(
    query: Partial<Omit<TrustQuery, 'address'>> & { credential?: Credential; server?: string } = {},
    signal = never,
  ) {
    const { credential, server = 'https://notary.example', ...rest } = query;
    const address = { server, gun: 'host/team/app', registry: 'host', credential };
    return this.cache.facts({ address, roles: [], notBefore: undefined, dryRun: false, ...rest }, signal);
  }

  /** Holds the server up until the function it gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.held = promise;
    return () => {
      this.held = undefined;
      resolve();
    };
  }
}

/** Lets everything that is ready to run do so: a refresh in the background, with its signatures, is done after it. */
const settle = async () => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const outage = () => new Fault('TRUST_SERVER_UNREACHABLE', 'down');

let world: World;
beforeEach(() => {
  world = new World();
});

describe('trust data in the cache', () => {
  it('is fetched once for many callers at the same time', async () => {
    const release = world.hold();
    const asked = Array.from({ length: 100 }, () => world.ask());
    release();
    const all = await Promise.all(asked);
    expect(new Set(all).size).toBe(1);
    expect(world.updates).toBe(1);
  });

  it('serves until its TTL without asking the server', async () => {
    await world.ask();
    world.now += TTL / 2 - 1;
    await world.ask();
    expect(world.updates).toBe(1);
    expect(world.events).toEqual(['miss', 'hit']);
  });

  it('is refreshed behind a caller who does not wait, for the price of one timestamp', async () => {
    const first = await world.ask();
    world.now += TTL / 2;
    const release = world.hold();
    expect(await world.ask()).toBe(first);
    expect(await world.ask()).toBe(first);
    world.served.asked.length = 0;
    release();
    await settle();
    expect(world.served.asked).toEqual(['timestamp']);
    world.now += TTL - 1;
    await world.ask();
    expect(world.events).toEqual(['miss', 'refresh', 'hit', 'hit', 'refresh', 'hit']);
  });

  it('shows what was published after a refresh', async () => {
    await world.ask();
    world.repository.tag('v2', 'b'.repeat(64)).publish();
    world.now += TTL;
    expect((await world.ask()).targets.targets.get('v2')?.sha256).toBe('b'.repeat(64));
  });

  it('is never given to another credential, nor to none, nor for other roles', async () => {
    const alice = { username: 'alice', password: 'one', identityToken: undefined };
    await world.ask({ credential: alice });
    expect(world.updates).toBe(1);
    await world.ask({ credential: { ...alice } });
    expect(world.updates).toBe(1);
    await world.ask({ credential: { ...alice, password: 'two' } });
    await world.ask({ credential: { ...alice, identityToken: 'one' } });
    await world.ask();
    await world.ask({ roles: ['targets/alice'] });
    expect(world.updates).toBe(5);
  });

  it('is given by age where the caller wants it fresh', async () => {
    await world.ask();
    world.now += 5_000;
    await world.ask({ notBefore: world.now - 6_000 });
    expect(world.updates).toBe(1);
    await world.ask({ notBefore: world.now - 1_000 });
    expect(world.updates).toBe(2);
  });

  it('waits for a second update where the first began too early for the caller', async () => {
    const release = world.hold();
    const early = world.ask();
    world.now += 5_000;
    const late = world.ask({ notBefore: world.now });
    release();
    expect((await early).timestamp.version).toBe(1);
    await late;
    expect(world.updates).toBe(2);
  });

  it('is not older than the TTL where the server takes longer than that to answer', async () => {
    const release = world.hold();
    const early = world.ask();
    world.now += TTL;
    const inTime = world.ask();
    world.now += 1;
    const late = world.ask();
    release();
    expect(await inTime).toBe(await early);
    await late;
    expect(world.updates).toBe(2);
  });

  it('goes when there is no room, and what is larger than the whole cache still answers', async () => {
    const small = new World({ maxBytes: 10 });
    await small.ask();
    await small.ask();
    expect(small.updates).toBe(2);
  });
});

describe('a caller', () => {
  it('who gives up leaves the update to the next one', async () => {
    const release = world.hold();
    const controller = new AbortController();
    const asked = world.ask({}, controller.signal);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'DEADLINE' });
    release();
    await settle();
    await world.ask({}, AbortSignal.timeout(1_000));
    expect(world.updates).toBe(1);
    expect(world.events).toEqual(['miss', 'hit']);
  });
});

describe('in an outage', () => {
  it('what is verified and not expired goes on serving, counted, up to its bound', async () => {
    await world.ask();
    world.failure = outage();
    world.now += TTL;
    await world.ask();
    world.now += STALE - 1;
    await world.ask();
    expect(world.events.filter((event) => event === 'stale')).toHaveLength(2);
    world.now += 1;
    await expect(world.ask()).rejects.toBe(world.failure);
  });

  it('what serves says since when it stands and why it was not looked at anew', async () => {
    const first = await world.ask();
    expect(first.unanswered).toBeUndefined();
    world.failure = outage();
    world.now += TTL;
    expect(await world.ask()).toEqual({ ...first, unanswered: { since: START, cause: world.failure } });
    world.failure = undefined;
    world.now += 2_000;
    expect((await world.ask()).unanswered).toBeUndefined();
  });

  it('nobody waits long for a server that hangs while there is something to fall back on', async () => {
    const first = await world.ask();
    world.now += TTL;
    const release = world.hold();
    expect(await world.ask({}, AbortSignal.timeout(5_000))).toMatchObject({ targets: first.targets });
    expect(world.events).toContain('stale');
    release();
    await settle();
  });

  it('a server that hangs is waited for once, not by each caller anew', async () => {
    await world.ask();
    world.now += TTL;
    const release = world.hold();
    await world.ask();
    let answered = 0;
    const asked = Array.from({ length: 128 }, () => world.ask().then(() => (answered += 1)));
    await new Promise((turn) => setImmediate(turn));
    expect(answered).toBe(128);
    release();
    await Promise.all(asked);
    await settle();
  });

  it('nothing serves beyond the expiry of a role', async () => {
    const patient = new World({ staleIfError: 400 * DAY });
    await patient.ask();
    patient.failure = outage();
    patient.now = START + 14 * DAY;
    await patient.ask();
    patient.now += 1;
    await expect(patient.ask()).rejects.toBe(patient.failure);
  });

  it('who wants fresh data gets the fault', async () => {
    await world.ask();
    world.failure = outage();
    world.now += TTL;
    await expect(world.ask({ notBefore: world.now })).rejects.toBe(world.failure);
  });

  it('a memory that gives no answer is an outage too, and without data a fault', async () => {
    world.memory.broken = new Fault('CLUSTER_UNREACHABLE', 'no API server');
    await expect(world.ask()).rejects.toBe(world.memory.broken);
    world.memory.broken = undefined;
    world.now += 2_000;
    await world.ask();
  });

  it('a failed refresh in the background rejects nobody', async () => {
    await world.ask();
    world.failure = outage();
    world.now += TTL / 2;
    await world.ask();
    await settle();
    expect(world.events).toEqual(['miss', 'refresh', 'hit', 'fault']);
    await world.ask();
    await settle();
    expect(world.events).toEqual(['miss', 'refresh', 'hit', 'fault', 'hit']);
  });
});

describe('a failure', () => {
  it('answers for two seconds and no longer', async () => {
    world.failure = outage();
    await expect(world.ask()).rejects.toBe(world.failure);
    const first = world.failure;
    world.failure = undefined;
    world.now += 1_999;
    await expect(world.ask()).rejects.toBe(first);
    world.now += 1;
    await world.ask();
  });

  it.each([
    [30, 30_000],
    [3_600, 60_000],
    [0, 2_000],
  ])('with Retry-After %d answers for %d ms', async (retryAfter, memory) => {
    world.failure = new Fault('TRUST_SERVER_BUSY', 'busy', { retryAfter });
    await expect(world.ask()).rejects.toThrow('busy');
    world.failure = undefined;
    world.now += memory - 1;
    await expect(world.ask()).rejects.toThrow('busy');
    world.now += 1;
    await world.ask();
  });

  it.each([
    [{ retryAfter: 30 }, 30_000],
    [{}, 2_000],
  ] as const)(
    'that asks for rest is heeded for every repository of the server, but not for another credential or server: %j',
    async (options, rest) => {
      await world.ask();
      world.failure = new Fault('TRUST_SERVER_BUSY', 'busy', options);
      await expect(world.ask({ roles: ['targets/a'] })).rejects.toThrow('busy');
      world.failure = undefined;
      const before = world.updates;
      await expect(world.ask({ roles: ['targets/b'] })).rejects.toThrow('busy');
      world.now += TTL / 2;
      world.failure = new Fault('TRUST_SERVER_BUSY', 'busy', options);
      await expect(world.ask({ roles: ['targets/c'] })).rejects.toThrow('busy');
      world.failure = undefined;
      await world.ask();
      await settle();
      expect(world.updates).toBe(before);
      await world.ask({ credential: { username: 'a', password: 'b', identityToken: undefined } });
      await world.ask({ server: 'https://other.example', roles: ['targets/b'] });
      expect(world.updates).toBe(before + 2);
      world.now += rest - 1;
      await expect(world.ask({ roles: ['targets/b'] })).rejects.toThrow('busy');
      world.now += 1;
      await world.ask({ roles: ['targets/b'] });
    },
  );

  it('that is no answer from one repository says nothing of another', async () => {
    world.failure = outage();
    await expect(world.ask({ roles: ['targets/a'] })).rejects.toBe(world.failure);
    world.failure = undefined;
    await world.ask({ roles: ['targets/b'] });
  });

  it('that is a refusal ends what is cached at once, even within its TTL', async () => {
    await world.ask();
    world.failure = new TrustError('TRUST_NO_DATA', 'gone');
    world.now += TTL / 2;
    await world.ask();
    await settle();
    await expect(world.ask()).rejects.toBe(world.failure);
    world.failure = outage();
    world.now += TTL;
    await expect(world.ask()).rejects.toBe(world.failure);
  });

  it('of the credential ends what is cached for it', async () => {
    await world.ask();
    world.failure = new Fault('AUTH_REFUSED', 'no');
    world.now += TTL;
    await expect(world.ask()).rejects.toBe(world.failure);
  });

  it('of one credential is not that of another', async () => {
    world.failure = new Fault('AUTH_REFUSED', 'no');
    await expect(world.ask()).rejects.toBe(world.failure);
    world.failure = undefined;
    await world.ask({ credential: { username: 'a', password: 'b', identityToken: undefined } });
  });
});

describe('a clock that is set back', () => {
  it('by much has everything verified again, and does not let it serve unverified', async () => {
    await world.ask();
    world.now -= 3_600_000;
    world.failure = outage();
    await expect(world.ask()).rejects.toBe(world.failure);
    world.now += 2_000;
    world.failure = undefined;
    await world.ask();
    expect(world.updates).toBe(2);
  });

  it('by little changes nothing and lengthens no life', async () => {
    await world.ask();
    world.now += TTL - 1;
    await world.ask();
    await settle();
    world.now -= 500;
    await world.ask();
    expect(world.events.filter((event) => event === 'miss')).toHaveLength(1);
  });

  it('forgets a remembered failure', async () => {
    world.failure = outage();
    await expect(world.ask()).rejects.toBe(world.failure);
    world.failure = undefined;
    world.now -= 10_000;
    await world.ask();
  });
});

describe('the memory beyond the cache', () => {
  it('asks nobody anew where another caller had roles remembered that this one does not ask for', async () => {
    const facts = await world.ask();
    const record = rememberedOf(facts);
    const versions = new Map(record.versions).set('targets/alice', 7);
    world.memory.tell(record.server, record.gun, { ...record, versions });
    await world.ask();
    expect(world.updates).toBe(1);
    world.memory.tell(record.server, record.gun, { ...record, versions: new Map(versions).set('timestamp', 9) });
    await world.ask();
    expect(world.updates).toBe(2);
  });

  it('is written once for what is new, and not for a refresh that shows nothing new', async () => {
    await world.ask();
    world.now += TTL;
    await world.ask();
    expect(world.memory.writes).toBe(1);
    world.repository.tag('v2', DIGEST).publish();
    world.now += TTL;
    await world.ask();
    expect(world.memory.writes).toBe(2);
  });

  it('is not written by a dry run, but by the first admission that counts on its data', async () => {
    await world.ask({ dryRun: true });
    await world.ask({ dryRun: true });
    expect(world.memory.writes).toBe(0);
    await world.ask();
    await world.ask();
    expect(world.memory.writes).toBe(1);
    expect(world.updates).toBe(1);
  });

  it('is written when an admission joins the update of a dry run', async () => {
    const release = world.hold();
    const both = [world.ask({ dryRun: true }), world.ask()];
    release();
    await Promise.all(both);
    expect(world.memory.writes).toBe(1);
    expect(world.updates).toBe(1);
  });

  it('makes a rollback a refusal for a cache that never saw the repository', async () => {
    await world.ask();
    const old = new Map(world.repository.files);
    world.repository.tag('v2', DIGEST).publish();
    world.now += TTL;
    await world.ask();
    world.repository.files.clear();
    for (const [name, bytes] of old) world.repository.files.set(name, bytes);
    const other = new TrustCache({
      files: world.files,
      memory: world.memory,
      clock: { now: () => world.now },
      ttl: TTL,
      maxBytes: 1e7,
    });
    const address = { server: 'https://notary.example', gun: 'host/team/app', registry: 'host', credential: undefined };
    const asked = other.facts({ address, roles: [], notBefore: undefined, dryRun: false }, never);
    await expect(asked).rejects.toMatchObject({ code: 'TRUST_ROLLBACK' });
  });

  it('refuses a repository made anew until its record is reset', async () => {
    await world.ask();
    const anew = new TestRepository({ gun: 'host/team/app', now: START }).tag('v1', DIGEST).publish();
    world.served = filesOf(anew);
    world.now += TTL;
    await expect(world.ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    world.memory.inner = new MemoryTrust();
    world.now += 2_000;
    expect([...(await world.ask()).root.keyIds]).toEqual(anew.keysOf('root').map(({ id }) => id));
  });

  it('counts a reset that comes while a refresh is under way, though the refresh has no news', async () => {
    await world.ask();
    world.now += TTL / 2;
    const release = world.hold();
    await world.ask();
    await settle();
    world.memory.inner = new MemoryTrust();
    world.memory.tell('https://notary.example', 'host/team/app', undefined);
    release();
    await settle();
    expect(world.memory.writes).toBe(1);
    await world.ask();
    expect(world.memory.writes).toBe(2);
  });

  it('does not take the root of a dry run in place of one that was remembered meanwhile', async () => {
    await world.ask({ dryRun: true });
    const other = new TestRepository({ gun: 'host/team/app', now: START }).tag('v1', DIGEST).publish();
    const elsewhere = new World();
    elsewhere.served = filesOf(other);
    await world.memory.inner.remember(rememberedOf(await elsewhere.ask()), undefined);
    await expect(world.ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect(world.memory.writes).toBe(0);
  });
});

describe('a memory that cannot be written', () => {
  const unwritable = new Fault('CLUSTER_UNREACHABLE', 'No answer.');

  it('holds up a first use and a new root', async () => {
    world.memory.unwritable = unwritable;
    await expect(world.ask()).rejects.toBe(unwritable);
    world.memory.unwritable = undefined;
    world.now += 5_000;
    await world.ask();
    world.memory.unwritable = unwritable;
    world.repository.rotateRoot().publish();
    world.now += TTL + STALE;
    await expect(world.ask()).rejects.toBe(unwritable);
  });

  it('does not hold up versions that rise: they are counted, and written at the next update', async () => {
    await world.ask();
    world.memory.unwritable = unwritable;
    world.repository.tag('v2', DIGEST).publish();
    world.now += TTL;
    expect((await world.ask()).targets.targets.has('v2')).toBe(true);
    expect(world.events).toContain('unwritten');
    await world.ask();
    expect(world.events.filter((event) => event === 'unwritten')).toHaveLength(1);
    world.memory.unwritable = undefined;
    world.now += TTL;
    await world.ask();
    expect(world.memory.writes).toBe(2);
  });
});

describe('a record that somebody else changed', () => {
  const [server, gun] = ['https://notary.example', 'host/team/app'] as const;
  const recorded = async (more: Partial<RememberedTrust> = {}): Promise<RememberedTrust> => ({
    ...rememberedOf(await world.ask()),
    ...more,
  });

  it('counts at the next admission where its keys are others: nothing is served that stands on the old ones', async () => {
    const record = await recorded({ rootKeyIds: ['ab'.repeat(32)] });
    world.memory.inner = new MemoryTrust();
    await world.memory.inner.remember(record, undefined);
    world.memory.tell(server, gun, record);
    await expect(world.ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    world.failure = new Fault('TRUST_SERVER_UNREACHABLE', 'No answer.');
    world.now += 5_000;
    await expect(world.ask()).rejects.toBe(world.failure);
  });

  it('counts at the next admission where it was deleted: the repository is seen for the first time again', async () => {
    await world.ask();
    world.memory.inner = new MemoryTrust();
    world.memory.tell(server, gun, undefined);
    const anew = new TestRepository({ gun, now: START }).tag('v1', DIGEST).publish();
    world.served = filesOf(anew);
    expect([...(await world.ask()).root.keyIds]).toEqual(anew.keysOf('root').map(({ id }) => id));
  });

  it('has the server asked first where another replica saw a higher version, and serves on while there is no answer', async () => {
    const versions = new Map([...(await recorded()).versions].map(([role, version]) => [role, version + 1]));
    const record = await recorded({ versions });
    world.memory.tell(server, gun, record);
    const before = world.updates;
    world.failure = new Fault('TRUST_SERVER_UNREACHABLE', 'No answer.');
    await world.ask();
    expect(world.events).toContain('stale');
    world.failure = undefined;
    world.now += 5_000;
    await world.ask();
    expect(world.updates).toBeGreaterThan(before);
  });

  it('costs nothing where it says what is known, or is of another repository', async () => {
    const record = await recorded();
    world.memory.tell(server, gun, record);
    world.memory.tell(server, 'host/other', undefined);
    world.memory.tell('https://other.example', gun, undefined);
    await world.ask();
    expect(world.updates).toBe(1);
  });

  it('that is frozen refuses a rotated root, and is not written into', async () => {
    const record = await recorded({ frozen: true });
    world.memory.inner = new MemoryTrust();
    await world.memory.inner.remember(record, undefined);
    world.memory.tell(server, gun, record);
    await world.ask();
    world.repository.tag('v2', DIGEST).publish();
    world.now += TTL;
    await world.ask();
    expect(world.memory.writes).toBe(1);
    world.repository.rotateRoot().publish();
    world.now += TTL;
    await expect(world.ask()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED', message: /frozen/ });
  });
});

describe('trust data verified under root pins', () => {
  const pinsOf = (...keyIds: string[]) => ({
    keyIds: new Set(keyIds),
    fingerprints: new Set<string>(),
    authorities: [],
  });
  const rootIds = () => world.repository.roles.root.keys.map(({ id }) => id);

  it('is not served to a query under other pins, or under none, though it is of the same repository', async () => {
    expect(await codeOf(world.ask())).toBe('trusted');
    expect(await codeOf(world.ask({ pins: pinsOf('ab'.repeat(32)) }))).toBe('TRUST_ROOT_UNPINNED');
    expect(await codeOf(world.ask({ pins: pinsOf(...rootIds()) }))).toBe('trusted');
    expect(await codeOf(world.ask({ pins: pinsOf('ab'.repeat(32)) }))).toBe('TRUST_ROOT_UNPINNED');
  });

  it('is served again to a query under the same pins', async () => {
    const facts = await world.ask({ pins: pinsOf('ab'.repeat(32), ...rootIds()) });
    expect(await world.ask({ pins: pinsOf(...rootIds(), 'ab'.repeat(32)) })).toBe(facts);
  });

  it('is refused at first sight where first use is switched off, and taken once the cluster remembers its root', async () => {
    expect(await codeOf(world.ask({ firstUse: false }))).toBe('TRUST_ROOT_UNPINNED');
    await world.ask();
    world.now += 5_000;
    expect(await codeOf(world.ask({ firstUse: false }))).toBe('trusted');
  });
});

describe('trust data of a root that somebody has to vouch for', () => {
  const strict = { firstUse: false, onlyVouched: true };
  const operatorSays = async (more: Partial<RememberedTrust>): Promise<void> => {
    const record = { ...rememberedOf(await world.ask()), ...more };
    world.memory.inner = new MemoryTrust();
    await world.memory.inner.remember(record, undefined);
    world.memory.tell(record.server, record.gun, record);
    world.now += 5_000;
  };

  it('is refused while the record says a first use, taken once an operator vouches for it, and refused again without his word', async () => {
    await world.ask();
    expect(await codeOf(world.ask(strict))).toBe('TRUST_ROOT_UNPINNED');
    await operatorSays({ rootFrom: 'operator' });
    expect(await codeOf(world.ask(strict))).toBe('trusted');
    await operatorSays({ rootFrom: 'firstUse' });
    expect(await codeOf(world.ask(strict))).toBe('TRUST_ROOT_UNPINNED');
  });

  it('does not serve in an outage once nobody vouches for it any more', async () => {
    await operatorSays({ rootFrom: 'operator' });
    expect(await codeOf(world.ask(strict))).toBe('trusted');
    await operatorSays({});
    world.failure = new Fault('TRUST_SERVER_UNREACHABLE', 'No answer.');
    world.now += TTL;
    await expect(world.ask(strict)).rejects.toBe(world.failure);
  });

  it('is refused where its record is gone, though the process has seen it', async () => {
    await operatorSays({ rootFrom: 'pinned' });
    expect(await codeOf(world.ask(strict))).toBe('trusted');
    world.memory.inner = new MemoryTrust();
    world.now += TTL;
    expect(await codeOf(world.ask(strict))).toBe('TRUST_ROOT_UNPINNED');
  });
});

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof TrustError) return error.code;
    throw error;
  }
  return 'trusted';
};
