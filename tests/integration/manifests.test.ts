import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseCommand } from '../../functions/certs/command.ts';
import { KubeStore } from '../../functions/certs/kube.ts';
import { orderOf } from '../../functions/certs/main.ts';
import { rotate } from '../../functions/certs/rotate.ts';
import { parseConfig } from '../../functions/config.ts';
import { openCluster } from '../../functions/io/cluster.ts';
import { POLICY_GROUPS } from '../../functions/io/objects.ts';
import { openLog } from '../../functions/log.ts';
import { CONTROLLER, microTime } from '../../functions/notify/event.ts';
import type { RememberedTrust } from '../../functions/ports.ts';
import { WORKLOAD_KINDS } from '../../functions/request/workload.ts';
import { openValidate } from '../../functions/validate/app.ts';
import { kubeconfigOf } from '../support/kube.ts';
import { type Authority, makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeAnswer, type KubeObject } from './support/kubeclient.ts';
import { render, serverApply } from './support/manifests.ts';
import { type Recorder, startRecorder } from './support/recorder.ts';

/** What is under knative/, rendered by kustomize and shown to a real API server that has Knative's own CRD. */

const NAMESPACE = 'portieris';
const KNATIVE_CRD = resolve(import.meta.dirname, '../fixtures/knative/service.yaml');
const OVERLAYS = [
  'knative/overlays/default',
  'knative/overlays/cert-manager',
  'knative/overlays/default/webhook',
  'knative/overlays/cert-manager/webhook',
  'knative/policies',
];

/** A CRD of Knative Eventing with the fields that our manifests use, by its documentation: what is none of them, the API server refuses. */
const eventingCrd = (group: string, kind: string, spec: object): KubeObject => {
  const singular = kind.toLowerCase();
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, singular, plural: `${singular}s` },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
};
const TEXT = { type: 'string', minLength: 1 };
const texts = { type: 'object', additionalProperties: TEXT };
const fields = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
});
const REFERENCE = fields({ apiVersion: TEXT, kind: TEXT, namespace: TEXT, name: TEXT });
const DESTINATION = fields({ ref: REFERENCE });
const eventing = [
  eventingCrd('eventing.knative.dev', 'Broker', fields({}, [])),
  eventingCrd(
    'eventing.knative.dev',
    'Trigger',
    fields({ broker: TEXT, filter: fields({ attributes: texts }), subscriber: DESTINATION }),
  ),
  eventingCrd(
    'sources.knative.dev',
    'SinkBinding',
    fields({ subject: REFERENCE, sink: DESTINATION, ceOverrides: fields({ extensions: texts }) }),
  ),
];

let folder: TemporaryFolder;
let authority: Authority;
let kube: KubeServer;
let installed: readonly KubeObject[];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Every right of a role: `verb group/resource`. */
const rightsOf = (role: KubeObject | undefined): string[] =>
  ((role?.['rules'] ?? []) as Rule[]).flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  );
const object = (kind: string, name: string): KubeObject | undefined =>
  installed.find((one) => one.kind === kind && one.metadata.name === name);

/** Any field of an object. */
const anyOf = (one: KubeObject | undefined): KubeAnswer['body'] => one;
const jobContainers = (job: KubeObject | undefined): { readonly name: string; readonly args: string[] }[] =>
  anyOf(job).spec.jobTemplate.spec.template.spec.containers;

async function applyAll(objects: readonly KubeObject[]): Promise<void> {
  for (const one of objects) {
    const { status, body } = await serverApply(kube.client, one, false);
    if (status >= 300) throw new Error(`${one.kind} ${one.metadata.name}: ${body.message}`);
  }
}

/** The recorder in front of the API server, as one ServiceAccount of the manifests. */
async function recorderAs(account: string): Promise<Recorder> {
  const path = `${collectionPath('v1', 'serviceaccounts', NAMESPACE)}/${account}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: {} };
  const { status } = (await kube.client.create(path, request)) as { status: { token: string } };
  return startRecorder(kube.origin, authority.certificate, status.token);
}

const seenAt = (version: number): RememberedTrust => ({
  server: 'https://notary.test',
  gun: 'registry.test/app',
  rootKeyIds: ['ab'.repeat(32)],
  versions: new Map([['root', version]]),
  expires: Date.now() + 3_600_000,
});

/** An overlay of the repository with components, as an operator's own overlay has them. */
async function renderWith(overlay: string, components: readonly string[]): Promise<readonly KubeObject[]> {
  const own = join(folder.path, `${components.join('-')}-${overlay.replace('/', '-')}`);
  await mkdir(own, { recursive: true });
  const to = relative(await realpath(own), resolve(import.meta.dirname, '../../knative'));
  const text = stringify({
    kind: 'Kustomization',
    sortOptions: { order: 'fifo' },
    resources: [`${to}/overlays/${overlay}`],
    components: components.map((component) => `${to}/components/${component}`),
  });
  await writeFile(join(own, 'kustomization.yaml'), text);
  return render(own);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let count = 0; count < 600; count++) {
    if (await holds()) return;
    await new Promise<void>((done) => setTimeout(done, 50));
  }
  throw new Error(`${what}: not within 30 s`);
}

beforeAll(async () => {
  folder = await temporaryFolder('manifests');
  authority = makeAuthority('manifests test');
  kube = await startKube({ authority, folder: join(folder.path, 'kube') });
  const knative = parse(await readFile(KNATIVE_CRD, 'utf8')) as KubeObject;
  const policies = await render('policies/crds');
  await applyAll([knative, ...eventing, ...policies]);
  for (const name of [NAMESPACE, 'knative-serving']) await kube.client.namespace(name);
  for (const crd of [knative, ...eventing, ...policies]) {
    const path = `${collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions')}/${crd.metadata.name}`;
    await until(`${crd.metadata.name} is established`, async () => {
      const { status } = (await kube.client.read(path)) as {
        status?: { conditions?: { type: string; status: string }[] };
      };
      return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') ?? false;
    });
  }
  installed = await render('knative/overlays/default');
});
afterAll(async () => {
  await kube?.stop();
  await folder?.remove();
});

describe('the manifests', () => {
  it.each(OVERLAYS)('of %s are accepted by the API server, every field of them', async (overlay) => {
    const objects = (await render(overlay)).filter(({ apiVersion }) => !apiVersion.startsWith('cert-manager.io/'));
    const refused: string[] = [];
    for (const one of objects) {
      const { status, body } = await serverApply(kube.client, one, true);
      if (status >= 300) refused.push(`${one.kind} ${one.metadata.name}: ${body.message}`);
    }
    expect(refused).toEqual([]);
    expect(objects.length).toBeGreaterThan(0);
  });

  it('name the webhooks first, so that they are the first to go', () => {
    const [gate, adviser] = installed;
    expect([gate?.kind, adviser?.kind]).toEqual(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);
    for (const shell of [gate, adviser]) expect(shell?.['webhooks']).toBeUndefined();
  });

  it('give both Knative Services the names that kustomize gives their ConfigMaps', () => {
    const maps = installed.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => String(metadata.name));
    const services = installed.filter(({ apiVersion }) => apiVersion.startsWith('serving.knative.dev'));
    expect(services.map(({ metadata }) => metadata.name)).toEqual(['portieris', 'portieris-validate']);
    expect(maps).toHaveLength(2);
    for (const service of services) for (const name of maps) expect(JSON.stringify(service)).toContain(`"${name}"`);
  });

  it.each([
    ['log-level', 'default'],
    ['enforcement-mode', 'default'],
    ['min-scale', 'default'],
    ['trust-ca', 'default'],
    ['trust-roots', 'default'],
    ['first-use', 'default'],
    ['grace', 'default'],
    ['exempt-namespaces', 'default/webhook'],
    ['alerts', 'default'],
  ])('are changed by the component %s, and accepted with it', async (component, overlay) => {
    const changed = await renderWith(overlay, [component]);
    expect(changed).not.toEqual(await render(`knative/overlays/${overlay}`));
    for (const one of changed) expect((await serverApply(kube.client, one, true)).status).toBeLessThan(300);
  });

  it('hold the gate and nothing else with the component without-validate, and leave the gate as it is', async () => {
    const all = await renderWith('default', ['monitoring']);
    const gate = await renderWith('default', ['monitoring', 'without-validate']);
    const named = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
    const kept = new Set(gate.map(named));
    expect(all.map(named).filter((name) => !kept.has(name))).toEqual([
      'ValidatingWebhookConfiguration portieris-validate',
      'ServiceAccount portieris-validate',
      'ClusterRole portieris-validate',
      'ClusterRoleBinding portieris-validate',
      'Service portieris-validate',
      'Service portieris-validation',
      'PodMonitor portieris-validate',
      'PrometheusRule portieris-validate',
    ]);
    const changed = gate.filter((one) => !all.some((other) => isDeepStrictEqual(one, other)));
    expect(changed.map(named)).toEqual(['CronJob portieris-certificates']);
    expect(jobContainers(changed[0]).map(({ name }) => name)).toEqual(['certificates']);
  });

  it('of overlays/cert-manager have each caBundle filled from the certificate that is served behind it', async () => {
    const objects = await render('knative/overlays/cert-manager');
    expect(objects.filter(({ metadata }) => metadata.name === 'portieris-certificates')).toEqual([]);
    const mounted = objects
      .filter(({ apiVersion }) => apiVersion.startsWith('serving.knative.dev'))
      .map((service) => anyOf(service).spec.template.spec.volumes[0].secret.secretName);
    for (const [index, hook] of (await render('knative/overlays/cert-manager/webhook')).entries()) {
      const { metadata, webhooks } = anyOf(hook);
      const [, name] = metadata.annotations['cert-manager.io/inject-ca-from'].split('/');
      const certificate = anyOf(objects.find((one) => one.kind === 'Certificate' && one.metadata.name === name));
      const { service } = webhooks[0].clientConfig;
      expect(certificate.spec.secretName).toBe(mounted[index]);
      expect(certificate.spec.dnsNames).toEqual([`${service.name}.${service.namespace}.svc`]);
    }
  });
});

describe('the rights', () => {
  it('of the gate are those that its code uses, and no other', async () => {
    await applyAll(
      installed.filter(({ apiVersion, kind }) => apiVersion.startsWith('rbac') || kind === 'ServiceAccount'),
    );
    const recorder = await recorderAs('portieris');
    const kubeconfig = join(folder.path, 'gate.kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf(recorder.origin), { mode: 0o600 });
    const source = await openCluster({ kubeconfig, log: openLog('error'), clock: { now: () => Date.now() } });
    try {
      await until('the gate is ready', () => source.readiness().ready);
      const signal = AbortSignal.timeout(20_000);
      await source.secret(NAMESPACE, 'pull', signal);
      await source.pullSecretsOf(NAMESPACE, 'nobody', signal);
      for (const { group, kind } of WORKLOAD_KINDS) {
        const reference = { apiVersion: group === '' ? 'v1' : `${group}/v1`, kind, name: 'web', uid: 'uid' };
        await source.owner(NAMESPACE, reference, signal);
      }
      await source.events?.create({
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'rights', namespace: NAMESPACE },
        eventTime: microTime(Date.now()),
        reportingController: CONTROLLER,
        reportingInstance: 'test',
        action: 'Refuse',
        reason: 'TRUST_NOT_SIGNED',
        regarding: { apiVersion: 'v1', kind: 'Namespace', name: NAMESPACE, namespace: NAMESPACE },
        type: 'Warning',
      });
      await source.events?.count(NAMESPACE, 'rights', { count: 2, lastObservedTime: microTime(Date.now()) });
      // The first is created, the second updated.
      for (const version of [1, 2]) await source.memory?.remember(seenAt(version), undefined, signal);
      await until(
        'every watch is open',
        () => [...recorder.used].filter((right) => right.startsWith('watch')).length >= 6,
      );
    } finally {
      await source.close();
      await recorder.close();
    }
    expect(recorder.forbidden).toEqual([]);
    expect([...recorder.used].toSorted()).toEqual(rightsOf(object('ClusterRole', 'portieris')).toSorted());
  });

  it('of the function that looks at policies are those that its code uses, and no other', async () => {
    const recorder = await recorderAs('portieris-validate');
    const kubeconfig = join(folder.path, 'validate.kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf(recorder.origin), { mode: 0o600 });
    for (const [plural, kind] of [
      ['imagepolicies', 'ImagePolicy'],
      ['clusterimagepolicies', 'ClusterImagePolicy'],
    ] as const) {
      for (const { group, version } of POLICY_GROUPS) {
        const policy = { trust: { enabled: true, signerSecrets: [{ name: 'alice', namespace: NAMESPACE }] } };
        await kube.client.create(
          collectionPath(`${group}/${version}`, plural, kind === 'ImagePolicy' ? NAMESPACE : undefined),
          {
            apiVersion: `${group}/${version}`,
            kind,
            metadata: { name: 'rights' },
            spec: { repositories: [{ name: 'registry.test/*', policy }] },
          },
        );
      }
    }
    const config = parseConfig({ SNAPSHOT: 'cluster' });
    const app = await openValidate(config, { kubeconfig, log: openLog('error') });
    try {
      await until('every status is written', async () => {
        const { text } = await app.metrics();
        return /outcome="written"\} ([4-9]|\d\d)/.test(text);
      });
      await until(
        'every watch is open',
        () => [...recorder.used].filter((right) => right.startsWith('watch')).length >= 4,
      );
    } finally {
      await app.close();
      await recorder.close();
    }
    expect(recorder.forbidden).toEqual([]);
    expect([...recorder.used].toSorted()).toEqual(rightsOf(object('ClusterRole', 'portieris-validate')).toSorted());
  });

  it('of the certificate job are those that its code uses, and no other, on its own objects alone', async () => {
    await applyAll(await render('knative/overlays/default/webhook'));
    const recorder = await recorderAs('portieris-certificates');
    const config = new KubeConfig();
    config.loadFromString(kubeconfigOf(recorder.origin));
    for (const { args } of jobContainers(object('CronJob', 'portieris-certificates'))) {
      const command = parseCommand(args.slice(1));
      const store = new KubeStore(command, config);
      const run = (force: boolean) =>
        rotate(
          {
            order: orderOf(command),
            schedule: { renewBefore: command.renewBefore, overlap: 0, settle: 0, force },
            patience: 60_000,
          },
          { store, now: Date.now, sleep: async () => undefined, report: () => undefined },
        );
      await run(false);
      await run(true);
    }
    await recorder.close();
    expect(recorder.forbidden).toEqual([]);
    const roles = ['Role', 'ClusterRole'].map((kind) => object(kind, 'portieris-certificates'));
    expect([...recorder.used].toSorted()).toEqual([...new Set(roles.flatMap(rightsOf))].toSorted());
    for (const role of roles) {
      for (const rule of (role?.['rules'] ?? []) as { verbs: string[]; resourceNames?: string[] }[]) {
        if (!rule.verbs.includes('create')) expect(rule.resourceNames?.length).toBeGreaterThan(0);
      }
    }
  });
});
