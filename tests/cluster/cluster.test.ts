import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePolicies } from './policies.ts';
import {
  apply,
  endPods,
  get,
  isReady,
  kubectl,
  list,
  podsOf,
  readyPods,
  revisionsOf,
  type Thing,
  tryCreate,
  tryKubectl,
} from './support/cluster.ts';
import { deploy, undeploy, writeOverlay } from './support/deploy.ts';
import { admitOnce, type LoadOptions, startLoad, type Tally } from './support/load.ts';
import { policyVersions, startLooking } from './support/looking.ts';
import { mebibytes, memory, startTimes, tell } from './support/numbers.ts';
import { eventually } from './support/shell.ts';
import { TRUST_SERVER } from './support/trust.ts';
import { clusterPolicy, knativeService, WORKLOADS, type Workload, workload } from './support/workloads.ts';
import { openWorld, type World } from './support/world.ts';
import { describeTelling } from './telling.ts';

/** The gate as it is deployed, in the cluster of KUBECONFIG. The tests stand on one another, in this order. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const memoryOf = async (service?: string): Promise<readonly string[]> =>
  Object.entries(await memory(service)).map(([name, bytes]) => `${name} ${mebibytes(bytes)}`);
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
const at = (name: string) => ({ namespace: world.namespace, name });
const pinned = () => `${world.signed.name}@${world.signed.digest}`;
const loadOptions = (callers: number, rest: number): LoadOptions => ({
  namespace: world.namespace,
  signed: world.signed,
  unsigned: world.unsigned.name,
  callers,
  rest,
});
/** A load that is steady, not heavy. */
const steadily = () => startLoad(world.api, loadOptions(8, 50));
const none = (): Tally => ({ admitted: 0, refused: 0, failed: [], wrong: [], slowest: 0 });

/** What a load has to show: that it was one, and that each of its admissions was right. */
function expectFaultless(tally: Tally): void {
  expect(tally.wrong).toEqual([]);
  expect(tally.failed).toEqual([]);
  expect(tally.admitted).toBeGreaterThan(20);
  expect(tally.refused).toBeGreaterThan(5);
}

/** Webhook configurations of ours that are there. */
const webhooksLeft = async (): Promise<readonly (string | undefined)[]> =>
  (
    await list(
      'mutatingwebhookconfigurations,validatingwebhookconfigurations',
      '-l',
      'app.kubernetes.io/name=portieris',
    )
  )
    .map(({ metadata }) => metadata.name)
    .toSorted();
const podsNamed = (app: string) => list('pods', '-n', world.namespace, '-l', `app=${app}`);
const began = ({ status }: Thing): boolean => ['Running', 'Succeeded'].includes(status.phase);

describe('the deployment', () => {
  it('ends with the gate closed, and every pod of it ready', async () => {
    const webhook = await get('mutatingwebhookconfiguration', 'image-admission-config');
    expect(webhook['webhooks'][0].failurePolicy).toBe('Fail');
    expect((await readyPods()).length).toBeGreaterThanOrEqual(3);
    tell('first kubectl apply to the first admission', `${(world.closed / 1000).toFixed(0)} s`);
    tell('pod start to ready (s)', await startTimes());
    tell('memory at rest', await memoryOf());
  });

  it('ends with policies being looked at, by one pod, in nobody’s way', async () => {
    const { webhooks } = await get('validatingwebhookconfiguration', 'portieris-validate');
    expect(webhooks).toMatchObject([{ failurePolicy: 'Ignore', clientConfig: { caBundle: expect.any(String) } }]);
    expect(await readyPods('portieris-validate')).toHaveLength(1);
    tell('first kubectl apply to policies being looked at', `${(world.deployed / 1000).toFixed(0)} s`);
    tell('pod of validate, start to ready (s)', await startTimes('portieris-validate'));
    tell('memory of validate at rest', await memoryOf('portieris-validate'));
  });

  it('runs an image without private keys, packages or rights', async () => {
    const look = `const fs = require('node:fs');
      const files = fs.readdirSync('/app');
      const keys = files.filter((file) => /PRIVATE KEY-----\\s*[A-Za-z0-9+/]{40}/.test(fs.readFileSync('/app/' + file, 'latin1')));
      let written = true;
      try { fs.writeFileSync('/app/new', ''); } catch { written = false; }
      console.log(JSON.stringify({ files, keys, written, user: process.getuid() }));`;
    const [pod = ''] = await readyPods();
    const seen = JSON.parse(
      await kubectl(['exec', '-n', 'portieris', pod, '-c', 'portieris', '--', 'node', '-e', look]),
    );
    expect(seen).toMatchObject({ keys: [], written: false });
    expect(seen.user).toBeGreaterThan(0);
    expect(seen.files).toContain('serve.js');
    expect(seen.files).not.toContain('node_modules');
  });

  it('of the same again makes no new Revision', async () => {
    const revisions = async () => [...(await revisionsOf()), ...(await revisionsOf('portieris-validate'))];
    const before = await revisions();
    await deploy(world.overlay.path);
    expect(await revisions()).toEqual(before);
  });
});

describe('every kind', () => {
  it.each(WORKLOADS)('a %s with a signed image runs, its digest pinned', async (kind: Workload) => {
    const name = `signed-${kind.toLowerCase()}`;
    await apply(workload(kind, at(name), world.signed.name));
    const [pod] = await eventually(`${kind} ${name} has a pod that runs`, 120, async () => {
      const pods = (await podsNamed(name)).filter(began);
      return pods.length > 0 ? pods : undefined;
    });
    expect(pod?.['spec'].containers[0].image).toBe(pinned());
    if (kind !== 'Pod') await kubectl(['delete', kind.toLowerCase(), '-n', world.namespace, name, '--wait=false']);
  });

  it.each(WORKLOADS)('a %s with an unsigned image is refused', async (kind: Workload) => {
    const { code, stderr } = await tryCreate(workload(kind, at('unsigned'), world.unsigned.name));
    expect(code).not.toBe(0);
    expect(stderr).toContain('TRUST_NOT_SIGNED');
  });

  it("a user's Knative Service with a signed image runs, by digest", async () => {
    await apply(knativeService(at('signed-service'), world.signed.name));
    await kubectl(['wait', '-n', world.namespace, 'ksvc/signed-service', '--for=condition=Ready', '--timeout=180s']);
    const images = (await podsNamed('signed-service-00001')).map(({ spec }) => spec.containers[0].image as string);
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) expect(image.endsWith(`@${world.signed.digest}`)).toBe(true);
    await kubectl(['delete', 'ksvc', '-n', world.namespace, 'signed-service', '--wait=false']);
  });

  it("a user's Knative Service with an unsigned image gets no pod", async () => {
    await apply(knativeService(at('unsigned-service'), world.unsigned.name));
    await eventually('an event says why', 120, async () => {
      const events = await list('events', '-n', world.namespace);
      return events.find(({ message }) => message?.includes('TRUST_NOT_SIGNED'));
    });
    expect(await podsNamed('unsigned-service-00001')).toEqual([]);
    await kubectl(['delete', 'ksvc', '-n', world.namespace, 'unsigned-service', '--wait=false']);
  });

  it('kubectl debug with an unsigned image is refused, with a signed one it is not', async () => {
    const debug = (image: string) =>
      tryKubectl([
        'debug',
        '-n',
        world.namespace,
        'signed-pod',
        `--image=${image}`,
        '--container=look',
        '--attach=false',
      ]);
    const refused = await debug(world.unsigned.name);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('TRUST_NOT_SIGNED');
    expect((await debug(world.signed.name)).stderr).not.toContain('denied');
    const pod = await get('pod', '-n', world.namespace, 'signed-pod');
    expect(pod['spec'].ephemeralContainers.map(({ image }: { image: string }) => image)).toEqual([pinned()]);
  });
});

describePolicies(() => world);
describeTelling(() => world);

describe('an edited policy', () => {
  /** Asks one replica, by the API server's way to the pod. */
  async function ask(pod: string, image: string): Promise<boolean | undefined> {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'ask',
        operation: 'CREATE',
        namespace: world.namespace,
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        dryRun: true,
        object: workload('Pod', at('ask'), image),
      },
    };
    const path = `/api/v1/namespaces/portieris/pods/https:${pod}:9443/proxy/admit?timeout=10s`;
    return (await world.api.post(path, review)).body.response?.allowed;
  }

  it('counts at once on every replica, both ways', async () => {
    const image = world.unsigned.name;
    const replicas = await readyPods();
    expect(replicas.length).toBeGreaterThanOrEqual(3);
    const everywhere = (allowed: boolean) =>
      eventually(`each replica answers ${allowed}`, 5, async () => {
        const answers = await Promise.all(replicas.map((pod) => ask(pod, image)));
        return answers.every((answer) => answer === allowed) || undefined;
      });
    await everywhere(false);
    for (const allowed of [true, false]) {
      const trustServer = allowed ? undefined : TRUST_SERVER;
      await apply(clusterPolicy('e2e-edited', `${world.repository}/app:unsigned`, trustServer));
      const started = performance.now();
      await everywhere(allowed);
      tell(
        `kubectl apply of a policy to its counting on ${replicas.length} replicas`,
        `${Math.round(performance.now() - started)} ms`,
      );
    }
    await kubectl(['delete', 'clusterimagepolicy.portieris.cloud.ibm.com', 'e2e-edited']);
  });
});

describe('under steady admissions', () => {
  it('the gate grows with its load', async () => {
    const before = (await readyPods()).length;
    const load = startLoad(world.api, loadOptions(40, 0));
    const started = performance.now();
    try {
      await eventually('more pods are ready', 180, async () => (await readyPods()).length > before || undefined);
      tell(
        'pods under load',
        `${before} to ${(await readyPods()).length} in ${((performance.now() - started) / 1000).toFixed(0)} s`,
      );
      await pause(15_000);
    } finally {
      tell('memory under load', await memoryOf());
      const tally = await load.stop();
      const seconds = (performance.now() - started) / 1000;
      tell(
        'admissions under load',
        `${((tally.admitted + tally.refused) / seconds).toFixed(0)} a second, the slowest ${tally.slowest.toFixed(0)} ms`,
      );
      expectFaultless(tally);
    }
  });

  it('a rollout fails none, no policy goes by unseen, and no older revision lives on', async () => {
    const load = steadily();
    const looking = startLooking(world.api);
    await pause(2000);
    const services = ['portieris', 'portieris-validate'];
    const before = (await Promise.all(services.map(revisionsOf))).flat();
    const versions = await policyVersions();
    await writeOverlay({ ...world.deployment, logLevel: 'debug' });
    await deploy(world.overlay.path);
    await eventually('the pods of the older revisions are gone', 240, async () => {
      const old = (await Promise.all(services.map(podsOf)))
        .flat()
        .filter(({ metadata }) =>
          before.includes((metadata['labels'] as Record<string, string>)['serving.knative.dev/revision'] ?? ''),
        );
      return old.length === 0 || undefined;
    });
    for (const service of services) {
      const revisions = await revisionsOf(service);
      expect(revisions).toHaveLength(1);
      expect(before).not.toContain(revisions[0]);
    }
    expectFaultless(await load.stop());
    expect((await looking.stop()).passed).toEqual([]);
    // The older and the newer pod of validate found the same: neither wrote what the other had written.
    expect(await policyVersions()).toEqual(versions);
  });

  it('a rotation of both certificates fails none, no policy goes by unseen, and each is left with one new authority', async () => {
    const bundles = () =>
      Promise.all(
        [
          ['mutatingwebhookconfiguration', 'image-admission-config'],
          ['validatingwebhookconfiguration', 'portieris-validate'],
        ].map(async (names) => {
          const { webhooks } = await get(...names);
          return Buffer.from(webhooks[0].clientConfig.caBundle, 'base64').toString().trim();
        }),
      );
    const before = await bundles();
    const load = steadily();
    const looking = startLooking(world.api);
    const job = JSON.parse(
      await kubectl([
        'create',
        'job',
        'e2e-rotation',
        '-n',
        'portieris',
        '--from=cronjob/portieris-certificates',
        '--dry-run=client',
        '-o',
        'json',
      ]),
    );
    for (const { args } of job.spec.template.spec.containers)
      args.push('--rotate', '--overlap', '30', '--settle', '150');
    await apply(job);
    await kubectl(['wait', '-n', 'portieris', 'job/e2e-rotation', '--for=condition=Complete', '--timeout=400s']);
    await pause(5000);
    expectFaultless(await load.stop());
    const after = await bundles();
    for (const bundle of after) {
      expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
      expect(before).not.toContain(bundle);
    }
    expect(after[0]).not.toBe(after[1]);
    const { refused, passed } = await looking.stop();
    expect(passed).toEqual([]);
    expect(refused).toBeGreaterThan(100);
    await kubectl(['delete', 'job', '-n', 'portieris', 'e2e-rotation', '--wait=false']);
  });

  it('the deletion of one pod fails none', async () => {
    const load = steadily();
    await pause(2000);
    const [first = ''] = await readyPods();
    await endPods([first], 'gracefully');
    await eventually('the pod is gone', 200, async () => {
      return (await podsOf()).every(({ metadata }) => metadata.name !== first) || undefined;
    });
    expectFaultless(await load.stop());
  });

  it("the deletion of every leader of Knative fails none: the gate's own pods have no leader", async () => {
    const leases = await list('leases', '-n', 'knative-serving');
    const holders = new Set(leases.map(({ spec }) => String(spec.holderIdentity ?? '').split('_')[0]));
    const leaders = (await list('pods', '-n', 'knative-serving')).filter(({ metadata }) => holders.has(metadata.name));
    expect(leaders.length).toBeGreaterThan(0);
    expect(await list('leases', '-n', 'portieris')).toEqual([]);
    const load = steadily();
    await pause(2000);
    await kubectl([
      'delete',
      'pods',
      '-n',
      'knative-serving',
      '--wait=false',
      ...leaders.map(({ metadata }) => metadata.name ?? ''),
    ]);
    await eventually('Knative is back', 180, async () => {
      const pods = await list('pods', '-n', 'knative-serving');
      return (pods.length > 0 && pods.every(isReady)) || undefined;
    });
    expectFaultless(await load.stop());
  });

  it('all pods killed at once: refused meanwhile outside the exempt namespaces, and back without help', async () => {
    const load = steadily();
    await pause(2000);
    const started = performance.now();
    await endPods(
      (await podsOf()).map(({ metadata }) => metadata.name ?? ''),
      'by force',
    );
    await eventually(
      'the first refusal for want of an answer',
      30,
      async () => load.tally.failed.length > 0 || undefined,
    );
    const exempt = await tryKubectl(
      ['create', '--dry-run=server', '-f', '-'],
      JSON.stringify(workload('Pod', { namespace: 'kube-system', name: 'exempt' }, world.unsigned.name)),
    );
    expect(exempt.stderr).toBe('');
    await eventually('thirty admissions in a row are right', 240, async () => {
      const tally = none();
      for (let count = 0; count < 30 && tally.failed.length === 0; count++) {
        await admitOnce(world.api, loadOptions(1, 0), count % 4 !== 0, tally);
      }
      return tally.failed.length === 0 || undefined;
    });
    tell('all pods killed to thirty admissions in a row', `${((performance.now() - started) / 1000).toFixed(1)} s`);
    const { wrong, failed } = await load.stop();
    expect(wrong).toEqual([]);
    // Nobody answered, or a pod that had just begun said that it could not tell (503); never a verdict on the image.
    const refusals = failed.filter((message) => !/failed calling webhook| 503 admission webhook /.test(message));
    expect(refusals).toEqual([]);
  });
});

describe('the uninstallation', () => {
  it('takes the webhooks first and leaves nothing that refuses', async () => {
    await undeploy(world.overlay.path);
    expect(await webhooksLeft()).toEqual([]);
    expect((await tryCreate(workload('Pod', at('free'), world.unsigned.name))).stderr).toBe('');
    await kubectl(['wait', '--for=delete', 'namespace/portieris', '--timeout=300s']);
    expect((await tryKubectl(['get', 'clusterimagepolicies'])).code).not.toBe(0);
  });
});

describe('an installation without the function that looks at policies', () => {
  const applyInvalid = () =>
    tryKubectl(['apply', '-f', '-'], JSON.stringify(clusterPolicy('e2e-invalid', 'quay.io/UPPER')));
  const refusesUnsigned = async () =>
    (await tryCreate(workload('Pod', at('refused'), world.unsigned.name))).stderr.includes('denied the request');

  it('closes the gate, and looks at no policy', async () => {
    await writeOverlay({ ...world.deployment, validate: 'left out' });
    await deploy(world.overlay.path);
    expect(await refusesUnsigned()).toBe(true);
    expect(await webhooksLeft()).toEqual(['image-admission-config']);
    expect(await applyInvalid()).toMatchObject({ code: 0, stderr: '' });
  });

  it('is left closed and whole by one that cannot start: the deployment says so, and policies can be written', async () => {
    const before = await revisionsOf();
    await writeOverlay({ ...world.deployment, validate: 'broken' });
    await expect(deploy(world.overlay.path, 30)).rejects.toThrow(
      /the Knative Service portieris-validate is not ready: .*; the gate is closed, and policies can be written/s,
    );
    expect(await revisionsOf()).toEqual(before);
    expect(await refusesUnsigned()).toBe(true);
    expect(await applyInvalid()).toMatchObject({ code: 0, stderr: '' });
  });

  it('is joined by one that can, which tells of the policies that were there, and the gate stays as it is', async () => {
    const before = await revisionsOf();
    await writeOverlay(world.deployment);
    await deploy(world.overlay.path);
    expect(await revisionsOf()).toEqual(before);
    expect(await revisionsOf('portieris-validate')).toHaveLength(1);
    await eventually('the policy tells of itself', 60, async () => {
      const { status } = await get('clusterimagepolicy.portieris.cloud.ibm.com', 'e2e-invalid');
      return status?.conditions[0].reason === 'Invalid' || undefined;
    });
  });

  it('and both go with the namespace alone, their webhooks too', async () => {
    expect(await webhooksLeft()).toEqual(['image-admission-config', 'portieris-validate']);
    await kubectl(['delete', 'namespace', 'portieris', '--timeout=300s']);
    await eventually(
      'the webhook configurations are gone',
      60,
      async () => (await webhooksLeft()).length === 0 || undefined,
    );
    await undeploy(world.overlay.path);
  });
});
