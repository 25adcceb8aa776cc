import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../functions/cache/memory.ts';
import { Fault } from '../../functions/codes.ts';
import type { TrustMemory } from '../../functions/ports.ts';
import { makeKey, type TestKey } from '../support/tuf/key.ts';
import type { TestRepository } from '../support/tuf/repository.ts';
import { policy, trusted, World } from './world.ts';

const [OLD, NEW, NEVER] = ['aa'.repeat(32), 'bb'.repeat(32), 'cc'.repeat(32)];
const HUB = 'docker.io/library/nginx';
const HOUR = 3_600_000;
const pinned = (digest: string): string => `nginx:v1@sha256:${digest}`;

let world: World;
let repository: TestRepository;
let alice: TestKey;

/** A workload runs with the old digest in `team`; then its tag is signed anew, and the gate has seen that. */
beforeEach(async () => {
  world = new World();
  alice = makeKey();
  world.signer('team', 'alice', alice);
  world.signer('other', 'alice', alice);
  world.policies = [policy('default', [trusted('docker.io/*', { signerSecrets: [{ name: 'alice' }] })])];
  repository = world.repository(HUB);
  repository.addSigner('alice', alice);
  repository.tag('v1', OLD, 'targets/releases', 'targets/alice').publish();
  expect((await world.pod(['nginx:v1'])).patched.get('/spec/containers/0/image')).toBe(pinned(OLD));
  world.now += HOUR;
  repository.tag('v1', NEW, 'targets/releases', 'targets/alice').publish();
  expect((await world.pod(['nginx:v1'])).patched.get('/spec/containers/0/image')).toBe(pinned(NEW));
});

describe('what was trusted when it was admitted', () => {
  it('is let in again for a day after its tag was signed anew, with a warning that says until when, by every process', async () => {
    for (const image of [pinned(OLD), `nginx@sha256:${OLD}`]) {
      const answer = await world.pod([image]);
      expect(answer.allowed, answer.message).toBe(true);
      expect(answer.patched.size).toBe(0);
      expect(answer.warnings.join()).toMatch(/no longer signed; it is admitted until 2026-/);
    }
    world.restart();
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: true });
    world.now += 23 * HOUR;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: true });
  });

  it('is refused once the time is over, however often it was let in', async () => {
    for (let hour = 0; hour < 24; hour += 6) {
      await world.pod([pinned(OLD)]);
      world.now += 6 * HOUR;
    }
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
    world.restart();
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('is refused at once where the operator gives no time', async () => {
    world.graceHours = 0;
    world.restart();
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('opens nothing in another namespace', async () => {
    expect(await world.pod([pinned(OLD)], { namespace: 'other' })).toMatchObject({ allowed: false });
  });

  it('opens nothing for a digest that was never admitted, nor for a tag', async () => {
    expect(await world.pod([pinned(NEVER)])).toMatchObject({ allowed: false });
    expect(await world.pod([`nginx:v2@sha256:${NEVER}`])).toMatchObject({ allowed: false });
    expect(await world.pod(['nginx:v2'])).toMatchObject({ allowed: false });
    expect((await world.pod(['nginx:v1'])).patched.get('/spec/containers/0/image')).toBe(pinned(NEW));
  });

  it('is let in under the tag that moved on while it is signed under another one, there where it was admitted under that tag', async () => {
    repository.tag('v0', OLD, 'targets/releases', 'targets/alice').publish();
    world.now += 48 * HOUR;
    const answer = await world.pod([pinned(OLD)]);
    expect([answer.allowed, answer.patched.size]).toEqual([true, 0]);
    expect(answer.warnings.join()).toMatch(/signed under another tag alone by now/);
    expect((await world.pod([`nginx:v0@sha256:${OLD}`])).warnings).toEqual([]);
    expect(await world.pod([pinned(OLD)], { namespace: 'other' })).toMatchObject({ allowed: false });
    expect(await world.pod([`nginx:v2@sha256:${OLD}`])).toMatchObject({ allowed: false });
  });

  it('opens nothing under a tag that was revoked, or where the other tag is not signed as is demanded', async () => {
    repository.tag('v0', OLD, 'targets/releases').publish();
    world.now += 48 * HOUR;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
    repository.tag('v0', OLD, 'targets/releases', 'targets/alice');
    repository.draft('targets/releases').targets.delete('v1');
    repository.draft('targets/alice').targets.delete('v1');
    repository.publish();
    world.now += HOUR;
    expect(await world.pod([`nginx:v0@sha256:${OLD}`])).toMatchObject({ allowed: true });
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('opens nothing under a policy that demands other signers, or more of them', async () => {
    world.signer('team', 'bob', makeKey());
    world.policies = [
      policy('default', [trusted('docker.io/*', { signerSecrets: [{ name: 'alice' }, { name: 'bob' }] })]),
    ];
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
    world.policies = [policy('default', [trusted('docker.io/*')])];
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('ends with the key of its signer: replaced in the Secret, or taken out of the role', async () => {
    const next = makeKey();
    world.signer('team', 'alice', next);
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
    world.signer('team', 'alice', alice);
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: true });
    const delegation = repository.draft('targets').delegations.get('targets/alice');
    delegation?.keys.splice(0, 1, next);
    repository.publish();
    world.now += HOUR;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('ends with trust data that does not hold: expired, or of another root', async () => {
    const signed = new Map(repository.files);
    world.repository(HUB).tag('v1', OLD).publish();
    world.now += HOUR;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
    repository.files.clear();
    for (const [name, bytes] of signed) repository.files.set(name, bytes);
    world.repositories.set(HUB, repository);
    world.now += 5_000;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: true });
    world.graceHours = 8760;
    world.restart();
    world.now += 15 * 24 * HOUR;
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('is remembered of admissions alone, never of a dry run', async () => {
    world.now += HOUR;
    repository.tag('v3', NEVER, 'targets/releases', 'targets/alice').publish();
    expect(await world.pod(['nginx:v3'], { dryRun: true })).toMatchObject({ allowed: true });
    world.now += HOUR;
    repository.tag('v3', NEW, 'targets/releases', 'targets/alice').publish();
    expect(await world.pod([`nginx:v3@sha256:${NEVER}`])).toMatchObject({ allowed: false });
  });

  it('is the same again where the old digest is signed once more', async () => {
    world.now += HOUR;
    repository.tag('v0', OLD, 'targets/releases', 'targets/alice').publish();
    expect((await world.pod([`nginx@sha256:${OLD}`])).warnings).toEqual([]);
    world.now += 48 * HOUR;
    expect((await world.pod([`nginx@sha256:${OLD}`])).allowed).toBe(true);
  });

  it('opens nothing for a digest whose tag was revoked: only a tag that is signed anew leaves one behind', async () => {
    repository.draft('targets/releases').targets.delete('v1');
    repository.draft('targets/alice').targets.delete('v1');
    repository.publish();
    world.now += HOUR;
    for (const image of [pinned(OLD), `nginx@sha256:${OLD}`])
      expect(await world.pod([image])).toMatchObject({ allowed: false });
  });

  it('opens nothing under another tag than the one it was signed for', async () => {
    repository.tag('v2', NEW, 'targets/releases', 'targets/alice').publish();
    world.now += HOUR;
    expect(await world.pod([`nginx:v2@sha256:${OLD}`])).toMatchObject({ allowed: false });
    expect(await world.pod([`nginx:never@sha256:${OLD}`])).toMatchObject({ allowed: false });
  });

  it('ends with the keys of the root, and with those that release tags', async () => {
    repository.rotateRoot().publish();
    world.now += HOUR;
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    expect(await world.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('ends with the key of targets where no signer is demanded', async () => {
    world.policies = [policy('default', [trusted('docker.io/*')])];
    const plain = world.repository('docker.io/library/plain').tag('v1', OLD).publish();
    expect(await world.pod(['plain:v1'])).toMatchObject({ allowed: true });
    world.now += HOUR;
    plain.tag('v1', NEW).publish();
    expect(await world.pod([`plain:v1@sha256:${OLD}`])).toMatchObject({ allowed: true });
    plain.roles.targets.keys = [makeKey()];
    plain.publish({}, ['root', 'targets']);
    world.now += HOUR;
    expect(await world.pod(['plain:v1'])).toMatchObject({ allowed: true });
    expect(await world.pod([`plain:v1@sha256:${OLD}`])).toMatchObject({ allowed: false });
  });

  it('opens nothing where it was never written down that it left: a frozen record', async () => {
    const memory = new MemoryTrust();
    let frozen = false;
    const freezing: TrustMemory = {
      read: async (server, gun) => {
        const record = await memory.read(server, gun);
        return record && { ...record, ...(frozen && { frozen: true }) };
      },
      remember: async (seen, base) => {
        const record = await memory.read(seen.server, seen.gun);
        return frozen && record !== undefined ? { ...record, frozen: true } : memory.remember(seen, base);
      },
      listen: () => undefined,
    };
    const other = new World(freezing);
    other.policies = [policy('default', [trusted('docker.io/*')])];
    const served = other.repository(HUB).tag('v1', OLD).publish();
    expect(await other.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    frozen = true;
    served.tag('v1', NEW).publish();
    other.now += HOUR;
    expect(await other.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    expect(await other.pod([pinned(OLD)])).toMatchObject({ allowed: false });
  });

  it('holds no admission up where the memory gives no answer to what was admitted', async () => {
    const memory = new MemoryTrust();
    let reads = 0;
    const silent: TrustMemory = {
      // The look at the trust server is answered; what the admission would note is not.
      read: (server, gun, signal) => {
        reads += 1;
        if (reads < 2) return memory.read(server, gun);
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Fault('CLUSTER_UNREACHABLE', 'silent'))),
        );
      },
      remember: (seen, base) => memory.remember(seen, base),
      listen: () => undefined,
    };
    const other = new World(silent);
    other.policies = [policy('default', [trusted('docker.io/*')])];
    other.repository(HUB).tag('v1', OLD).publish();
    expect(await other.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    expect(reads).toBe(2);
  }, 10_000);
});
