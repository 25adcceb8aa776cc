import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { makeAuthority } from './support/certificates.ts';
import { type CliWorld, openCliWorld } from './support/cliworld.ts';
import { readExamples, updateExamples } from './support/examples.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';
import { runWorkloads, served } from './support/workloads.ts';

/** The command line on the policies and Secrets of a real API server, by a kubeconfig. */

const CRDS = resolve(import.meta.dirname, '../../policies/crds');
const DEFINITIONS = collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions');
const PLURALS: Readonly<Record<string, string>> = {
  ClusterImagePolicy: 'clusterimagepolicies',
  ImagePolicy: 'imagepolicies',
  Secret: 'secrets',
};

/** More than the 500 of one page. */
const MANY = 510;
const { cluster: examples } = await readExamples();

let world: CliWorld;
let kube: KubeServer;

async function createPolicies(): Promise<void> {
  for (const file of await readdir(join(world.folder, 'policies'))) {
    const documents = parseAllDocuments(await readFile(join(world.folder, 'policies', file), 'utf8'));
    for (const document of documents) {
      const object = document.toJS() as KubeObject;
      const { namespace } = object.metadata;
      const path = collectionPath(object.apiVersion, PLURALS[object.kind] ?? '', namespace);
      await served(kube.client, path);
      await kube.client.create(path, object);
    }
  }
}

beforeAll(async () => {
  world = await openCliWorld();
  kube = await startKube({ authority: makeAuthority('command line cluster'), folder: join(world.folder, 'kube') });
  for (const file of (await readdir(CRDS)).filter((name) => !name.startsWith('kustomization')))
    await kube.client.create(DEFINITIONS, parse(await readFile(join(CRDS, file), 'utf8')) as KubeObject);
  for (const name of ['payments', 'shop', 'many']) await kube.client.namespace(name);
  await createPolicies();
  await runWorkloads(kube.client, MANY);
});
afterAll(async () => {
  await kube.stop();
  await world.close();
});

const ask = (line: string, more = {}) =>
  world.run(`portieris ${line} -s cluster --kubeconfig ${kube.kubeconfig}`, more);

/** A kubeconfig of a ServiceAccount that may do what these rules say, beside what docs/cli.md asks for. */
async function kubeconfigOf(name: string, rules: readonly object[]): Promise<string> {
  const { client } = kube;
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  await client.create(collectionPath('v1', 'serviceaccounts', 'default'), account);
  const gate = [
    {
      apiGroups: ['portieris.cloud.ibm.com', 'securityenforcement.admission.cloud.ibm.com'],
      resources: ['imagepolicies', 'clusterimagepolicies'],
      verbs: ['list'],
    },
    { apiGroups: ['trust.portieris.dev'], resources: ['trustrecords'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['list'] },
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
  ];
  const rbac = 'rbac.authorization.k8s.io/v1';
  const role = { apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules: [...gate, ...rules] };
  await client.create(collectionPath(rbac, 'clusterroles'), role);
  await client.create(collectionPath(rbac, 'clusterrolebindings'), {
    apiVersion: rbac,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  });
  const path = `${collectionPath('v1', 'serviceaccounts', 'default')}/${name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: {} };
  const { status } = (await client.create(path, request)) as { status: { token: string } };
  const config = parse(await readFile(kube.kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
  for (const { user } of config.users) user.token = status.token;
  const file = join(world.folder, `${name}.kubeconfig`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}

const inCluster = { example: (line: string) => world.example(line, { KUBECONFIG: kube.kubeconfig }) };

describe('the examples of docs/cli.md in a cluster', () => {
  afterAll(() => updateExamples(examples, inCluster));

  it('show simulate', () => {
    expect(examples.map(({ line }) => line)).toContainEqual(expect.stringContaining('portieris simulate '));
  });

  it.each(examples)('say what the command says: $line', async ({ line, said }) => {
    expect((await inCluster.example(line)).text).toBe(said);
  });
});

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly after: string;
}
const simulated = async (line: string, more = {}) => {
  const { text, code } = await ask(`simulate -f stricter.yaml -o json ${line}`, more);
  const at = text.indexOf('\n[');
  const json = text.startsWith('[') ? text : text.slice(at + 1);
  return { told: text.startsWith('[') ? '' : text.slice(0, at + 1), rows: JSON.parse(json) as Row[], code };
};
const names = (rows: readonly Row[]) => rows.map(({ kind, name }) => `${kind}/${name}`);

describe('portieris simulate in a cluster', () => {
  it('looks at each workload once under its top owner, and at none of a namespace that the webhook exempts', async () => {
    const { rows, told, code } = await simulated('-n shop');
    expect([names(rows), told, code]).toEqual([['Pod/web-2-1', 'Deployment/web', 'DaemonSet/fonts'], '', 1]);
    expect(rows[0]).toMatchObject({ owner: { kind: 'Deployment', name: 'web' }, alike: 1, after: 'admitted' });
    expect((await simulated('-n kube-system')).rows).toEqual([]);
  });

  it('reads the kinds of EXTRA_WORKLOADS', async () => {
    const { rows } = await simulated('-n shop', { EXTRA_WORKLOADS: 'argoproj.io/Rollout=spec.template.spec' });
    expect(rows).toContainEqual(expect.objectContaining({ kind: 'Rollout', name: 'canary', after: 'refused' }));
  });

  it('reads lists of many pages', async () => {
    const { rows } = await simulated('-n many');
    expect([rows.length, new Set(rows.map(({ after }) => after))]).toEqual([MANY, new Set(['refused'])]);
  });

  it('tells of each kind that may not be listed, goes on with the rest, and ends with 2', async () => {
    const apps = { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['list'] };
    const file = await kubeconfigOf('half', [apps]);
    const { text, code } = await world.run(`portieris simulate -f stricter.yaml -s cluster --kubeconfig ${file}`);
    expect(code).toBe(2);
    expect(text).toContain('pods were not read: you may not list them in all namespaces');
    expect(text).toContain('cronjobs.batch were not read');
    expect(text).not.toContain('deployments.apps were not read');
    expect(text).toContain('which namespaces the webhook exempts could not be read');
    expect(text).toContain('The answer is incomplete.');
    expect(text).toContain('1 workload: 0 would be refused');
  });
});

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
