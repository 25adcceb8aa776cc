import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../functions/json.ts';
import { KIND_NAMES, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { makeKey } from '../support/tuf/key.ts';
import { open, policy, trusted, World } from './world.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const HUB = 'docker.io/library/nginx';

let world: World;
beforeEach(() => {
  world = new World();
  world.policies = [policy('default', [trusted('docker.io/*')])];
  world.repository(HUB).tag('v1', A).publish();
});

const unsigned = { allowed: false, patched: new Map() };

describe('what got past Connaisseur', () => {
  it.each(KIND_NAMES)('denies a %s with an unsigned init container', async (kind) => {
    const spec = podSpec(['nginx:v1'], { initContainers: [{ name: 'i', image: 'nginx:evil' }] });
    expect(await world.send(reviewOf(workloadOf(kind, spec)))).toMatchObject(unsigned);
  });

  it('adds no star to a pattern: a name that merely holds it does not match', async () => {
    world.policies = [policy('default', [open('registry.k8s.io/*')])];
    expect(await world.pod(['evil.example/registry.k8s.io/x:y'])).toMatchObject(unsigned);
  });

  it('counts a key that signs twice once', async () => {
    const repository = world.repositories.get(HUB);
    if (repository !== undefined)
      repository.roles.targets = { keys: [...repository.roles.targets.keys, makeKey()], threshold: 2 };
    const [first] = repository?.roles.targets.keys ?? [];
    repository?.publish({ root: {}, targets: { signers: first === undefined ? [] : [first, first] } });
    expect(await world.pod(['nginx:v1'])).toMatchObject(unsigned);
    repository?.publish({ root: {} });
    world.restart();
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
  });

  it('denies at once what a tightened policy denies, although the image was admitted before', async () => {
    world.policies = [policy('default', [open('docker.io/*')])];
    expect(await world.pod(['nginx:evil'])).toMatchObject({ allowed: true });
    world.policies = [policy('default', [trusted('docker.io/*')])];
    expect(await world.pod(['nginx:evil'])).toMatchObject(unsigned);
  });

  it('takes a mark for deletion for one only where the stored object carries it', async () => {
    const deleted = { deletionTimestamp: '2026-11-24T12:00:00Z' };
    expect(await world.pod(['nginx:evil'], { metadata: deleted })).toMatchObject(unsigned);
    const [now, before] = ['nginx:evil', 'nginx:v1'].map((image) => workloadOf('Deployment', podSpec([image])));
    const forged = { ...now, metadata: { ...(now?.['metadata'] as JsonObject), ...deleted } };
    expect(await world.send(reviewOf(forged, { oldObject: before ?? null }))).toMatchObject(unsigned);
  });
});

describe('what got past policy-controller', () => {
  it('never takes nothing found for a pass: each signer that is asked for must be there', async () => {
    const alice = makeKey();
    world.repositories.get(HUB)?.addSigner('alice', alice);
    world.repositories.get(HUB)?.tag('v1', A, 'targets/releases', 'targets/alice').publish();
    world.signer('team', 'alice', alice);
    world.signer('team', 'bob', makeKey());
    const demand = (...names: string[]) => [
      policy('default', [trusted('docker.io/*', { signerSecrets: names.map((name) => ({ name })) })]),
    ];
    world.policies = demand('alice');
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    world.policies = demand('alice', 'bob');
    expect(await world.pod(['nginx:v1'])).toMatchObject(unsigned);
    world.policies = demand('alice', 'nobody');
    expect(await world.pod(['nginx:v1'])).toMatchObject(unsigned);
  });

  it('denies a scale-down that brings a new unsigned image', async () => {
    const deployment = (image: string, replicas: number): JsonObject => {
      const object = workloadOf('Deployment', podSpec([image]));
      return { ...object, spec: { ...(object['spec'] as JsonObject), replicas } };
    };
    const review = reviewOf(deployment('nginx:evil', 2), { oldObject: deployment('nginx:v1', 3) });
    expect(await world.send(review)).toMatchObject(unsigned);
  });

  it('denies whatever is thrown on the way', async () => {
    for (const thrown of [new Error('x'), new TypeError('y'), 'text', undefined, null, { message: 'z' }]) {
      world.restart();
      world.onFetch = () => {
        throw thrown;
      };
      expect(await world.pod(['nginx:v1'])).toMatchObject(unsigned);
    }
  });
});

describe('what got past Kyverno', () => {
  it('writes the digest that was verified, though the server tells another one to each who asks', async () => {
    const other = world.repositories.get(HUB);
    let asked = 0;
    world.onFetch = (_address, { role, sha256 }) => {
      if (role !== 'targets') return 'honest';
      asked += 1;
      if (asked % 2 === 0) other?.tag('v1', B);
      return sha256 === undefined ? other?.files.get('targets') : other?.files.get(`targets.${sha256}`);
    };
    for (let time = 0; time < 4; time += 1) {
      world.restart();
      const { allowed, patched } = await world.pod(['nginx:v1']);
      if (allowed) expect(patched.get('/spec/containers/0/image')).toBe(`nginx:v1@sha256:${A}`);
    }
    expect(asked).toBeGreaterThan(0);
  });

  it('lets no tenant exempt himself: an ImagePolicy counts in its own namespace alone', async () => {
    world.policies.push(policy('mine', [open('*')], 'evil'));
    expect(await world.pod(['nginx:evil'], { namespace: 'team' })).toMatchObject(unsigned);
    expect(await world.pod(['nginx:evil'], { namespace: 'evil' })).toMatchObject({ allowed: true });
  });

  it('pins the digest that a warm cache verified, though the tag has moved since', async () => {
    await world.pod(['nginx:v1']);
    world.repositories.get(HUB)?.tag('v1', B).publish();
    const { allowed, patched } = await world.pod(['nginx:v1']);
    expect(allowed).toBe(true);
    expect(patched.get('/spec/containers/0/image')).toBe(`nginx:v1@sha256:${A}`);
    world.now += 24 * 3600 * 1000;
    expect((await world.pod(['nginx:v1'])).patched.get('/spec/containers/0/image')).toBe(`nginx:v1@sha256:${B}`);
  });

  it('pays no heed to annotations that say the image was verified', async () => {
    const annotations = {
      'portieris.cloud.ibm.com/verified': 'true',
      'kyverno.io/verify-images': '{"nginx:evil":true}',
    };
    expect(await world.pod(['nginx:evil'], { metadata: { annotations } })).toMatchObject(unsigned);
  });

  it('runs every check on a cached repository as well', async () => {
    await world.pod(['nginx:v1']);
    world.policies = [policy('default', [trusted('docker.io/*', { signerSecrets: [{ name: 'alice' }] })])];
    world.signer('team', 'alice', makeKey());
    expect(await world.pod(['nginx:v1'])).toMatchObject(unsigned);
  });

  it('keeps the results of two rules apart where two images share a repository', async () => {
    world.policies = [policy('default', [open('docker.io/library/nginx:free'), trusted('docker.io/library/nginx')])];
    const answer = await world.pod(['nginx:free', 'nginx:evil']);
    expect(answer).toMatchObject(unsigned);
    expect(answer.message).toContain('nginx:evil');
  });
});

describe('what got past Ratify and Notation', () => {
  it('decides for a namespace by its own policy, though the same image was admitted in a laxer one', async () => {
    world.policies = [policy('lax', [open('*')], 'a'), policy('strict', [trusted('*')], 'b')];
    expect(await world.pod(['nginx:evil'], { namespace: 'a' })).toMatchObject({ allowed: true });
    expect(await world.pod(['nginx:evil'], { namespace: 'b' })).toMatchObject(unsigned);
  });
});
