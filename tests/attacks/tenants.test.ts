import { beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../functions/codes.ts';
import type { JsonObject } from '../../functions/json.ts';
import type { RootPin } from '../../functions/policy/policy.ts';
import { makeKey, type TestKey } from '../support/tuf/key.ts';
import type { TestRepository } from '../support/tuf/repository.ts';
import { open, policy, trusted, World } from './world.ts';

/** Attacks from within: by whoever may edit policies and Secrets of a namespace, owns a mirror, or holds one signing key. */

const HUB = 'docker.io/library/nginx';
const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const FIRST = '/spec/containers/0/image';

let world: World;
let alice: TestKey;
let repository: TestRepository;
beforeEach(() => {
  world = new World();
  alice = makeKey();
  repository = world.repository(HUB);
  repository.addSigner('alice', alice);
  repository.tag('v1', A, 'targets/releases', 'targets/alice').publish();
});

const signedBy = (...secrets: JsonObject[]): JsonObject => trusted('docker.io/*', { signerSecrets: secrets });
const floorOf = (...rules: JsonObject[]): JsonObject => {
  const object = policy('floor', rules);
  return { ...object, spec: { ...(object['spec'] as JsonObject), floor: true } };
};
const rootPins = (pins: Partial<RootPin>): RootPin => ({
  field: 'roots[0]',
  gun: '*',
  keyIds: [],
  publicKeys: [],
  certificateAuthority: undefined,
  secret: undefined,
  ...pins,
});
const allowed = async (namespace = 'team', image = 'nginx:v1'): Promise<boolean> =>
  (await world.pod([image], { namespace })).allowed;
const message = async (namespace = 'team'): Promise<string> => (await world.pod(['nginx:v1'], { namespace })).message;

describe('a tenant and the Secrets of others', () => {
  it('makes the gate read no Secret of another namespace for an ImagePolicy, unless that Secret allows it', async () => {
    world.policies = [policy('own', [signedBy({ name: 'alice', namespace: 'security' })], 'team')];
    world.signer('security', 'alice', alice);
    expect(await message()).toContain('SIGNER_SECRET_INVALID');
    world.signer('security', 'alice', alice, 'other');
    expect(await allowed()).toBe(false);
    world.signer('security', 'alice', alice, 'other, team');
    expect(await allowed()).toBe(true);
  });

  it('learns nothing of whether a Secret of another namespace exists, or what it holds', async () => {
    world.policies = [policy('own', [signedBy({ name: 'target', namespace: 'victim' })], 'team')];
    const missing = await message();
    world.secret('victim', 'target', { password: 'hunter2' });
    const there = await message();
    world.signer('victim', 'target', alice);
    expect([there, await message()]).toEqual([missing, missing]);
    expect(there).toContain('victim/target does not exist, or does not allow the namespace team');
  });

  it.each(['', 'teams', 'te', 'TEAM', 'tea*', '**', 'team/x', 'other;team', '__proto__', `team${','.repeat(20_000)}`])(
    'is allowed by an annotation of whole names only: not by %j',
    async (annotation) => {
      world.policies = [policy('own', [signedBy({ name: 'alice', namespace: 'security' })], 'team')];
      world.signer('security', 'alice', alice, annotation);
      expect(await allowed()).toBe(false);
    },
  );

  it('cannot have root pins read from a Secret of another namespace either', async () => {
    const [key] = repository.roles.root.keys;
    const rule = trusted('docker.io/*', { roots: [{ secret: { name: 'roots', namespace: 'security' } }] });
    world.policies = [policy('own', [rule], 'team')];
    world.secret('security', 'roots', { keyIds: key?.id ?? '' });
    expect(await message()).toContain('ROOT_SECRET_INVALID');
    world.secret('security', 'roots', { keyIds: key?.id ?? '' }, '*');
    expect(await allowed()).toBe(true);
  });

  it('cannot replace the signer of a ClusterImagePolicy that says in which namespace his key is', async () => {
    const mallory = makeKey();
    repository.draft('targets').delegations.get('targets/alice')?.keys.splice(0, 1, mallory);
    repository.publish();
    world.signer('team', 'alice', mallory);
    world.signer('security', 'alice', alice);
    // Portieris' rule, kept for policies that were written for it: the Secret of the workload's namespace counts.
    world.policies = [policy('cluster', [signedBy({ name: 'alice' })])];
    expect(await allowed()).toBe(true);
    world.policies = [policy('cluster', [signedBy({ name: 'alice', namespace: 'security' })])];
    expect(await message()).toContain('Signer alice (Secret security/alice) has not signed');
  });

  it('is served nothing that the credential of another tenant fetched', async () => {
    const auth = Buffer.from('bob:secret').toString('base64');
    world.secret('rich', 'pull', { '.dockerconfigjson': JSON.stringify({ auths: { 'docker.io': { auth } } }) });
    world.onFetch = ({ credential }) => {
      if (credential === undefined) throw new Fault('AUTH_REFUSED', 'The server wants a credential.');
      return 'honest';
    };
    world.policies = [policy('default', [trusted('docker.io/*')])];
    const spec = { imagePullSecrets: [{ name: 'pull' }] };
    expect(await world.pod(['nginx:v1'], { namespace: 'rich', spec })).toMatchObject({ allowed: true });
    expect(await world.pod(['nginx:v1'], { namespace: 'poor', spec })).toMatchObject({
      allowed: false,
      message: expect.stringContaining('AUTH_REFUSED'),
    });
    expect(await world.pod(['nginx:v1'], { namespace: 'rich', spec })).toMatchObject({ allowed: true });
  });
});

describe('a tenant and the floor', () => {
  const lax = (): JsonObject => policy('own', [open('*')], 'team');

  it('cannot go below it: an ImagePolicy that allows everything adds nothing', async () => {
    world.policies = [policy('cluster', [trusted('docker.io/*')]), lax()];
    expect(await allowed('team', 'nginx:unsigned')).toBe(true);
    world.policies = [floorOf(trusted('docker.io/*')), lax()];
    const answer = await world.pod(['nginx:unsigned']);
    expect(answer).toMatchObject({ allowed: false });
    expect(answer.message).toMatch(
      /By the floor that ClusterImagePolicy floor, spec\.repositories\[0\] sets: .*unsigned/,
    );
    expect((await world.pod(['nginx:v1'])).patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
  });

  it('may add to it: both the signer of the tenant and that of the floor must have signed', async () => {
    const bob = makeKey();
    world.signer('team', 'bob', bob);
    world.signer('security', 'alice', alice);
    world.policies = [
      floorOf(signedBy({ name: 'alice', namespace: 'security' })),
      policy('own', [signedBy({ name: 'bob' })], 'team'),
    ];
    expect(await message()).toContain('Signer bob');
    repository.addSigner('bob', bob);
    repository.tag('v1', A, 'targets/bob').publish();
    world.now += 5_000;
    expect(await allowed()).toBe(true);
  });

  it('cannot have the digest left out that the floor had proven', async () => {
    world.policies = [
      floorOf(trusted('docker.io/*')),
      policy('own', [{ name: '*', policy: { mutateImage: false } }], 'team'),
    ];
    expect((await world.pod(['nginx:v1'])).patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
  });

  it('cannot make two proofs of two contents: the digests of floor and namespace must be one', async () => {
    const own = world.repository('evil.example/nginx');
    own.tag('v1', B).publish();
    const mapped = trusted('docker.io/*', {
      repository: { prefix: 'docker.io/library', signedPrefix: 'evil.example' },
    });
    world.policies = [floorOf(trusted('docker.io/*')), policy('own', [mapped], 'team')];
    expect(await message()).toContain('TRUST_DIGEST_CONFLICT');
  });

  it('cannot be softened by a mode: what it enforces is refused under warn and audit of a namespace too', async () => {
    for (const mode of ['warn', 'audit']) {
      const own = { name: '*', policy: { simple: { requirements: [{ type: 'reject' }] }, mode } };
      world.policies = [floorOf(trusted('docker.io/*')), policy('own', [own], 'team')];
      expect(await allowed('team', 'nginx:unsigned')).toBe(false);
      // The rule of the namespace fails and is tolerated; the content is still the one that the floor had proven.
      expect((await world.pod(['nginx:v1'])).patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
    }
  });

  it('cannot set one: a floor in an ImagePolicy is a mistake, and holds nowhere', async () => {
    const own = { ...policy('own', [open('*')], 'other') };
    world.policies = [
      { ...own, spec: { ...(own['spec'] as JsonObject), floor: true } },
      policy('cluster', [open('*')]),
    ];
    expect(await allowed('team', 'nginx:unsigned')).toBe(true);
  });
});

describe('who holds one signing key', () => {
  const threshold = (count: number, ...names: string[]): JsonObject =>
    trusted('docker.io/*', { signerThreshold: count, signerSecrets: names.map((name) => ({ name })) });
  const sign = (name: string, key: TestKey, digest = A): void => {
    world.signer('team', name, key);
    repository.addSigner(name, key);
    repository.tag('v1', digest, `targets/${name}`);
  };

  it('is one signer under however many names: a threshold counts distinct keys', async () => {
    world.signer('team', 'alice', alice);
    sign('alias', alice);
    repository.publish();
    world.policies = [policy('own', [threshold(2, 'alice', 'alias')], 'team')];
    expect(await message()).toMatch(/1 of 2 keys .* 2 signers share 1 of them/);
    sign('bob', makeKey());
    repository.publish();
    world.restart();
    world.policies = [policy('own', [threshold(2, 'alice', 'alias', 'bob')], 'team')];
    expect(await allowed()).toBe(true);
  });

  it('cannot stand in for another: a key that is listed but did not sign does not count toward a threshold', async () => {
    const [bob, mallory] = [makeKey(), makeKey()];
    world.signer('team', 'alice', alice);
    sign('bob', bob);
    repository.draft('targets').delegations.get('targets/bob')?.keys.push(mallory);
    repository.publish({ 'targets/bob': { signers: [mallory] } });
    world.policies = [policy('own', [threshold(2, 'alice', 'bob')], 'team')];
    expect(await message()).toMatch(/1 of 2 keys .*listed for targets\/bob, but another key signed/);
  });

  it('cannot count for a digest that he did not sign', async () => {
    world.signer('team', 'alice', alice);
    sign('bob', makeKey(), B);
    repository.publish();
    world.policies = [policy('own', [threshold(2, 'alice', 'bob')], 'team')];
    expect(await message()).toMatch(/1 of 2 keys that must have signed/);
    world.policies = [policy('own', [threshold(1, 'alice', 'bob')], 'team')];
    expect((await world.pod(['nginx:v1'])).patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
  });
});

describe('who owns a mirror', () => {
  const mirrored = (more: JsonObject = {}): JsonObject =>
    trusted('mirror.example.com/*', {
      repository: { prefix: 'mirror.example.com/hub', signedPrefix: 'docker.io' },
      ...more,
    });

  it('cannot swap the content: what is pulled is bound to the digest that was signed elsewhere', async () => {
    world.policies = [policy('default', [mirrored()])];
    for (const name of ['mirror.example.com/hub/library/nginx:v1', 'mirror.example.com/hub/nginx:v1'])
      expect((await world.pod([name])).patched.get(FIRST)).toBe(`${name}@sha256:${A}`);
    expect(await allowed('team', `mirror.example.com/hub/nginx:v1@sha256:${B}`)).toBe(false);
    expect(world.asked.every((one) => one.includes(` ${HUB} `))).toBe(true);
  });

  it('cannot have the digest left out: such a policy is refused whole', async () => {
    const rule = mirrored();
    world.policies = [
      policy('default', [{ ...rule, policy: { ...(rule['policy'] as JsonObject), mutateImage: false } }]),
    ];
    expect(await world.pod(['mirror.example.com/hub/nginx:v1'])).toMatchObject({
      allowed: false,
      message: expect.stringContaining('only the digest binds what the mirror gives'),
    });
  });

  it.each(['mirror.example.com/hubris/nginx:v1', 'mirror.example.com/x/hub/nginx:v1', 'mirror.example.com/hub:v1'])(
    'cannot borrow the name of another by a look-alike: %s is not below the prefix',
    async (image) => {
      world.policies = [policy('default', [mirrored()])];
      expect(await allowed('team', image)).toBe(false);
      expect(world.asked.some((one) => one.includes(` ${HUB} `))).toBe(false);
    },
  );

  it('draws no credential of the place that is mirrored, nor the other way round', async () => {
    const auths = {
      'docker.io': { username: 'hub', password: 'x' },
      'mirror.example.com': { username: 'mirror', password: 'y' },
    };
    world.secret('team', 'pull', { '.dockerconfigjson': JSON.stringify({ auths }) });
    world.policies = [policy('default', [mirrored()])];
    await world.pod(['mirror.example.com/hub/nginx:v1'], { spec: { imagePullSecrets: [{ name: 'pull' }] } });
    const users = new Set(world.asked.map((one) => one.split(' ').at(-1)));
    expect(users).toEqual(new Set(['hub']));
  });
});

describe('who shows the gate a root of his own', () => {
  const stranger = 'ab'.repeat(32);
  const ownId = (): string => repository.roles.root.keys[0]?.id ?? '';

  it('is not believed where a policy pins another, though the gate trusts it elsewhere', async () => {
    world.policies = [
      policy('cluster', [trusted('docker.io/*')]),
      policy('own', [trusted('docker.io/*', { roots: [{ keyIds: [stranger] }] })], 'strict'),
    ];
    expect(await allowed('team')).toBe(true);
    const refusal = await message('strict');
    expect(refusal).toContain('TRUST_ROOT_UNPINNED');
    expect(refusal).toContain(ownId());
  });

  it('is not believed at first sight where the cluster forbids it, whatever a policy says', async () => {
    world.settings = { ...world.settings, firstUse: false };
    world.restart();
    world.policies = [policy('own', [trusted('docker.io/*', { firstUse: 'allow' })], 'team')];
    expect(await message()).toMatch(/TRUST_ROOT_UNPINNED.*seen for the first time/);
    world.policies = [policy('own', [trusted('docker.io/*', { roots: [{ keyIds: [ownId()] }] })], 'team')];
    expect(await allowed()).toBe(true);
  });

  it('is not believed for a repository that the roots of a policy forget', async () => {
    const roots = [{ gun: 'docker.io/acme/*', keyIds: [stranger] }];
    world.policies = [policy('own', [trusted('docker.io/*', { roots })], 'team')];
    expect(await message()).toContain('TRUST_ROOT_UNPINNED');
    world.policies = [policy('own', [trusted('docker.io/*', { roots, firstUse: 'allow' })], 'team')];
    expect(await allowed()).toBe(true);
  });

  it('is held to the pins of the cluster where a policy has none of its own for the repository', async () => {
    world.settings = { ...world.settings, roots: [rootPins({ gun: 'docker.io/library/*', keyIds: [stranger] })] };
    world.restart();
    world.policies = [policy('own', [trusted('docker.io/*')], 'team')];
    expect(await message()).toContain('TRUST_ROOT_UNPINNED');
    const roots = [{ gun: 'docker.io/library/nginx', keyIds: [ownId()] }];
    world.policies = [policy('own', [trusted('docker.io/*', { roots })], 'team')];
    expect(await allowed()).toBe(true);
  });

  const denies = (namespace: string, trust: JsonObject = { firstUse: 'deny' }): JsonObject =>
    policy('strict', [trusted('docker.io/*', trust)], namespace);

  it('is not believed by a policy that denies first use because the first use of another policy let him in', async () => {
    world.policies = [policy('cluster', [trusted('docker.io/*')]), denies('strict')];
    expect(await allowed('team')).toBe(true);
    const refusal = await message('strict');
    expect(refusal).toMatch(/TRUST_ROOT_UNPINNED.*is remembered by a first use alone/);
    expect(refusal).toContain(ownId());
    world.restart();
    expect(await message('strict')).toContain('TRUST_ROOT_UNPINNED');
    const roots = [{ gun: 'docker.io/acme/*', keyIds: [stranger] }];
    world.policies = [policy('cluster', [trusted('docker.io/*')]), denies('strict', { roots })];
    expect(await message('strict')).toContain('TRUST_ROOT_UNPINNED');
  });

  it('is not believed by it because a tenant pins him, in a policy or in a Secret of his own', async () => {
    const own = { roots: [{ keyIds: [ownId()] }] };
    world.policies = [policy('own', [trusted('docker.io/*', own)], 'team'), denies('strict')];
    expect(await allowed('team')).toBe(true);
    expect(await message('strict')).toContain('TRUST_ROOT_UNPINNED');
    world.secret('team', 'roots', { keyIds: ownId() });
    world.policies = [
      policy('cluster', [trusted('docker.io/*', { roots: [{ secret: { name: 'roots' } }] })]),
      denies('strict'),
    ];
    expect(await allowed('team')).toBe(true);
    expect(await message('strict')).toContain('TRUST_ROOT_UNPINNED');
  });

  it.each([
    ['a ClusterImagePolicy pins', (): void => undefined],
    [
      'TRUST_ROOTS_FILE pins',
      (): void => {
        world.settings = { ...world.settings, roots: [rootPins({ gun: 'docker.io/*', keyIds: [ownId()] })] };
        world.restart();
      },
    ],
  ])('is the one whom the cluster trusts where %s him: his record is raised, and outlives the pins', async (_, pin) => {
    world.policies = [policy('cluster', [trusted('docker.io/*')]), denies('strict')];
    expect(await allowed('team')).toBe(true);
    pin();
    const pins = { roots: [{ keyIds: [ownId()] }] };
    world.policies = [policy('cluster', [trusted('docker.io/*', pins)]), denies('strict')];
    expect(await allowed('team')).toBe(true);
    world.settings = { trustServers: world.settings.trustServers };
    world.restart();
    world.policies = [policy('cluster', [trusted('docker.io/*')]), denies('strict')];
    expect(await allowed('strict')).toBe(true);
    expect(await allowed('team')).toBe(true);
    world.restart();
    expect(await allowed('strict')).toBe(true);
  });

  it('profits from no pin of a look-alike: docker.io/acme is not docker.io/acme-evil', async () => {
    const evil = world.repository('docker.io/acme-evil/app');
    evil.tag('v1', B).publish();
    const id = evil.roles.root.keys[0]?.id ?? '';
    for (const gun of ['docker.io/acme/*', 'docker.io/acme/app']) {
      world.policies = [policy('own', [trusted('docker.io/*', { roots: [{ gun, keyIds: [id] }] })], 'team')];
      expect(await allowed('team', 'acme-evil/app:v1')).toBe(false);
    }
    world.policies = [
      policy('own', [trusted('docker.io/*', { roots: [{ gun: 'docker.io/acme-evil/*', keyIds: [id] }] })], 'team'),
    ];
    expect(await allowed('team', 'acme-evil/app:v1')).toBe(true);
  });
});
