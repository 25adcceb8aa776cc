import { describe, expect, it } from 'vitest';
import { Fault } from '../../../../functions/codes.ts';
import type { NotaryFiles } from '../../../../functions/ports.ts';
import type { TargetsFacts } from '../../../../functions/trust/notary/facts.ts';
import type { TrustedRoot } from '../../../../functions/trust/notary/root.ts';
import { rememberedOf } from '../../../../functions/trust/notary/update.ts';
import { makeKey } from '../../../support/tuf/key.ts';
import { look, NOW, refusalOf } from '../../../support/tuf/look.ts';
import { fileName, filesOf } from '../../../support/tuf/memory.ts';
import { TestRepository } from '../../../support/tuf/repository.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const DAY = 24 * 3600 * 1000;
const released = () => {
  const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
  repository.addSigner('alice');
  return repository.tag('v1', A, 'targets', 'targets/releases', 'targets/alice').publish();
};
const plain = (name: string): string => name.replace(/\.[0-9a-f]{64}$/, '');
const asked = (files: ReturnType<typeof filesOf>): string[] => files.asked.splice(0).map(plain);

describe('the first update', () => {
  it('asks for the latest file of each role once, and only for the roles that are wanted', async () => {
    const repository = released();
    const files = filesOf(repository);
    await look(repository, { files });
    expect(files.asked).toEqual(['targets/releases', 'targets', 'snapshot', 'timestamp', 'root']);
  });

  it('asks for root after the other files, but not after the delegations of many signers', async () => {
    const repository = released();
    const files = filesOf(repository);
    const signers = Array.from({ length: 9 }, (_, index) => `targets/signer${index}`);
    await look(repository, { files, roles: signers });
    const before = files.asked.slice(0, files.asked.indexOf('root'));
    expect(before).toEqual(['targets/releases', ...signers.slice(0, 3), 'targets', 'snapshot', 'timestamp']);
    expect(new Set(files.asked).size).toBe(14);
  });

  it.each(['snapshot', 'targets', 'targets/releases'])(
    'asks under its hash where the latest file of %s is not the one that its parent states',
    async (role) => {
      const repository = released();
      const stated = new Map([...repository.files].filter(([name]) => /\.[0-9a-f]{64}$/.test(name)));
      const timestamp = repository.files.get('timestamp');
      repository.tag('v2', B, 'targets', 'targets/releases', 'targets/alice').publish();
      const newer = repository.files.get(role) as Buffer;
      for (const harm of [newer, Buffer.alloc(0), Buffer.from('{'), undefined]) {
        const files = filesOf(repository);
        const inner = files.fetch.bind(files);
        files.fetch = async (address, file, signal) => {
          if (file.role === 'timestamp') return timestamp;
          if (file.role === role && file.sha256 === undefined) return harm;
          return stated.get(`${file.role}.${file.sha256}`) ?? inner(address, file, signal);
        };
        const facts = await look(repository, { files });
        expect([...facts.targets.targets.keys()]).toEqual(['v1']);
        expect([...(facts.delegations.get('targets/releases') as TargetsFacts).targets.keys()]).toEqual(['v1']);
      }
    },
  );

  it('is refused where there is none', async () => {
    const repository = released();
    repository.files.clear();
    const files = filesOf(repository);
    expect((await refusalOf(look(repository, { files }))).code).toBe('TRUST_NO_DATA');
  });

  it('does not mind what became of the file of a role that nobody delegates', async () => {
    const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW }).tag('v1', A).publish();
    const inner = filesOf(repository);
    const files: NotaryFiles = {
      fetch: (address, file, signal) =>
        file.role.startsWith('targets/')
          ? Promise.reject(new Fault('TRUST_SERVER_ERROR', 'broken'))
          : inner.fetch(address, file, signal),
    };
    expect((await look(repository, { files, roles: ['targets/alice'] })).targets.targets.has('v1')).toBe(true);
  });

  it('has root, timestamp, snapshot, targets and delegations in flight together', async () => {
    const repository = released();
    const inner = filesOf(repository);
    let open = 0;
    let most = 0;
    const files: NotaryFiles = {
      fetch: async (...request) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        open -= 1;
        return inner.fetch(...request);
      },
    };
    await look(repository, { files, roles: ['targets/alice'] });
    expect(most).toBe(6);
  });

  it('looks at root once more when a publication came in between', async () => {
    const repository = released();
    const before = repository.files.get('root');
    repository.rotateRoot().publish();
    const inner = filesOf(repository);
    let first = true;
    const files: NotaryFiles = {
      fetch: (address, file, signal) => {
        if (file.role !== 'root' || file.version !== undefined || !first) return inner.fetch(address, file, signal);
        first = false;
        return Promise.resolve(before);
      },
    };
    expect((await look(repository, { files })).root.version).toBe(2);
  });

  it('takes no second root that does not follow from the first, though nothing was known of either', async () => {
    const repository = released();
    const before = repository.files.get('root');
    const anew = released();
    const inner = filesOf(anew);
    let first = true;
    const trusted: TrustedRoot[] = [];
    const files: NotaryFiles = {
      fetch: (address, file, signal) => {
        if (file.role !== 'root' || file.version !== undefined || !first) return inner.fetch(address, file, signal);
        first = false;
        return Promise.resolve(before);
      },
    };
    const refusal = await refusalOf(look(repository, { files, trusted: (root) => trusted.push(root) }));
    expect(refusal.code).toBe('TRUST_ROOT_CHANGED');
    expect(trusted.map(({ facts }) => [...facts.keyIds])).toEqual([repository.keysOf('root').map(({ id }) => id)]);
  });

  it('tells of a root at first sight, and of none that was known', async () => {
    const repository = released();
    const trusted: number[] = [];
    const tell = { trusted: ({ facts }: TrustedRoot) => void trusted.push(facts.version) };
    const facts = await look(repository, tell);
    expect(trusted).toEqual([1]);
    repository.rotateRoot().publish();
    await look(repository, { ...tell, previous: facts });
    await look(repository, { ...tell, remembered: rememberedOf(facts) });
    expect(trusted).toEqual([1]);
  });

  it('asks no further when root stays the same and does not fit', async () => {
    const repository = released();
    repository.publish({ timestamp: { signers: [makeKey()] } });
    const files = filesOf(repository);
    expect((await refusalOf(look(repository, { files }))).code).toBe('TRUST_SIGNATURE');
    expect(asked(files)).toEqual(['targets/releases', 'targets', 'snapshot', 'timestamp', 'root', 'root']);
  });

  it('passes a fault on as it is', async () => {
    const repository = released();
    const inner = filesOf(repository);
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']) {
      const fault = new Fault('TRUST_SERVER_UNREACHABLE', 'no route');
      const files: NotaryFiles = {
        fetch: (address, file, signal) =>
          file.role === role ? Promise.reject(fault) : inner.fetch(address, file, signal),
      };
      await expect(look(repository, { files })).rejects.toBe(fault);
    }
  });

  it('asks for no more bytes than the parent states, and calls more of them inconsistent', async () => {
    const repository = released();
    repository.publish({ targets: { served: (bytes) => Buffer.concat([bytes, Buffer.alloc(10, 32)]) } });
    expect((await refusalOf(look(repository))).code).toBe('TRUST_INCONSISTENT');
  });

  it('reads no file beyond its limit', async () => {
    const repository = released();
    const edit = (body: { [name: string]: unknown }) => {
      const { targets } = body['meta'] as { targets: { length: number } };
      targets.length = 2 ** 40;
    };
    expect((await refusalOf(look(repository.publish({ snapshot: { edit } })))).code).toBe('TRUST_TOO_LARGE');
    repository.files.set('root', Buffer.alloc(2 ** 20 + 1, 32));
    expect((await refusalOf(look(repository))).code).toBe('TRUST_TOO_LARGE');
  });
});

describe('a refresh', () => {
  it('costs one timestamp where nothing changed', async () => {
    const repository = released();
    const previous = await look(repository, { roles: ['targets/alice'] });
    const files = filesOf(repository);
    const facts = await look(repository, {
      previous,
      files,
      roles: ['targets/alice'],
      remembered: rememberedOf(previous),
    });
    expect(asked(files)).toEqual(['timestamp']);
    expect(facts.targets).toBe(previous.targets);
    expect(facts.delegations).toEqual(previous.delegations);
  });

  it('fetches what changed and nothing else', async () => {
    const repository = released();
    const previous = await look(repository);
    repository.tag('v2', B, 'targets/releases').publish({}, ['targets/releases']);
    const files = filesOf(repository);
    const facts = await look(repository, { previous, files });
    expect(asked(files)).toEqual(['timestamp', 'snapshot', 'targets/releases']);
    expect(facts.targets).toBe(previous.targets);
    expect(facts.timestamp.version).toBe(2);
  });

  it('fetches a role that was not wanted before, and keeps those that were', async () => {
    const repository = released();
    const previous = await look(repository);
    const files = filesOf(repository);
    const facts = await look(repository, { previous, files, roles: ['targets/alice'] });
    expect(asked(files)).toEqual(['timestamp', 'targets/alice']);
    const again = await look(repository, { previous: facts, files });
    expect(asked(files)).toEqual(['timestamp']);
    expect([...again.delegations.keys()]).toEqual(['targets/releases', 'targets/alice']);
  });

  it('verifies a delegation anew when its parent changed, for its keys may be others', async () => {
    const repository = released();
    const previous = await look(repository, { roles: ['targets/alice'] });
    const alice = repository.draft('targets').delegations.get('targets/alice');
    if (alice !== undefined) alice.keys = [makeKey()];
    repository.publish({}, ['targets']);
    const facts = await look(repository, { previous });
    expect(facts.delegations.get('targets/alice')).toMatchObject({ code: 'TRUST_SIGNATURE' });
  });

  it('forgets a delegation that its parent no longer lists', async () => {
    const repository = released();
    const previous = await look(repository, { roles: ['targets/alice'] });
    repository.draft('targets').delegations.delete('targets/alice');
    const facts = await look(repository.publish({}, ['targets']), { previous });
    expect([...facts.delegations.keys()]).toEqual(['targets/releases']);
  });

  it('follows a rotation of root from the root it holds', async () => {
    const repository = released();
    const previous = await look(repository);
    repository.rotateRoot().publish();
    repository.roles.timestamp.keys = [makeKey()];
    repository.rotateRoot().publish();
    const files = filesOf(repository);
    const facts = await look(repository, { previous, files });
    expect(facts.root.version).toBe(3);
    expect(asked(files)).toContain('2.root');
  });

  it('verifies every role anew when root changed, even files that stayed the same', async () => {
    const repository = released();
    const previous = await look(repository);
    repository.roles.targets.keys = [makeKey()];
    repository.publish({}, ['root']);
    expect((await refusalOf(look(repository, { previous }))).code).toBe('TRUST_SIGNATURE');
  });

  it.each(['timestamp', 'snapshot', 'targets'] as const)('refuses an older %s than it holds', async (role) => {
    const repository = released();
    repository.publish();
    const previous = await look(repository);
    repository.draft(role).version -= 2;
    const { code } = await refusalOf(look(repository.publish(), { previous }));
    expect(code).toBe('TRUST_ROLLBACK');
  });

  it('makes a delegation unusable that is older than the one it holds', async () => {
    const repository = released();
    repository.publish();
    const previous = await look(repository);
    repository.draft('targets/releases').version -= 2;
    const facts = await look(repository.publish(), { previous });
    expect(facts.delegations.get('targets/releases')).toMatchObject({ code: 'TRUST_ROLLBACK' });
  });

  it('does not let what it kept outlive its expiry', async () => {
    const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
    repository.addSigner('alice');
    repository.draft('targets/releases').expires = new Date(NOW + DAY);
    repository.tag('v1', A, 'targets', 'targets/releases').publish();
    const previous = await look(repository);
    const facts = await look(repository, { previous, now: NOW + DAY + 1 });
    expect(facts.delegations.get('targets/releases')).toMatchObject({ code: 'TRUST_EXPIRED' });
    for (const role of ['targets', 'snapshot']) {
      const other = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
      other.draft(role).expires = new Date(NOW + DAY);
      const held = await look(other.publish());
      expect((await refusalOf(look(other, { previous: held, now: NOW + DAY + 1 }))).code).toBe('TRUST_EXPIRED');
    }
  });

  it('starts from the memory of the cluster where that tells of another root', async () => {
    const repository = released();
    const previous = await look(repository);
    const other = released();
    const remembered = rememberedOf(await look(other));
    expect((await look(other, { previous, remembered })).root.keyIds).not.toEqual(previous.root.keyIds);
    expect((await refusalOf(look(repository, { previous, remembered }))).code).toBe('TRUST_ROOT_CHANGED');
  });

  it('never starts from the facts of another repository or server', async () => {
    const repository = released();
    const previous = { ...(await look(repository)), gun: 'docker.io/library/other' };
    const files = filesOf(repository);
    await look(repository, { previous, files });
    expect(asked(files)).toContain('root');
  });
});

describe('what is remembered', () => {
  it('is the root keys and the version of every role that was verified', async () => {
    const repository = released();
    const facts = await look(repository, { roles: ['targets/alice'] });
    expect(rememberedOf(facts)).toEqual({
      server: facts.server,
      gun: facts.gun,
      rootFrom: 'firstUse',
      rootKeyIds: [repository.roles.root.keys[0]?.id],
      versions: new Map(
        ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice'].map((role) => [role, 1]),
      ),
      expires: facts.expires,
    });
    expect(rememberedOf(facts, true).rootFrom).toBe('pinned');
  });
});

describe('the name of a file', () => {
  it('is its role, its version before or its hash behind', () => {
    expect(fileName({ role: 'root', maxBytes: 1 })).toBe('root');
    expect(fileName({ role: 'root', version: 2, maxBytes: 1 })).toBe('2.root');
    expect(fileName({ role: 'targets', sha256: 'ab', maxBytes: 1 })).toBe('targets.ab');
  });
});
