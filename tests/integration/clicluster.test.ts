import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { makeAuthority } from './support/certificates.ts';
import { type CliWorld, openCliWorld } from './support/cliworld.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';

/** The command line on the policies and Secrets of a real API server, by a kubeconfig. */

const CRDS = resolve(import.meta.dirname, '../../policies/crds');
const DEFINITIONS = collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions');
const PLURALS: Readonly<Record<string, string>> = {
  ClusterImagePolicy: 'clusterimagepolicies',
  ImagePolicy: 'imagepolicies',
  Secret: 'secrets',
};

let world: CliWorld;
let kube: KubeServer;

/** Waits until the API server serves a resource of a definition that was made a moment ago. */
async function served(path: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await kube.client.call('GET', path)).status === 200) return;
    await pause(50);
  }
  throw new Error(`${path} is not served`);
}

async function createPolicies(): Promise<void> {
  for (const file of await readdir(join(world.folder, 'policies'))) {
    const documents = parseAllDocuments(await readFile(join(world.folder, 'policies', file), 'utf8'));
    for (const document of documents) {
      const object = document.toJS() as KubeObject;
      const { namespace } = object.metadata;
      const path = collectionPath(object.apiVersion, PLURALS[object.kind] ?? '', namespace);
      await served(path);
      await kube.client.create(path, object);
    }
  }
}

beforeAll(async () => {
  world = await openCliWorld();
  kube = await startKube({ authority: makeAuthority('command line cluster'), folder: join(world.folder, 'kube') });
  for (const file of (await readdir(CRDS)).filter((name) => !name.startsWith('kustomization')))
    await kube.client.create(DEFINITIONS, parse(await readFile(join(CRDS, file), 'utf8')) as KubeObject);
  for (const name of ['payments', 'shop']) await kube.client.namespace(name);
  await createPolicies();
});
afterAll(async () => {
  await kube.stop();
  await world.close();
});

const ask = (line: string) => world.run(`portieris ${line} -s cluster --kubeconfig ${kube.kubeconfig}`);

describe('the command line beside a cluster', () => {
  it('answers by the policies and Secrets of the cluster', async () => {
    const admitted = await ask('explain registry.demo/payments/api:2.0 -n payments');
    expect([admitted.code, admitted.text]).toEqual([0, expect.stringContaining('bob  Secret payments/bob  signed')]);
    const refused = await ask('explain registry.demo/payments/api:2.1 -n payments');
    expect([refused.code, refused.text]).toEqual([1, expect.stringContaining('bob  Secret payments/bob  missing')]);
  });

  it('leaves no TrustRecord and no Event', async () => {
    expect((await ask('check -f deploy')).code).toBe(1);
    const records = await kube.client.read(collectionPath('trust.portieris.dev/v1alpha1', 'trustrecords'));
    expect(records.items).toEqual([]);
    const events = await kube.client.read(collectionPath('v1', 'events'));
    const told = events.items.filter(({ message }: { message: string }) => message.includes('registry.demo'));
    expect(told).toEqual([]);
  });

  it('says which contexts there are where the named one is not, and why a cluster cannot be read', async () => {
    const context = await ask('explain nginx --context nowhere');
    expect([context.code, context.text]).toEqual([2, expect.stringContaining('has no context nowhere; it has ')]);
    await kube.pause();
    const silent = await ask('explain nginx --timeout 2');
    expect([silent.code, silent.text]).toEqual([
      2,
      expect.stringContaining('The policies of the cluster cannot be read'),
    ]);
  });
});
