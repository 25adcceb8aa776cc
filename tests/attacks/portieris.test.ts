import { beforeEach, describe, expect, it } from 'vitest';
import { KIND_NAMES, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { makeKey } from '../support/tuf/key.ts';
import { open, policy, trusted, World } from './world.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
/** Kinds that have replicas, or make pods in some other way. */
const CONTROLLERS = KIND_NAMES.filter((kind) => kind !== 'Pod');
const HUB = 'docker.io/library/nginx';

let world: World;
beforeEach(() => {
  world = new World();
  world.policies = [policy('default', [trusted('docker.io/*')])];
  world.repository(HUB).tag('v1', A).publish();
});

const controlledBy = (kind: string, uid: string, controller = true) => ({
  ownerReferences: [{ apiVersion: kind === 'ConfigMap' ? 'v1' : 'apps/v1', kind, name: 'owner', uid, controller }],
});
const replicaSet = (image: string) => workloadOf('ReplicaSet', podSpec([image]), { name: 'owner', uid: 'u1' });

describe('what gets past Portieris', () => {
  it('denies a pod that names an owner which cannot own it, does not exist, has another UID, carries other images, or does not control it', async () => {
    const evil = 'docker.io/library/nginx:evil';
    world.owners.set('team/ReplicaSet/owner', replicaSet(evil));
    for (const metadata of [
      controlledBy('ConfigMap', 'u1'),
      controlledBy('DaemonSet', 'u1'),
      controlledBy('ReplicaSet', 'u2'),
      controlledBy('ReplicaSet', 'u1', false),
    ])
      expect(await world.pod([evil], { metadata })).toMatchObject({ allowed: false });
    const metadata = controlledBy('ReplicaSet', 'u1');
    expect(await world.pod(['docker.io/library/nginx:other'], { metadata })).toMatchObject({ allowed: false });
  });

  it('denies an unsigned image in an ephemeral container and in an image volume', async () => {
    const debug = { ephemeralContainers: [{ name: 'debugger', image: 'nginx:evil' }] };
    const pod = workloadOf('Pod', podSpec(['nginx:v1'], debug));
    const oldObject = workloadOf('Pod', podSpec(['nginx:v1']));
    const debugged = await world.send(reviewOf(pod, { oldObject, subResource: 'ephemeralcontainers' }));
    expect(debugged).toMatchObject({ allowed: false });
    expect(debugged.message).toContain('spec.ephemeralContainers[0].image');
    const volume = await world.pod(['nginx:v1'], {
      spec: { volumes: [{ name: 'v', image: { reference: 'nginx:evil' } }] },
    });
    expect(volume).toMatchObject({ allowed: false });
    expect(volume.message).toContain('spec.volumes[0].image.reference');
  });

  it.each(['evildocker.io', 'docker.io.evil.com', 'evilicr.io', 'a.icr.io.evil.com', 'docker.io.'])(
    'asks no trust server of others for the look-alike host %s',
    async (host) => {
      world.policies = [policy('default', [{ name: `${host}/*`, policy: { trust: { enabled: true } } }])];
      const answer = await world.pod([`${host}/team/app:v1`]);
      expect(answer.allowed).toBe(false);
      expect(world.asked).toEqual([]);
    },
  );

  it('has no second first use: another root is refused by every later process, with both key IDs', async () => {
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    const known = world.repositories.get(HUB)?.roles.root.keys[0]?.id ?? '';
    world.repository(HUB).tag('v1', B).publish();
    const stranger = world.repositories.get(HUB)?.roles.root.keys[0]?.id ?? '';
    world.restart();
    const answer = await world.pod(['nginx:v1']);
    expect(answer).toMatchObject({ allowed: false });
    expect(answer.message).toContain(known);
    expect(answer.message).toContain(stranger);
  });

  it('asks the trust server once for many admissions of one image', async () => {
    await world.pod(['nginx:v1']);
    const asked = world.asked.length;
    for (let time = 0; time < 5; time += 1) expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    expect(world.asked.length).toBe(asked);
  });

  it('holds a short name to the policies of its full name', async () => {
    world.policies = [policy('default', [trusted('docker.io/library/*'), open('*')])];
    expect(await world.pod(['nginx:evil'])).toMatchObject({ allowed: false });
    expect((await world.pod(['nginx:v1'])).patched.get('/spec/containers/0/image')).toBe(`nginx:v1@sha256:${A}`);
  });

  it('looks a digest up as that digest, whatever latest says', async () => {
    world.repositories.get(HUB)?.tag('latest', B).publish();
    expect(await world.pod([`nginx@sha256:${'cc'.repeat(32)}`])).toMatchObject({ allowed: false });
    expect(await world.pod([`nginx@sha256:${A}`])).toMatchObject({ allowed: true });
    expect(await world.pod([`nginx:latest@sha256:${A}`])).toMatchObject({ allowed: false });
  });

  it('lets a scaling or a label through after the signature expired', async () => {
    const deployment = (replicas: number) => {
      const object = workloadOf('Deployment', podSpec(['nginx:v1']));
      return { ...object, spec: { ...(object['spec'] as object), replicas } };
    };
    world.now += 5000 * 24 * 3600 * 1000;
    const scaled = reviewOf(deployment(5), { oldObject: deployment(1) });
    expect(await world.send(scaled)).toMatchObject({ allowed: true });
    expect(await world.send(reviewOf(deployment(1)))).toMatchObject({ allowed: false });
  });

  it('names the policy that is broken and the field, and goes on with the others', async () => {
    world.policies.push({ ...policy('broken', []), spec: { repositories: 'all' } });
    const answer = await world.pod(['nginx:evil']);
    expect(answer.allowed).toBe(false);
    world.policies.push(policy('broken-too', [{ name: 7 }], 'other'));
    const other = await world.pod(['nginx:v1'], { namespace: 'other' });
    expect(other.allowed).toBe(false);
    expect(other.message).toContain('broken-too');
    expect(other.message).toContain('repositories[0].name');
  });

  it.each([
    ['docker.io/trusted/*', 'evil.example/docker.io/trusted/app:v1'],
    ['*.trusted.example/*', 'evil.example/a.trusted.example/app:v1'],
    ['docker.io/nginx', 'docker.io.evil.example/nginx:v1'],
    ['docker.io*', 'docker.io.evil.example/nginx:v1'],
    ['nginx', 'nginx:5000/evil/app:v1'],
    ['registry.example/*', 'registry.example:5000/app:v1'],
  ])('holds the pattern %s to the whole name and not to %s', async (pattern, image) => {
    world.policies = [policy('default', [open(pattern)])];
    const answer = await world.pod([image]);
    expect(answer).toMatchObject({ allowed: false });
    expect(answer.message).toContain('POLICY_NO_MATCH');
  });

  it.each(CONTROLLERS)('denies a %s of zero replicas with an unsigned image', async (kind) => {
    const object = workloadOf(kind, podSpec(['nginx:evil']));
    const empty = {
      ...object,
      ...(object['spec'] === undefined ? {} : { spec: { ...(object['spec'] as object), replicas: 0 } }),
    };
    expect(await world.send(reviewOf(empty))).toMatchObject({ allowed: false });
  });

  it('denies a pod whose first image is trusted and whose second is not, in either order', async () => {
    expect(await world.pod(['nginx:v1', 'nginx:evil'])).toMatchObject({ allowed: false, patched: new Map() });
    expect(await world.pod(['nginx:evil', 'nginx:v1'])).toMatchObject({ allowed: false, patched: new Map() });
  });

  it('decides on a digest of another algorithm, and does not fall over it', async () => {
    const answer = await world.pod([`nginx@sha512:${'a'.repeat(128)}`]);
    expect(answer.allowed).toBe(false);
    expect(answer.message).toContain('sha512');
  });

  it('never writes an empty digest where only a role that nobody asked for holds the tag', async () => {
    const repository = world.repositories.get(HUB);
    repository?.addSigner('mallory');
    repository?.tag('v2', B, 'targets/mallory').publish();
    expect(await world.pod(['nginx:v2'])).toMatchObject({ allowed: false, patched: new Map() });
  });

  it('holds two spellings of one image to the rules of both, and denies where one of them does', async () => {
    world.policies = [policy('default', [trusted('docker.io/library/nginx'), open('docker.io/library/nginx:other')])];
    const answer = await world.pod(['nginx:evil', 'index.docker.io/library/nginx:evil', 'nginx:other']);
    expect(answer.allowed).toBe(false);
    expect(answer.message).toContain('spec.containers[0].image');
    expect(answer.message).toContain('spec.containers[1].image');
    expect(answer.message).not.toContain('spec.containers[2].image');
  });

  it('denies where the signer is listed in the role but another key signed it', async () => {
    const repository = world.repositories.get(HUB);
    const [alice, mallory] = [makeKey(), makeKey()];
    repository?.addSigner('alice', alice);
    repository?.draft('targets').delegations.get('targets/alice')?.keys.push(mallory);
    repository?.tag('v1', B, 'targets/releases', 'targets/alice');
    repository?.publish({ 'targets/alice': { signers: [mallory] } });
    world.signer('team', 'alice', alice);
    world.policies = [policy('default', [trusted('docker.io/*', { signerSecrets: [{ name: 'alice' }] })])];
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: false });
    repository?.publish();
    world.restart();
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
  });
});
