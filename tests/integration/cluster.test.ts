import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseReference } from '../../functions/image/reference.ts';
import { openCluster } from '../../functions/io/cluster.ts';
import type { ObjectSource } from '../../functions/io/objects.ts';
import { PACE, type Pace } from '../../functions/io/watch.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { digestOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';
import { type Authority, makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type RunningGate, startGate } from './support/gate.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';
import { Line } from './support/line.ts';
import { SteadyGate } from './support/steadygate.ts';
import { type WebClient, webClient } from './support/web.ts';

/** A real API server that ends, comes back, forgets, and is cut off, while the gate watches it. */

const GROUP = 'portieris.cloud.ibm.com';
const POLICIES = collectionPath(`${GROUP}/v1`, 'imagepolicies', 'team');
const CRDS = resolve(import.meta.dirname, '../../policies/crds');
const QUICK: Partial<Pace> = { absent: 200, backoff: { first: 50, last: 500 } };

let folder: TemporaryFolder;
let authority: Authority;
let kube: KubeServer;
let line: Line;

const policyOf = (name: string): KubeObject => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'ImagePolicy',
  metadata: { name, namespace: 'team' },
  spec: { repositories: [{ name: `${name}.example/*` }] },
});
const apply = (name: string) => kube.client.create(POLICIES, policyOf(name));
const remove = (name: string) => kube.client.call('DELETE', `${POLICIES}/${name}`);

async function applyCrds(group: string): Promise<void> {
  for (const kind of ['imagepolicies', 'clusterimagepolicies']) {
    const crd = parse(await readFile(join(CRDS, `${kind}.${group}.yaml`), 'utf8')) as KubeObject;
    await kube.client.create(collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions'), crd);
  }
  await expect
    .poll(
      async () =>
        (
          await kube.client.call(
            'GET',
            collectionPath(`${group}/${group === GROUP ? 'v1' : 'v1beta1'}`, 'imagepolicies'),
          )
        ).status,
    )
    .toBe(200);
}

beforeAll(async () => {
  folder = await temporaryFolder('cluster');
  authority = makeAuthority('cluster test');
  kube = await startKube({ authority, folder: join(folder.path, 'kube') });
  await kube.client.namespace('team');
  const records = parse(await readFile(join(CRDS, 'trustrecords.trust.portieris.dev.yaml'), 'utf8')) as KubeObject;
  await kube.client.create(collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions'), records);
  line = new Line(Number(new URL(kube.origin).port));
  const origin = await line.open();
  const kubeconfig = await readFile(kube.kubeconfig, 'utf8');
  await writeFile(join(folder.path, 'line'), kubeconfig.replace(kube.origin, origin), { mode: 0o600 });
});

afterAll(async () => {
  await line?.close();
  await kube?.stop();
  await folder?.remove();
});

describe('a source that watches a real API server', () => {
  let source: ObjectSource;
  let log: string[];
  let now: number;

  const open = async (pace: Partial<Pace> = {}): Promise<void> => {
    now = Date.now();
    log = [];
    source = await openCluster({
      kubeconfig: join(folder.path, 'line'),
      log: pino({ level: 'warn' }, { write: (text: string) => void log.push(text) }),
      clock: { now: () => now },
      pace: { ...QUICK, ...pace },
    });
  };
  const problems = (): string => source.readiness().problems.join('\n');
  const ready = () => expect.poll(() => source.readiness()).toEqual({ ready: true, problems: [] });
  /** As `ready`, where a server has just started or taken over a kind: it may close its first watches, and that the next ones last is told by the clock. */
  const readyInTime = () =>
    expect
      .poll(() => {
        now += 50;
        return source.readiness();
      })
      .toEqual({ ready: true, problems: [] });
  const admits = (name: string): boolean => {
    const reference = parseReference(`${name}.example/x:1`);
    const snapshot = source.current();
    return reference.ok && snapshot !== undefined && selectRule(snapshot, 'team', reference.value).ok;
  };
  const soon = (name: string, admitted: boolean) => expect.poll(() => admits(name)).toBe(admitted);

  afterEach(async () => {
    await source.close();
    await expect.poll(() => line.connections).toBe(0);
    line.mend();
  });

  it('does without kinds of policy that are not installed, and takes each once it is', async () => {
    await open();
    await ready();
    await applyCrds(GROUP);
    await apply('first');
    await soon('first', true);
    await applyCrds('securityenforcement.admission.cloud.ibm.com');
    await readyInTime();
  });

  it('waits for an API server that is not there at the start', async () => {
    await kube.pause();
    await open();
    await expect.poll(problems).toContain(`imagepolicies.${GROUP} have not been listed yet`);
    expect(source.current()).toBeUndefined();
    await kube.resume();
    await readyInTime();
    expect(admits('first')).toBe(true);
  });

  it('goes on with what it has while the server is away, says which kinds are stale and since when, and is ready again', async () => {
    await open();
    await ready();
    await kube.pause();
    await expect.poll(problems).toMatch(/watch|list/);
    expect(source.readiness().ready).toBe(true);
    now += PACE.stale + 1_000;
    expect(source.readiness().ready).toBe(false);
    for (const resource of [`imagepolicies.${GROUP}`, `clusterimagepolicies.${GROUP}`, 'serviceaccounts']) {
      expect(problems()).toContain(`has said nothing about ${resource} for ${PACE.stale / 1000 + 1} s`);
    }
    expect(admits('first')).toBe(true);
    await kube.resume();
    await readyInTime();
    await apply('second');
    await soon('second', true);
    await remove('first');
    await soon('first', false);
  });

  it('gives up watches on which nothing comes and which nobody closes, and takes what changed meanwhile', async () => {
    await open({ silence: 1_000, request: 1_000 });
    await ready();
    // Ready is what is listed. A watch that is opened after the silence began would hear everything: one that has told something is open.
    await apply('heard');
    await soon('heard', true);
    await remove('heard');
    await soon('heard', false);
    line.silence();
    await apply('unheard');
    await soon('unheard', true);
    expect(log.join('')).toContain(`the watch of imagepolicies.${GROUP} fell silent; listing anew`);
    await remove('unheard');
    await soon('unheard', false);
    await ready();
  });

  it('lists anew when the version it stopped at was compacted away, and misses nothing of what changed meanwhile', async () => {
    await open();
    await ready();
    line.cut();
    await expect.poll(problems).not.toBe('');
    for (const name of ['third', 'fourth', 'passing']) await apply(name);
    await remove('passing');
    await remove('second');
    await kube.pause();
    await kube.compact();
    await kube.resume();
    await kube.compact();
    line.mend();
    await soon('fourth', true);
    expect([admits('third'), admits('passing'), admits('second')]).toEqual([true, false, false]);
    expect(log.join('')).toMatch(new RegExp(`410 to watch imagepolicies|watch of imagepolicies.${GROUP} fell behind`));
    await ready();
    await apply('fifth');
    await soon('fifth', true);
  });
});

describe('a gate in a cluster, whose API server is away', () => {
  const GUN = 'away.example/app';
  const IMAGE = `${GUN}:v1`;
  const ADMITTED = { allowed: true, image: `${IMAGE}@${digestOf('a')}` };
  const kubeconfig = process.env['KUBECONFIG'];
  let notary: NotaryServer;
  let gate: SteadyGate;

  beforeAll(async () => {
    const repository = new TestRepository({ gun: GUN }).tag('v1', digestOf('a')).publish();
    notary = await serveNotary({ repositories: [repository] });
    await writeFile(join(folder.path, 'notary.crt'), notary.ca ?? '');
    const policy = { trust: { enabled: true, trustServer: notary.origin } };
    const { metadata, ...rest } = policyOf('away');
    await kube.client.create(POLICIES, { ...rest, metadata, spec: { repositories: [{ name: `${GUN}*`, policy }] } });
    process.env['KUBECONFIG'] = join(folder.path, 'line');
    gate = new SteadyGate({ SNAPSHOT: 'cluster', TRUST_CA_FILE: join(folder.path, 'notary.crt') });
    await gate.open();
  });
  afterAll(async () => {
    if (kubeconfig === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = kubeconfig;
    await gate?.close();
    await notary?.close();
  });

  it('goes on admitting what it holds, past its time, and says so; refuses what it sees first; looks again when it is back', async () => {
    await expect.poll(async () => (await gate.app.readiness()).ready).toBe(true);
    expect(await gate.pod(IMAGE)).toMatchObject({ ...ADMITTED, warnings: [] });
    gate.now += 60_000;
    line.cut();
    const answer = await gate.pod(IMAGE);
    expect(answer).toMatchObject(ADMITTED);
    expect(answer.warnings.join()).toContain('The API server gave no answer about TrustRecords');
    expect(await gate.counted('stale')).toBe(1);
    expect(await gate.pod(`${GUN}2:v1`)).toMatchObject({ allowed: false, code: 'CLUSTER_UNREACHABLE' });
    line.mend();
    gate.now += 2_000;
    expect(await gate.pod(IMAGE)).toMatchObject({ ...ADMITTED, warnings: [] });
    expect(await gate.pod(`${GUN}2:v1`)).toMatchObject({ allowed: false, code: 'TRUST_NO_DATA' });
  });
});

describe('a gate as a process', () => {
  let gate: RunningGate;
  let web: WebClient;

  const readiness = async () => {
    const { status, text } = await web.ask('GET', '/health/readiness');
    return { status, ...(JSON.parse(text) as { ready: boolean; problems: string[] }) };
  };
  const allowed = async (name: string): Promise<boolean> => {
    const body = reviewOf(workloadOf('Pod', podSpec([`${name}.example/x:1`])));
    const answer = await web.ask('POST', '/admit?timeout=10s', { body });
    return (JSON.parse(answer.text) as { response: { allowed: boolean } }).response.allowed;
  };

  beforeAll(async () => {
    await mkdir(join(folder.path, 'gate'));
    gate = await startGate({
      authority,
      folder: join(folder.path, 'gate'),
      env: { SNAPSHOT: 'cluster', KUBECONFIG: kube.kubeconfig },
    });
    web = webClient(gate.origin, '');
  });
  afterAll(async () => {
    await web?.close();
    await gate?.stop();
  });

  it('admits by what it knows while the API server is away, names the trouble in readiness, and takes what is applied after', async () => {
    expect(await allowed('fifth')).toBe(true);
    await kube.pause();
    await expect.poll(async () => (await readiness()).problems.join('\n')).toContain(`imagepolicies.${GROUP}`);
    expect(await readiness()).toMatchObject({ status: 200, ready: true });
    expect([await allowed('fifth'), await allowed('sixth')]).toEqual([true, false]);
    await kube.resume();
    await apply('sixth');
    await remove('fifth');
    await expect.poll(() => allowed('sixth')).toBe(true);
    await expect.poll(() => allowed('fifth')).toBe(false);
    await expect.poll(readiness).toEqual({ status: 200, ready: true, problems: [] });
  });
});
