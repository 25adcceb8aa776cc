import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../functions/json.ts';
import type { Mode } from '../../functions/policy/policy.ts';
import { podSpec, reviewOf, workloadOf } from '../support/review.ts';
import type { TestRepository } from '../support/tuf/repository.ts';
import { open, policy, trusted, World } from './world.ts';

/** Attacks by way of modes: what an administrator of the cluster enforces is enforced, however lax everything else is. */

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const FIRST = '/spec/containers/0/image';
const REFUSED = { allowed: false };

let world: World;
let repository: TestRepository;
beforeEach(() => {
  world = new World();
  repository = world.repository('docker.io/library/nginx');
  repository.tag('v1', A).publish();
});

/** A rule that demands trust, in a mode. */
const inMode = (name: string, mode: string): JsonObject => {
  const rule = trusted(name);
  return { ...rule, policy: { ...(rule['policy'] as JsonObject), mode } };
};
const floorOf = (...rules: JsonObject[]): JsonObject => {
  const object = policy('floor', rules);
  return { ...object, spec: { ...(object['spec'] as JsonObject), floor: true } };
};
/** A cluster whose mode is lax while one rule is enforced already: the last but one step of a roll-out. */
const rollOut = (mode: Mode, ...policies: JsonObject[]): void => {
  world.mode = mode;
  world.policies = policies;
  world.restart();
};

describe('what an administrator enforces while the cluster is lax', () => {
  it.each([
    `nginx@sha512:${'ab'.repeat(64)}`,
    'ab'.repeat(32),
    `sha256:${'ab'.repeat(32)}`,
    'DOCKER.IO/library/nginx:unsigned',
    'nginx:unsigned ',
  ])('is not passed by a name that no rule can be found for: %s', async (image) => {
    for (const mode of ['warn', 'audit'] as const) {
      rollOut(mode, policy('cluster', [inMode('docker.io/*', 'enforce')]));
      expect(await world.pod([image])).toMatchObject(REFUSED);
      rollOut(mode, floorOf(inMode('docker.io/*', 'enforce')), policy('own', [open('*')], 'team'));
      expect(await world.pod([image])).toMatchObject(REFUSED);
    }
    rollOut('audit', policy('cluster', [trusted('docker.io/*')]));
    expect(await world.pod([image])).toMatchObject({ allowed: true });
  });

  it('is not passed by more images than are checked', async () => {
    const images = Array.from({ length: 501 }, (_, index) => `nginx:u${index}`);
    rollOut('audit', policy('cluster', [inMode('docker.io/*', 'enforce'), open('quay.io/*')]));
    expect(await world.pod(images)).toMatchObject(REFUSED);
    expect(await world.pod(images, { namespace: 'other' })).toMatchObject(REFUSED);
    rollOut('audit', policy('cluster', [trusted('docker.io/*')]));
    expect(await world.pod(images)).toMatchObject({ allowed: true });
  });

  it('is not passed by a workload that cannot be read, or of a kind that nobody knows', async () => {
    rollOut('audit', policy('cluster', [inMode('docker.io/*', 'enforce')]));
    const spec = { ...podSpec(['nginx:unsigned']), volumes: 7 };
    expect(await world.send(reviewOf(workloadOf('Pod', spec)))).toMatchObject(REFUSED);
    const review = reviewOf({
      apiVersion: 'example.com/v1',
      kind: 'Rollout',
      metadata: { name: 'x', namespace: 'team' },
    });
    expect(await world.send(review)).toMatchObject(REFUSED);
  });

  it('is not passed in a namespace whose own policies match nothing: the floor is looked at all the same', async () => {
    const own = policy('own', [open('quay.io/*')], 'team');
    rollOut('audit', floorOf(inMode('docker.io/*', 'enforce')), own);
    expect(await world.pod(['nginx:unsigned'])).toMatchObject(REFUSED);
    const answer = await world.pod(['nginx:v1']);
    expect(answer.allowed, answer.message).toBe(true);
    // The tag may move before the node pulls it: what the floor had proven is what runs.
    expect(answer.patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
    rollOut('enforce', floorOf(inMode('docker.io/*', 'enforce')), own);
    expect(await world.pod(['nginx:v1'])).toMatchObject(REFUSED);
  });

  it('is not passed by policies of a namespace that are broken', async () => {
    const broken = { ...policy('own', [], 'team'), spec: { repositories: 'all' } };
    rollOut('audit', floorOf(inMode('docker.io/*', 'enforce')), broken);
    expect(await world.pod(['nginx:unsigned'])).toMatchObject(REFUSED);
    expect((await world.pod(['nginx:v1'])).patched.get(FIRST)).toBe(`nginx:v1@sha256:${A}`);
  });

  it('is not passed by a second image, under a rule that is lax', async () => {
    rollOut('enforce', policy('cluster', [inMode('docker.io/library/*', 'enforce'), inMode('quay.io/*', 'audit')]));
    for (const images of [
      ['quay.io/x/y:1', 'nginx:unsigned'],
      ['nginx:unsigned', 'quay.io/x/y:1'],
    ])
      expect(await world.pod(images)).toMatchObject(REFUSED);
    expect(await world.pod(['quay.io/x/y:1', 'nginx:v1'])).toMatchObject({ allowed: true });
  });
});

describe('a mode that is written', () => {
  it.each(['Audit', 'AUDIT', ' audit', 'off', 'none', '', true, ['audit']])(
    'softens nothing where it is none: %j',
    async (mode) => {
      const rule = { name: 'docker.io/*', policy: { trust: { enabled: true }, mode } };
      for (const cluster of ['enforce', 'audit'] as const) {
        rollOut(cluster, policy('cluster', [rule]));
        expect(await world.pod(['nginx:unsigned']), cluster).toMatchObject(REFUSED);
      }
    },
  );

  it('is still heard as enforce in a rule that is a mistake elsewhere, and as nothing else', async () => {
    const broken = (mode: string): JsonObject => ({
      name: 'docker.io/*',
      policy: { trust: { enabled: true, signerThreshold: 'three' }, mode },
    });
    rollOut('audit', policy('cluster', [broken('enforce')]));
    expect(await world.pod(['nginx:unsigned'])).toMatchObject(REFUSED);
    rollOut('enforce', policy('cluster', [broken('audit')]));
    expect(await world.pod(['nginx:unsigned'])).toMatchObject(REFUSED);
  });
});

describe('what a lax mode let in', () => {
  const enforced = (): void => rollOut('enforce', policy('cluster', [trusted('docker.io/*')]));
  const lax = (): void => rollOut('audit', policy('cluster', [trusted('docker.io/*')]));

  it('is remembered as trusted by nobody: no grace comes of it', async () => {
    lax();
    expect(await world.pod([`nginx:v1@sha256:${B}`])).toMatchObject({ allowed: true });
    expect(await world.pod([`nginx:v1@sha256:${B}`], { dryRun: true })).toMatchObject({ allowed: true });
    enforced();
    expect(await world.pod([`nginx:v1@sha256:${B}`])).toMatchObject(REFUSED);
  });

  it('vouches as an owner for its own images alone, and in its own namespace alone', async () => {
    lax();
    const controller = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u-1', controller: true };
    const owner = workloadOf('ReplicaSet', podSpec(['nginx:unsigned']), { name: 'web', namespace: 'lax', uid: 'u-1' });
    world.owners.set('lax/ReplicaSet/web', owner);
    const metadata = { ownerReferences: [controller] };
    enforced();
    expect(await world.pod(['nginx:unsigned'], { namespace: 'lax', metadata })).toMatchObject({ allowed: true });
    expect(await world.pod(['nginx:unsigned'], { namespace: 'team', metadata })).toMatchObject(REFUSED);
    expect(await world.pod(['nginx:other'], { namespace: 'lax', metadata })).toMatchObject(REFUSED);
  });

  it('stands no longer once the mode is strict: the next admission is refused, dry or not', async () => {
    lax();
    expect(await world.pod(['nginx:unsigned'])).toMatchObject({ allowed: true });
    enforced();
    for (const dryRun of [true, false]) expect(await world.pod(['nginx:unsigned'], { dryRun })).toMatchObject(REFUSED);
  });
});
