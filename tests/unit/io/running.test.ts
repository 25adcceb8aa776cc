import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCoverage, selects } from '../../../functions/io/coverage.ts';
import { type Kube, openKube } from '../../../functions/io/kubeconfig.ts';
import { readRunning } from '../../../functions/io/running.ts';
import { WORKLOAD_KINDS } from '../../../functions/request/workload.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { KubeServer, kubeconfigOf } from '../../support/kube.ts';

/** What an API server says of itself. */
const DISCOVERY: Readonly<Record<string, unknown>> = {
  '/apis': {
    groups: [
      { name: 'apps', preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }] },
      { name: 'argoproj.io', preferredVersion: { version: 'v2' }, versions: [{ version: 'v2' }, { version: 'v1' }] },
      { name: 'broken.io', preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }] },
    ],
  },
  '/api/v1': {
    resources: [
      { name: 'pods/status', kind: 'Pod', namespaced: true },
      { name: 'pods', kind: 'Pod', namespaced: true },
    ],
  },
  '/apis/apps/v1': { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }] },
  '/apis/argoproj.io/v2': { resources: [] },
  '/apis/argoproj.io/v1': { resources: [{ name: 'rollouts', kind: 'Rollout', namespaced: true }] },
};
const ROLLOUT = { group: 'argoproj.io', kind: 'Rollout', podSpec: ['spec', 'template', 'spec'] };
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

let server: KubeServer;
let folder: TemporaryFolder;
let kube: Kube;
beforeEach(async () => {
  server = await new KubeServer({ page: 2 }).start();
  server.install('/api/v1/pods', '/apis/apps/v1/deployments', '/apis/argoproj.io/v1/rollouts');
  for (const [path, body] of Object.entries(DISCOVERY))
    server.fault((seen) => seen.path === path, { do: 'body', text: JSON.stringify(body) });
  folder = await temporaryFolder('running');
  const kubeconfig = join(folder.path, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(server.url));
  kube = await openKube({ kubeconfig });
});
afterEach(async () => {
  await kube.close();
  await server.stop();
  await folder.remove();
});

const pod = (name: string, more = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: name, managedFields: [{ manager: 'kubectl' }] },
  ...more,
});

async function read(kinds = [...WORKLOAD_KINDS, ROLLOUT], namespace?: string) {
  const told: string[] = [];
  const running = await readRunning(kube, { kinds, namespace, timeout: 5000, progress: (text) => told.push(text) });
  return { ...running, told };
}

describe('the workloads of a cluster', () => {
  it('are read page by page, told after each', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put('/api/v1/pods', pod(name));
    const { objects, missing, told } = await read();
    expect([objects.length, missing]).toEqual([5, []]);
    expect(told.filter((text) => text.includes('pods'))).toEqual(
      [0, 2, 4, 5].map((number) => `reading pods of the cluster: ${number} objects …`),
    );
  });

  it('are read of every kind that is served, in the version that has it, extra kinds too', async () => {
    server.put('/apis/apps/v1/deployments', { ...pod('web'), apiVersion: 'apps/v1', kind: 'Deployment' });
    server.put('/apis/argoproj.io/v1/rollouts', { ...pod('roll'), apiVersion: 'argoproj.io/v1', kind: 'Rollout' });
    expect((await read()).objects.map(({ kind }) => kind)).toEqual(['Deployment', 'Rollout']);
  });

  it('keep of their status what tells whether they run, and not who wrote which field', async () => {
    server.put('/api/v1/pods', pod('a', { status: { phase: 'Running', containerStatuses: [], conditions: [] } }));
    const [object] = (await read()).objects;
    expect(object).toMatchObject({ kind: 'Pod', status: { phase: 'Running', conditions: [] } });
    expect(JSON.stringify(object)).not.toMatch(/managedFields|containerStatuses/);
  });

  it('of a kind that may not be listed are told, and the rest is read', async () => {
    server.put('/api/v1/pods', pod('a'));
    server.fault((seen) => seen.path.endsWith('/deployments'), { do: 'status', status: 403 });
    server.fault((seen) => seen.path.endsWith('/rollouts'), { do: 'status', status: 500 });
    const { objects, missing } = await read();
    expect(objects).toHaveLength(1);
    expect(missing).toEqual([
      'deployments.apps were not read: you may not list them in all namespaces; ask for that right, or name a namespace with -n',
      'rollouts.argoproj.io were not read: the API server answered 500 to list rollouts.argoproj.io',
    ]);
  });

  it('of a group whose server does not answer are told', async () => {
    server.fault((seen) => seen.path === '/apis/broken.io/v1', { do: 'status', status: 503 });
    const { missing } = await read([{ ...ROLLOUT, group: 'broken.io' }]);
    expect(missing).toEqual(['Rollout.broken.io were not read: the API server answered 503 to get /apis/broken.io/v1']);
  });

  it('are asked for in one namespace where one is named', async () => {
    await read(undefined, 'shop');
    expect(server.seen.map(({ path }) => path)).toContain('/api/v1/namespaces/shop/pods');
  });

  it('are none, and that is an error, where nobody answers', async () => {
    server.fault((seen) => seen.path === '/api/v1/pods', { do: 'cut' });
    await expect(read()).rejects.toThrow();
  });
});

const webhookOf = (namespaceSelector: unknown) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'image-admission-config' },
  webhooks: [{ name: 'trust.hooks.securityenforcement.admission.cloud.ibm.com', namespaceSelector }],
});
const NOT_SYSTEM = {
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
};

describe('the namespaces that the webhook is called for', () => {
  beforeEach(() => {
    server.install(WEBHOOKS, '/api/v1/namespaces');
    for (const name of ['kube-system', 'shop'])
      server.put('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      });
  });

  it('are those that its selector selects', async () => {
    server.put(WEBHOOKS, webhookOf(NOT_SYSTEM));
    const { covers, note } = await readCoverage(kube, 5000);
    expect([covers('kube-system'), covers('shop'), note]).toEqual([false, true, undefined]);
  });

  it('are all where it is not installed, and that is told', async () => {
    const { covers, note } = await readCoverage(kube, 5000);
    expect([covers('kube-system'), note]).toEqual([true, expect.stringContaining('is not installed')]);
  });

  it('are all where it may not be read, and that is told', async () => {
    server.fault((seen) => seen.path === WEBHOOKS, { do: 'status', status: 403 });
    const { covers, note } = await readCoverage(kube, 5000);
    expect([covers('kube-system'), note]).toEqual([true, expect.stringContaining('you may not list webhook')]);
  });

  it.each([
    [{}, true],
    [{ matchLabels: { team: 'a' } }, true],
    [{ matchLabels: { team: 'b' } }, false],
    [{ matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'other', operator: 'In', values: ['a'] }] }, false],
    [{ matchExpressions: [{ key: 'other', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, false],
    [{ matchExpressions: [{ key: 'team', operator: 'Like' }] }, false],
  ])('are judged as Kubernetes does: %j', (selector, selected) => {
    expect(selects(selector, new Map([['team', 'a']]))).toBe(selected);
  });
});
