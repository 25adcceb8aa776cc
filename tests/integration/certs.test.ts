import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultOf, splitPem } from '../../functions/certs/issue.ts';
import { startNode } from '../support/process.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';

/** The certificate job against a real API server, as the CronJob runs it. */

const NAME = 'portieris-admission.portieris.svc';
const WEBHOOKS = collectionPath('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations');
const SECRETS = collectionPath('v1', 'secrets', 'portieris');

let folder: TemporaryFolder;
let kube: KubeServer;
beforeAll(async () => {
  folder = await temporaryFolder('certs');
  await mkdir(join(folder.path, 'kube'));
  kube = await startKube({ authority: makeAuthority('certs'), folder: join(folder.path, 'kube') });
  await kube.client.namespace('portieris');
});
afterAll(async () => {
  await kube.stop();
  await folder.remove();
});
beforeEach(async () => {
  for (const secret of ['portieris-tls', 'portieris-tls-next'])
    await kube.client.call('DELETE', `${SECRETS}/${secret}`);
  await kube.client.call('DELETE', `${WEBHOOKS}/image-admission-config`);
});

/** A run of the job; gives its exit code and what it said. */
async function run(...args: string[]): Promise<{ code: number | null; text: string }> {
  const job = startNode(['functions/certs/main.ts', 'cluster', ...args], { KUBECONFIG: kube.kubeconfig });
  return { code: await job.ended, text: job.text() };
}

const configuration = (caBundle = ''): KubeObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'image-admission-config' },
  webhooks: ['one.example.com', 'two.example.com'].map((name) => ({
    name,
    clientConfig: {
      service: { namespace: 'portieris', name: 'portieris-admission', path: '/admit' },
      ...(caBundle && { caBundle }),
    },
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Ignore',
    rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }],
  })),
});

interface Held {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}
async function held(name = 'portieris-tls'): Promise<Held> {
  const { data } = await kube.client.read(`${SECRETS}/${name}`);
  const text = (key: string): string => Buffer.from(data[key], 'base64').toString('utf8');
  return { ca: text('ca.crt'), certificate: text('tls.crt'), key: text('tls.key') };
}
async function bundles(collection = WEBHOOKS): Promise<string[]> {
  const { webhooks } = await kube.client.read(`${collection}/image-admission-config`);
  return (webhooks as { clientConfig: { caBundle?: string } }[]).map(({ clientConfig }) =>
    Buffer.from(clientConfig.caBundle ?? '', 'base64').toString('utf8'),
  );
}

/** Whether a caller with this caBundle takes the certificate, as the API server would. */
async function taken(pair: Held, bundle: string): Promise<boolean> {
  const server = createServer({ cert: pair.certificate, key: pair.key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    ca: bundle,
    servername: NAME,
  });
  const fine = await Promise.race([
    once(socket, 'secureConnect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  server.close();
  return fine;
}

describe('the certificate job', () => {
  it('makes a certificate before there is a webhook configuration, and fills each caBundle of ours once there is one', async () => {
    const first = await run();
    expect(first.code, first.text).toBe(0);
    const pair = await held();
    expect(faultOf(pair, [NAME], Date.now())).toBeNull();
    await kube.client.create(WEBHOOKS, configuration());
    expect((await run()).code).toBe(0);
    expect(await held()).toEqual(pair);
    for (const bundle of await bundles()) {
      expect(splitPem(bundle)).toEqual(splitPem(pair.ca));
      expect(await taken(pair, bundle)).toBe(true);
    }
  });

  it('rotates with an overlap: at every moment each caller takes what is served', async () => {
    await kube.client.create(WEBHOOKS, configuration());
    await run();
    const before = await held();
    const rotation = run('--rotate', '--overlap', '2', '--settle', '2');
    let over = false;
    void rotation.then(() => {
      over = true;
    });
    let looks = 0;
    while (!over) {
      const [bundle = ''] = await bundles();
      expect(await taken(await held(), bundle)).toBe(true);
      looks += 1;
    }
    expect((await rotation).code).toBe(0);
    expect(looks).toBeGreaterThan(5);
    const after = await held();
    expect(after.certificate).not.toBe(before.certificate);
    for (const bundle of await bundles()) expect(splitPem(bundle)).toEqual(splitPem(after.ca));
    expect((await kube.client.call('GET', `${SECRETS}/portieris-tls-next`)).status).toBe(404);
  });

  it('run by three at once ends with one pair that every caBundle takes', async () => {
    await kube.client.create(WEBHOOKS, configuration());
    const runs = await Promise.all([run(), run(), run()]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const pair = await held();
    for (const bundle of await bundles()) expect(await taken(pair, bundle)).toBe(true);
  });

  it('brings webhooks that disagree into line, and leaves those of others alone', async () => {
    const own = configuration();
    const others = {
      ...(own['webhooks'] as object[])[0],
      name: 'other.example.com',
      clientConfig: { url: 'https://elsewhere.example/admit' },
    };
    await kube.client.create(WEBHOOKS, { ...own, webhooks: [...(own['webhooks'] as object[]), others] });
    await run();
    const [first, second, other] = await bundles();
    expect(first).toBe(second);
    expect(splitPem(first ?? '')).toHaveLength(1);
    expect(other).toBe('');
  });

  it('keeps the caBundle of a validating webhook configuration by the certificate that is its own', async () => {
    const validating: KubeObject = { ...configuration(), kind: 'ValidatingWebhookConfiguration' };
    const VALIDATING = collectionPath('admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations');
    await kube.client.create(WEBHOOKS, configuration());
    await kube.client.create(VALIDATING, validating);
    await run();
    const [gates = ''] = await bundles();
    const { code, text } = await run(
      '--validating',
      '--secret',
      'portieris-own-tls',
      '--rotate',
      '--overlap',
      '0',
      '--settle',
      '0',
    );
    expect(code, text).toBe(0);
    const own = await held('portieris-own-tls');
    for (const bundle of await bundles(VALIDATING)) expect(await taken(own, bundle)).toBe(true);
    for (const bundle of await bundles()) expect(bundle).toBe(gates);
    expect(splitPem(gates)).not.toEqual(splitPem(own.ca));
  });

  it('replaces what is stored and cannot be served', async () => {
    await kube.client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'portieris-tls' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': Buffer.from('no').toString('base64'), 'tls.key': Buffer.from('no').toString('base64') },
    });
    await kube.client.create(WEBHOOKS, configuration());
    const { code, text } = await run();
    expect(code).toBe(0);
    expect(text).toContain('can not be read');
    expect(faultOf(await held(), [NAME], Date.now())).toBeNull();
  });

  it('says what it may not do', async () => {
    const job = startNode(['functions/certs/main.ts', 'cluster'], { KUBECONFIG: join(folder.path, 'none') });
    expect(await job.ended).toBe(1);
    expect(job.text()).not.toMatch(/\n\s+at /);
  });
});
