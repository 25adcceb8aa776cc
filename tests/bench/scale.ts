import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { makeAuthority } from '../integration/support/certificates.ts';
import { startKube } from '../integration/support/kube.ts';
import { collectionPath, type KubeClient, type KubeObject } from '../integration/support/kubeclient.ts';
import { ensureTools } from '../tools/tools.ts';
import { gateOn, median, rounds, type Stage, withGate } from './cases.ts';
import { start } from './subject.ts';
import { HOST, review, serveSigned } from './world.ts';

const CRDS = resolve(import.meta.dirname, '../../policies/crds');

/** Distinct images, a thousand tags in each repository: what the gate costs and holds when no image comes twice in a row. */
export async function images(stage: Stage): Promise<void> {
  for (const repositories of stage.long ? [1, 10, 100] : [1, 5]) {
    const count = repositories * 1000;
    stage.tell(`images: signing ${count} images`);
    const world = await serveSigned(stage.folder, { repositories, tags: 1000 });
    const outer = { mark: '!!!!!!', count: repositories };
    const job = {
      body: review([`${HOST}/r!!!!!!:t~~~~~~`]),
      vary: { mark: '~~~~~~', from: 0, count: 1000, outer },
      callers: 8,
    };
    await withGate(stage, world, {}, async (gate) => {
      await stage.loader.run({ url: gate.origin, ...job, requests: count });
      await rounds(stage, { group: 'images', what: `${count} distinct images` }, [gate], job);
    });
    await world.server.close();
  }
}

const policy = (index: number): KubeObject => ({
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind: 'ImagePolicy',
  metadata: { name: `p${index}`, namespace: `n${index % 100}` },
  spec: { repositories: [{ name: `${HOST}/*`, policy: { trust: { enabled: true } } }] },
});

async function fill(client: KubeClient, count: number): Promise<void> {
  const definitions = collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions');
  const files = ['imagepolicies', 'clusterimagepolicies'].flatMap((kind) => [
    `${kind}.portieris.cloud.ibm.com.yaml`,
    `${kind}.securityenforcement.admission.cloud.ibm.com.yaml`,
  ]);
  for (const file of [...files, 'trustrecords.trust.portieris.dev.yaml'])
    await client.create(definitions, parse(readFileSync(join(CRDS, file), 'utf8')) as KubeObject);
  const served = async (path: string): Promise<void> => {
    for (let tries = 0; (await client.call('GET', path)).status !== 200; tries += 1) {
      if (tries > 600) throw new Error(`${path} is not served`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  await served(collectionPath('portieris.cloud.ibm.com/v1', 'imagepolicies'));
  await served(collectionPath('securityenforcement.admission.cloud.ibm.com/v1beta1', 'imagepolicies'));
  await served(collectionPath('trust.portieris.dev/v1alpha1', 'trustrecords'));
  for (let index = 0; index < 100; index += 1) await client.namespace(`n${index}`);
  const at = (index: number): string =>
    collectionPath('portieris.cloud.ibm.com/v1', 'imagepolicies', `n${index % 100}`);
  for (let index = 0; index < count; index += 1) await client.create(at(index), policy(index));
}

/** From the start of the process to ready, on a real API server that holds a thousand policies. */
export async function startOnCluster(stage: Stage): Promise<void> {
  stage.tell('cluster: a kube-apiserver with 1,000 policies');
  const tools = Object.fromEntries(await ensureTools(['etcd', 'kube-apiserver']));
  const folder = join(stage.folder, 'kube');
  mkdirSync(folder, { recursive: true });
  const kube = await startKube({ authority: makeAuthority('bench'), folder, tools });
  try {
    await fill(kube.client, 1000);
    const world = await serveSigned(stage.folder);
    const times: number[] = [];
    for (let index = 0; index < (stage.long ? 15 : 5); index += 1) {
      const address = { origin: world.server.origin, authorityFile: world.authorityFile };
      const gate = await start(gateOn(stage, address, { SNAPSHOT: 'cluster', KUBECONFIG: kube.kubeconfig }));
      times.push(gate.ready);
      await gate.stop();
    }
    await world.server.close();
    const what = 'process to ready, cluster of 1,000 policies';
    stage.rows.push({ group: 'start', what, subject: 'gate', figures: { ready: median(times) } });
    stage.goals.push({
      name: 'start to ready with a cluster of 1,000 policies, ms',
      value: median(times),
      limit: 700,
      kind: 'at most',
    });
  } finally {
    await kube.stop();
  }
}
