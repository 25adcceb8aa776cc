import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { POLICY_GROUPS } from '../../functions/io/objects.ts';
import { policyOf, trusting } from '../support/policies.ts';
import { type Authority, makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type RunningGate, startGate } from './support/gate.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeAnswer, type KubeObject } from './support/kubeclient.ts';
import { render } from './support/manifests.ts';
import { webClient } from './support/web.ts';

/** The function that looks at policies in its place: a real API server calls it by the webhook configuration of the manifests, and two of it keep the statuses. */

const WEBHOOKS = collectionPath('admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations');
const KINDS = { ImagePolicy: 'imagepolicies', ClusterImagePolicy: 'clusterimagepolicies' } as const;

let folder: TemporaryFolder;
let authority: Authority;
let kube: KubeServer;
let replicas: RunningGate[];
let silent: Server;

const pathOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  collectionPath(apiVersion, KINDS[kind as keyof typeof KINDS], metadata.namespace);
const objectOf = (...args: Parameters<typeof policyOf>) => policyOf(...args) as unknown as KubeObject;

/** Writes a policy as `kubectl create` does; gives the warnings beside the answer. */
async function write(object: KubeObject): Promise<KubeAnswer & { readonly warnings: readonly string[] }> {
  const { status, text, warnings } = await kube.client.ask('POST', pathOf(object), { body: object });
  return { status, body: JSON.parse(text), warnings };
}
const drop = (object: KubeObject) => kube.client.call('DELETE', `${pathOf(object)}/${object.metadata.name}`);
const statusOf = (object: KubeObject): Promise<KubeAnswer['body']> =>
  vi.waitFor(
    async () => {
      const { status } = await kube.client.read(`${pathOf(object)}/${object.metadata.name}`);
      expect(status).toBeDefined();
      return status;
    },
    { timeout: 30_000, interval: 50 },
  );

/** Leads the webhook configuration of the manifests to an address of this machine. */
async function lead(url: string): Promise<void> {
  const [configuration] = (await render('knative/webhook')).filter(({ kind }) => kind.startsWith('Validating'));
  const [hook] = (configuration as KubeAnswer['body']).webhooks;
  const clientConfig = { url, caBundle: Buffer.from(authority.certificate).toString('base64') };
  await kube.client.call('DELETE', `${WEBHOOKS}/portieris-validate`);
  await kube.client.create(WEBHOOKS, {
    ...(configuration as KubeObject),
    webhooks: [{ ...hook, clientConfig, timeoutSeconds: 1 }],
  });
}

/** The sum of a counter over both. */
async function counted(series: string): Promise<number> {
  const texts = await Promise.all(
    replicas.map(async ({ origin }) => {
      const web = webClient(origin, '');
      return (await web.ask('GET', '/metrics').finally(() => web.close())).text;
    }),
  );
  const values = texts.map((text) => text.split('\n').find((line) => line.startsWith(`${series} `)) ?? '');
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

beforeAll(async () => {
  folder = await temporaryFolder('validate');
  authority = makeAuthority('validate test');
  kube = await startKube({ authority, folder: join(folder.path, 'kube') });
  await kube.client.namespace('team');
  for (const crd of await render('policies/crds'))
    await kube.client.create(collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions'), crd);
  replicas = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const own = join(folder.path, name);
      await mkdir(own);
      return startGate(
        { authority, folder: own, env: { SNAPSHOT: 'cluster', KUBECONFIG: kube.kubeconfig } },
        'validate',
      );
    }),
  );
  const { certificate, key } = authority.issue(['127.0.0.1']);
  silent = createServer({ cert: certificate, key }, () => undefined);
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  await lead(replicas[0]?.url ?? '');
  // An API server takes a moment to heed a new configuration.
  await vi.waitFor(
    async () => {
      const probe = objectOf('probe', [{ name: 'a b' }]);
      const { status } = await write(probe);
      if (status < 300) await drop(probe);
      expect(status).toBe(422);
    },
    { timeout: 30_000, interval: 50 },
  );
});
afterAll(async () => {
  silent?.closeAllConnections();
  silent?.close();
  for (const replica of replicas ?? []) await replica.stop();
  await kube?.stop();
  await folder?.remove();
});

const SHAPES = POLICY_GROUPS.flatMap((_, index) =>
  [{}, { namespace: 'team' }].map((place) => ({ ...place, legacy: index === 1 })),
);

describe('a policy that is written to a real API server', () => {
  it.each(SHAPES)('is refused with the path of each field that is not valid: %j', async (shape) => {
    const { status, body } = await write(
      objectOf('bad', [{ name: 'quay.io/UPPER' }, { name: 'quay.io/a' }, { name: 'a b' }], shape),
    );
    expect(status).toBe(422);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Invalid', details: { name: 'bad' } });
    expect(body.details.causes.map(({ field }: { field: string }) => field)).toEqual([
      'spec.repositories[0].name',
      'spec.repositories[2].name',
    ]);
  });

  it.each(SHAPES)('is taken with a warning where it may not be meant, and tells of itself: %j', async (shape) => {
    const odd = objectOf('odd', [trusting('quay.io/acme*')], shape);
    const { status, warnings } = await write(odd);
    expect(status).toBe(201);
    expect(warnings).toEqual([expect.stringMatching(/^spec\.repositories\[0\]\.name has a star right behind "acme"/)]);
    expect(await statusOf(odd)).toMatchObject({
      conditions: [{ type: 'Valid', status: 'True', reason: 'OpenEndedName', observedGeneration: 1 }],
      problems: 0,
      warnings: 1,
      rules: 1,
    });
    expect((await drop(odd)).status).toBe(200);
  });

  it('has its status written once, though two look at it, and a status is no write that is looked at', async () => {
    const before = await counted('portieris_policy_statuses_total{outcome="written"}');
    const reviews = await counted('portieris_policy_reviews_total{allowed="true"}');
    const policies = Array.from({ length: 12 }, (_, index) =>
      objectOf(`many-${index}`, [trusting(`quay.io/acme/a${index}`)]),
    );
    for (const policy of policies) expect((await write(policy)).status).toBe(201);
    for (const policy of policies) await statusOf(policy);
    // A pass of either that began before the last status has ended when a later policy has its own.
    const last = objectOf('many-last', [trusting('quay.io/acme/last')]);
    await write(last);
    await statusOf(last);
    await expect.poll(() => counted('portieris_policy_statuses_total{outcome="written"}')).toBe(before + 13);
    expect(await counted('portieris_policy_statuses_total{outcome="failed"}')).toBe(0);
    expect(await counted('portieris_policy_reviews_total{allowed="true"}')).toBe(reviews + 13);
    for (const policy of [...policies, last]) await drop(policy);
  });
});

describe('a policy that is written while nobody looks', () => {
  const bad = objectOf('unseen', [{ name: 'quay.io/UPPER' }]);
  const taken = (): Promise<void> =>
    vi.waitFor(
      async () => {
        const { status, warnings } = await write(bad);
        await drop(bad);
        expect([status, warnings]).toEqual([201, []]);
      },
      { timeout: 30_000, interval: 50 },
    );

  it('is taken: nothing listens there', async () => {
    await lead('https://127.0.0.1:9/validate');
    await taken();
  });

  it('is taken: there is no answer', async () => {
    await lead(`https://127.0.0.1:${(silent.address() as AddressInfo).port}/validate`);
    await taken();
  });

  it('is taken: the certificate is of another authority', async () => {
    authority = makeAuthority('another');
    await lead(replicas[0]?.url ?? '');
    await taken();
  });

  it('tells of itself all the same', async () => {
    expect((await write(bad)).status).toBe(201);
    expect((await statusOf(bad)).conditions).toMatchObject([{ status: 'False', reason: 'Invalid' }]);
    await drop(bad);
  });
});
