import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../functions/json.ts';
import { type KindName, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { policy, trusted, World } from './world.ts';

/** Attacks by the text of a review: odd names, odd places, and reviews that contradict themselves. */

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const EVIL = podSpec(['nginx:evil']);
const REFUSED = { allowed: false };

let world: World;
beforeEach(() => {
  world = new World();
  world.repository('docker.io/library/nginx').tag('v1', A).publish();
  world.policies = [policy('default', [trusted('docker.io/*')])];
});

const withRequest = (request: JsonObject, kind: KindName = 'Pod', spec = EVIL): JsonObject => {
  const review = reviewOf(workloadOf(kind, spec));
  return { ...review, request: { ...(review['request'] as JsonObject), ...request } };
};

const PLACES: [string, JsonObject][] = [
  ['an image volume beside a signed container', { volumes: [{ name: 'v', image: { reference: 'nginx:evil' } }] }],
  ['an ephemeral container', { ephemeralContainers: [{ name: 'e', image: 'nginx:evil' }] }],
  [
    'a container after a blank one',
    {
      initContainers: [
        { name: 'i', image: '' },
        { name: 'j', image: 'nginx:evil' },
      ],
    },
  ],
  ['a list that is none', { initContainers: { 0: { name: 'i', image: 'nginx:evil' } } }],
  ['a volume that is a text', { volumes: [{ name: 'v', image: 'nginx:evil' }] }],
];

const CONTRADICTIONS: [string, JsonObject][] = [
  [
    'a Deployment as ephemeral containers of a pod',
    { subResource: 'ephemeralcontainers', object: workloadOf('Deployment', EVIL) },
  ],
  ['a pod as another resource', { resource: { group: 'apps', version: 'v1', resource: 'deployments' } }],
  ['a pod asked for as another kind', { requestKind: { group: '', version: 'v1', kind: 'ConfigMap' } }],
  ['a kind by the name of another', { kind: { group: '', version: 'v1', kind: 'ConfigMap' } }],
  ['a kind that is a word of the language', { kind: { group: '', version: 'v1', kind: 'constructor' } }],
  ['an update without the old object', { operation: 'UPDATE', oldObject: null }],
  ['an update of something else', { operation: 'UPDATE', oldObject: workloadOf('Deployment', EVIL) }],
  [
    'an update of the status with another spec',
    { operation: 'UPDATE', subResource: 'status', oldObject: workloadOf('Pod', podSpec(['nginx:v1'])) },
  ],
  ['a connection with a pod in it', { operation: 'CONNECT' }],
  ['an operation in lower case', { operation: 'delete' }],
  ['a namespace that is no text', { namespace: null }],
  ['a dry run that is a text', { dryRun: 'true' }],
];

describe('an image name', () => {
  it.each([
    ' nginx:v1',
    'nginx:v1 ',
    'nginx:v1\n',
    'nginx\u200b:v1',
    'nginx:v1:v2',
    'nginx:v1@',
    `nginx@sha256:${A.toUpperCase()}`,
    `nginx@SHA256:${A}`,
    `nginx@sha256:${A}@sha256:${B}`,
    'd\u043ecker.io/library/nginx:v1',
    'docker\u3002io/library/nginx:v1',
    'docker.io./library/nginx:v1',
    'docker.io:443/library/nginx:v1',
    'docker.io:0443/library/nginx:v1',
    'docker.io:65979/library/nginx:v1',
    'registry-1.docker.io/library/nginx:v1',
    'docker.io//nginx:v1',
    'docker.io/library/../library/nginx:v1',
    'https://docker.io/library/nginx:v1',
    '[::1]/library/nginx:v1',
    '__proto__',
    'docker.io/constructor:v1',
  ])('that is not the one that was signed is refused, and told in printable characters: %j', async (image) => {
    const answer = await world.pod([image]);
    expect(answer).toMatchObject(REFUSED);
    expect(answer.message).toMatch(/^[\x20-\x7e]+$/);
    expect(answer.message).toContain('spec.containers[0].image');
  });

  it('cannot write to the terminal of whoever is refused', async () => {
    const answer = await world.pod(['nginx:v1', 'nginx:\u001b[2J\u001b[32mpod/web created\nnginx\u202e']);
    expect(answer).toMatchObject(REFUSED);
    for (const line of answer.message.split('\n')) expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect(answer.message).not.toContain('\npod/web');
  });

  it('cannot make the answer long: by its length, or by standing in thousands of places', async () => {
    const long = await world.pod([`nginx:${'v'.repeat(1_000_000)}`, 'nginx:evil']);
    expect(long).toMatchObject(REFUSED);
    expect(long.bytes).toBeLessThan(5_000);
    const often = await world.pod(Array.from({ length: 10_000 }, () => 'nginx:evil'));
    expect(often.message).toContain('spec.containers[9].image and 9990 more places: image "nginx:evil"');
    expect(often.bytes).toBeLessThan(500_000);
  });
});

describe('an unsigned image', () => {
  it.each(PLACES)('is found or refused in %s', async (_, more) => {
    expect(await world.send(reviewOf(workloadOf('Pod', { ...podSpec(['nginx:v1']), ...more })))).toMatchObject(REFUSED);
  });

  it('is not hidden by a template that is null', async () => {
    for (const spec of [{ template: null }, { template: { spec: null } }, null]) {
      const object = { ...workloadOf('Deployment', EVIL), spec };
      expect(await world.send(reviewOf(object as JsonObject))).toMatchObject(REFUSED);
    }
  });
});

describe('a review that contradicts itself', () => {
  it.each(CONTRADICTIONS)('brings nothing in: %s', async (_, request) => {
    expect(await world.send(withRequest(request))).toMatchObject(REFUSED);
  });

  it('counts in the namespace of the request, not in the one that the object claims', async () => {
    world.policies = [...world.policies, policy('own', [{ name: '*', policy: {} }], 'lax')];
    const spec = podSpec(['nginx:evil']);
    const object = workloadOf('Pod', spec, { name: 'web', namespace: 'lax' });
    expect(await world.send(reviewOf(object, { namespace: 'team' }))).toMatchObject(REFUSED);
  });
});
