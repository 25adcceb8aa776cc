import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { parseReference } from '../../../functions/image/reference.ts';
import { openCluster } from '../../../functions/io/cluster.ts';
import type { ObjectSource } from '../../../functions/io/objects.ts';
import type { Pace } from '../../../functions/io/watch.ts';
import { silentLog } from '../../../functions/log.ts';
import { selectRule } from '../../../functions/policy/select.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { KubeServer, kubeconfigOf, PATHS, policyObject, type Seen } from '../../support/kube.ts';

/** The pace of the tests: what takes minutes in a cluster takes a fraction of a second. */
const FAST: Partial<Pace> = {
  watchSeconds: 30,
  silence: 400,
  relist: 600_000,
  absent: 100,
  backoff: { first: 10, last: 50 },
  stale: 300_000,
  request: 2_000,
};
const signal = new AbortController().signal;
const ALL = [PATHS.image, PATHS.cluster, PATHS.oldImage, PATHS.oldCluster, PATHS.accounts];

let kube: KubeServer;
let folder: TemporaryFolder;
let source: ObjectSource;
let now: number;

beforeEach(async () => {
  folder = await temporaryFolder('cluster');
  kube = await new KubeServer().start();
  kube.install(...ALL);
  now = 1_000_000;
});
afterEach(async () => {
  await source.close();
  await kube.stop();
  await folder.remove();
});

async function open(pace: Partial<Pace> = {}, server = kube.url): Promise<void> {
  const kubeconfig = join(folder.path, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(server));
  const clock = { now: () => now };
  source = await openCluster({ kubeconfig, log: silentLog, clock, pace: { ...FAST, ...pace } });
}
const problems = (): string => source.readiness().problems.join('\n');
const ready = async (): Promise<void> => {
  await expect.poll(() => source.readiness().ready).toBe(true);
};

/** Whether a rule of the snapshot lets an image into a namespace without proof. */
function admits(image: string, namespace = 'team'): boolean {
  const reference = parseReference(image);
  const snapshot = source.current();
  if (!reference.ok || snapshot === undefined) return false;
  const rule = selectRule(snapshot, namespace, reference.value);
  return rule.ok && rule.value.requirements.length === 0;
}
const policy = (name: string, pattern: string) => policyObject(pattern, { name, namespace: 'team' });
const lists = (path: string) => kube.seen.filter((seen) => !seen.watch && seen.path === path).length;
const isWatch = (path: string) => (seen: Seen) => seen.watch && seen.path === path;
const isList = (path: string) => (seen: Seen) => !seen.watch && seen.path === path;

describe('a cluster', () => {
  it('is not ready, and gives no snapshot, until every kind of policy was listed', async () => {
    kube.fault(isList(PATHS.oldImage), { do: 'status', status: 503 });
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await open();
    await expect.poll(problems).toContain('imagepolicies.securityenforcement.admission.cloud.ibm.com');
    expect(source.readiness().ready).toBe(false);
    expect(source.current()).toBeUndefined();
    kube.heal();
    await ready();
    expect(admits('a.example/x:1')).toBe(true);
  });

  it('shows a policy that is added, changed and removed', async () => {
    await open();
    await ready();
    expect(admits('a.example/x:1')).toBe(false);
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await expect.poll(() => admits('a.example/x:1')).toBe(true);
    kube.put(PATHS.image, policy('a', 'b.example/*'));
    await expect.poll(() => admits('b.example/x:1')).toBe(true);
    expect(admits('a.example/x:1')).toBe(false);
    kube.remove(PATHS.image, 'team', 'a');
    await expect.poll(() => admits('b.example/x:1')).toBe(false);
  });

  it('reads a list in pages, whole', async () => {
    await kube.stop();
    kube = await new KubeServer({ page: 3 }).start();
    kube.install(...ALL);
    for (let index = 0; index < 10; index += 1) kube.put(PATHS.image, policy(`p${index}`, `h${index}.example/*`));
    await open();
    await ready();
    for (let index = 0; index < 10; index += 1) expect(admits(`h${index}.example/x:1`)).toBe(true);
  });

  it('begins a list anew where its pages grow too old on the way', async () => {
    await kube.stop();
    kube = await new KubeServer({ page: 2 }).start();
    kube.install(...ALL);
    for (let index = 0; index < 5; index += 1) kube.put(PATHS.image, policy(`p${index}`, `h${index}.example/*`));
    kube.fault((seen) => isList(PATHS.image)(seen) && seen.query.has('continue'), { do: 'status', status: 410 }, 1);
    await open();
    await ready();
    for (let index = 0; index < 5; index += 1) expect(admits(`h${index}.example/x:1`)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['a watch that is refused with 410', () => kube.fault(isWatch(PATHS.image), { do: 'status', status: 410 }, 1)],
    ['a watch that says 410 in an event', () => kube.fault(isWatch(PATHS.image), { do: 'error', code: 410 }, 1)],
    ['a watch that says 500 in an event', () => kube.fault(isWatch(PATHS.image), { do: 'error', code: 500 }, 3)],
    ['a watch that is refused with 503', () => kube.fault(isWatch(PATHS.image), { do: 'status', status: 503 }, 3)],
    ['a watch that is refused with 429', () => kube.fault(isWatch(PATHS.image), { do: 'status', status: 429 }, 2)],
    ['a watch that is cut', () => kube.fault(isWatch(PATHS.image), { do: 'cut' }, 3)],
    ['a watch of garbage', () => kube.fault(isWatch(PATHS.image), { do: 'body', text: '<html>no</html>\n' }, 1)],
    [
      'a watch of half a line',
      () => kube.fault(isWatch(PATHS.image), { do: 'body', text: '{"type":"ADDED","object":{' }, 1),
    ],
    ['a watch of null', () => kube.fault(isWatch(PATHS.image), { do: 'body', text: 'null\n' }, 1)],
    [
      'a watch of an event without an object',
      () => kube.fault(isWatch(PATHS.image), { do: 'body', text: '{"type":"ADDED"}\n' }, 1),
    ],
    ['a watch that says nothing', () => kube.fault(isWatch(PATHS.image), { do: 'silent' }, 1)],
    ['a watch that is never answered', () => kube.fault(isWatch(PATHS.image), { do: 'hang' }, 1)],
  ])('survives %s: what changed meanwhile counts', async (_, spoil) => {
    await open();
    await ready();
    await expect.poll(() => kube.watching(PATHS.image)).toBe(1);
    spoil();
    kube.drop(PATHS.image);
    kube.compact();
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await expect.poll(() => admits('a.example/x:1')).toBe(true);
    kube.put(PATHS.image, policy('b', 'b.example/*'));
    await expect.poll(() => admits('b.example/x:1')).toBe(true);
    expect(source.readiness().ready).toBe(true);
  });

  it('notices what was removed while no watch was there', async () => {
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await open();
    await ready();
    kube.drop(PATHS.image);
    kube.fault(isWatch(PATHS.image), { do: 'error', code: 410 }, 1);
    kube.remove(PATHS.image, 'team', 'a');
    kube.compact();
    await expect.poll(() => admits('a.example/x:1')).toBe(false);
  });

  it('puts right by a list what a watch lost without a sign', async () => {
    await open({ relist: 1 });
    await ready();
    const before = lists(PATHS.image);
    now += 1000;
    kube.drop(PATHS.image);
    await expect.poll(() => lists(PATHS.image)).toBeGreaterThan(before);
    expect(source.readiness().ready).toBe(true);
  });

  it('says which resource is stale and for how long, goes on with what it has, and is ready again when the server is back', async () => {
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await open();
    await ready();
    kube.fault((seen) => seen.path === PATHS.image, { do: 'status', status: 500 });
    kube.drop(PATHS.image);
    await expect.poll(problems).toContain('imagepolicies.portieris.cloud.ibm.com');
    expect(source.readiness().ready).toBe(true);
    now += 400_000;
    expect(source.readiness().ready).toBe(false);
    expect(problems()).toMatch(/said nothing about imagepolicies\.portieris\.cloud\.ibm\.com for 400 s/);
    expect(admits('a.example/x:1')).toBe(true);
    kube.heal();
    await expect.poll(problems).not.toContain('imagepolicies.portieris');
  });

  it('goes on noticing silence, and on listing anew, after its clock was set back by much', async () => {
    await open({ relist: 600_000 });
    now += 30 * 86_400_000;
    kube.drop(PATHS.image);
    await ready();
    await expect.poll(() => lists(PATHS.image)).toBeGreaterThan(1);
    const before = lists(PATHS.image);
    now -= 30 * 86_400_000;
    expect(source.readiness().ready).toBe(true);
    kube.drop(PATHS.image);
    await expect.poll(() => lists(PATHS.image)).toBeGreaterThan(before);
    kube.fault((seen) => seen.path === PATHS.accounts, { do: 'status', status: 500 });
    kube.drop(PATHS.accounts);
    await expect.poll(problems).toContain('serviceaccounts');
    expect(source.readiness().ready).toBe(true);
    now += 400_000;
    expect(source.readiness().ready).toBe(false);
  });

  it('says that it may not list, with the verb and the resource', async () => {
    kube.fault(isList(PATHS.accounts), { do: 'status', status: 403 });
    await open();
    await expect.poll(problems).toMatch(/may not list serviceaccounts/);
    expect(problems()).toMatch(/RBAC/);
  });

  it('does without a kind of policy that is not installed, and sees it once it is', async () => {
    kube.uninstall(PATHS.oldImage);
    await open();
    await ready();
    kube.install(PATHS.oldImage);
    kube.put(PATHS.oldImage, {
      ...policy('old', 'old.example/*'),
      apiVersion: 'securityenforcement.admission.cloud.ibm.com/v1beta1',
    });
    await expect.poll(() => admits('old.example/x:1')).toBe(true);
  });

  it('waits for an API server that is not there yet', async () => {
    const { url } = kube;
    await kube.stop();
    await open({}, url);
    await expect.poll(problems).not.toBe('');
    expect(source.readiness().ready).toBe(false);
    kube = await new KubeServer().start();
    expect(source.current()).toBeUndefined();
  });

  it('reads the kubeconfig anew when its token is no longer taken', async () => {
    await kube.stop();
    kube = await new KubeServer({ token: 'first' }).start();
    kube.install(...ALL);
    const kubeconfig = join(folder.path, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf(kube.url, { token: 'first' }));
    source = await openCluster({ kubeconfig, log: silentLog, clock: { now: () => now }, pace: FAST });
    await ready();
    kube.token = 'second';
    await writeFile(kubeconfig, kubeconfigOf(kube.url, { token: 'second' }));
    kube.drop();
    kube.put(PATHS.image, policy('a', 'a.example/*'));
    await expect.poll(() => admits('a.example/x:1')).toBe(true);
  });

  it('keeps a policy that is not valid, names it, and goes on with the others', async () => {
    kube.put(PATHS.image, { ...policy('broken', 'x'), spec: { repositories: 'all' } });
    kube.put(PATHS.cluster, policyObject('*', { name: 'all' }, 'ClusterImagePolicy'));
    await open();
    await ready();
    expect(source.current()?.problems).toMatchObject([{ object: expect.stringContaining('team/broken') }]);
    expect(admits('a.example/x:1')).toBe(false);
    expect(admits('a.example/x:1', 'other')).toBe(true);
  });

  it('ends everything when it is closed, even in the middle of trouble', async () => {
    kube.fault((seen) => seen.path === PATHS.image, { do: 'hang' });
    await open();
    await expect.poll(() => kube.seen.length).toBeGreaterThan(4);
    await source.close();
    await expect.poll(() => kube.open).toBe(0);
    const asked = kube.seen.length;
    kube.drop();
    await new Promise((done) => setImmediate(done));
    expect(kube.seen.length).toBe(asked);
    expect(kube.watching(PATHS.cluster)).toBe(0);
  });
});

describe('a read of the cluster', () => {
  const secret = (data: Record<string, unknown>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { namespace: 'team', name: 's' },
    data,
  });

  it('gives a Secret decoded, and undefined where there is none', async () => {
    kube.put(PATHS.secrets, secret({ key: Buffer.from('value').toString('base64') }));
    await open();
    const found = await source.secret('team', 's', signal);
    expect(Buffer.from(found?.data.get('key') ?? []).toString()).toBe('value');
    expect(await source.secret('team', 'other', signal)).toBeUndefined();
  });

  it.each(['..', '.', '', 'a/../../b', 'x'.repeat(300)])(
    'asks for nothing under the name %j that could lead elsewhere',
    async (name) => {
      await open();
      expect(await source.secret('team', name, signal)).toBeUndefined();
      expect(kube.seen.filter(({ path }) => path.includes('..') || path.endsWith('/secrets'))).toEqual([]);
    },
  );

  it.each<[string, Parameters<KubeServer['fault']>[1], string]>([
    ['403', { do: 'status', status: 403 }, 'CLUSTER_FORBIDDEN'],
    ['500', { do: 'status', status: 500 }, 'CLUSTER_UNREACHABLE'],
    ['a cut connection', { do: 'cut' }, 'CLUSTER_UNREACHABLE'],
    ['garbage', { do: 'body', text: 'no' }, 'CLUSTER_UNREACHABLE'],
    ['silence', { do: 'hang' }, 'CLUSTER_UNREACHABLE'],
  ])('answered by %s is a fault, never an absence', async (_, fault, code) => {
    await open({ request: 300 });
    kube.fault(({ path }) => path.includes('/namespaces/'), fault);
    const error: unknown = await source.secret('team', 's', signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Fault);
    expect((error as Fault).code).toBe(code);
    expect((error as Fault).message).toContain('team/s');
  });

  it('gives the pull secrets of a ServiceAccount from the watch, and asks for one that it has not seen', async () => {
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: 'team', name: 'a' },
      imagePullSecrets: [{ name: 'pull' }],
    };
    kube.put(PATHS.accounts, account);
    await open();
    await ready();
    expect(await source.pullSecretsOf('team', 'a', signal)).toEqual(['pull']);
    expect(await source.pullSecretsOf('team', 'none', signal)).toEqual([]);
    expect(kube.seen.filter(({ path }) => path.endsWith('/serviceaccounts/a'))).toEqual([]);
  });

  it('reads owners of the kinds that make pods, and no others', async () => {
    const path = '/apis/apps/v1/replicasets';
    kube.put(path, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { namespace: 'team', name: 'web', uid: 'u1' },
    });
    await open();
    const owner = (apiVersion: string, kind: string) =>
      source.owner('team', { apiVersion, kind, name: 'web', uid: 'u1' }, signal);
    expect(await owner('apps/v1', 'ReplicaSet')).toMatchObject({ metadata: { uid: 'u1' } });
    expect(await owner('apps/v1', 'ConfigMap')).toBeUndefined();
    expect(await owner('evil.example/v1', 'ReplicaSet')).toBeUndefined();
  });
});

describe('a kubeconfig', () => {
  it.each([
    ['is not there', undefined],
    ['is not YAML', '{{{'],
    ['names no cluster', 'apiVersion: v1\nkind: Config\n'],
  ])('that %s is a sentence at the start', async (_, text) => {
    await open();
    const kubeconfig = join(folder.path, 'broken');
    if (text !== undefined) await writeFile(kubeconfig, text);
    const opened = openCluster({ kubeconfig, log: silentLog, clock: { now: () => now } });
    await expect(opened).rejects.toThrow(/.{10}/);
  });
});
