import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { digestOf, KIND_NAMES, KINDS, type KindName, podSpec, workloadOf } from '../support/review.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type RunningGate, startGate } from './support/gate.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeAnswer, type KubeObject } from './support/kubeclient.ts';
import { type NotaryUser, notaryUser } from './support/notary.ts';
import { startNotaryServer } from './support/notaryserver.ts';

/** The gate in its place: a real API server calls it through a webhook configuration, and it asks a real notary-server. */

const GUN = 'registry.test/team/app';
const SIGNED = `${GUN}:v1`;
const DIGEST = digestOf('a');
const CRDS = resolve(import.meta.dirname, '../../policies/crds');
const GROUPS = { current: 'portieris.cloud.ibm.com/v1', legacy: 'securityenforcement.admission.cloud.ibm.com/v1beta1' };

let folder: TemporaryFolder;
let kube: KubeServer;
let notary: Awaited<ReturnType<typeof startNotaryServer>>;
let user: NotaryUser;
let gate: RunningGate;
const signerKeys = new Map<string, string>();

const sha = (digest: string): string => digest.replace('sha256:', '');
const namespacePath = (apiVersion: string, plural: string, namespace = 'team') =>
  collectionPath(apiVersion, plural, namespace);

async function applyCrds(): Promise<void> {
  const files = (await readdir(CRDS)).filter((name) => name.includes('.') && !name.startsWith('kustomization'));
  for (const file of files) {
    const crd = parse(await readFile(join(CRDS, file), 'utf8')) as KubeObject;
    await kube.client.create(collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions'), crd);
  }
}

const webhook = (url: string, ca: string): KubeObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'image-admission-config' },
  webhooks: [
    {
      name: 'trust.hooks.securityenforcement.admission.cloud.ibm.com',
      clientConfig: { url, caBundle: Buffer.from(ca).toString('base64') },
      admissionReviewVersions: ['v1', 'v1beta1'],
      sideEffects: 'NoneOnDryRun',
      failurePolicy: 'Fail',
      timeoutSeconds: 10,
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
      },
      rules: [
        {
          apiGroups: ['', 'apps', 'batch'],
          apiVersions: ['*'],
          operations: ['CREATE', 'UPDATE'],
          resources: [...KIND_NAMES.map((kind) => KINDS[kind].resource), 'pods/ephemeralcontainers'],
        },
      ],
    },
  ],
});

const policyOf = (apiVersion: string, kind: string, name: string, repositories: JsonValue[]): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name },
  spec: { repositories },
});
const trusting = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  policy: { trust: { enabled: true, ...more } },
});

let count = 0;
/** A workload that the API server itself accepts, under a name of its own. */
function workload(kind: KindName, spec: JsonObject): KubeObject {
  count += 1;
  const pod = kind === 'Job' || kind === 'CronJob' ? { restartPolicy: 'Never', ...spec } : spec;
  const object = workloadOf(kind, pod) as unknown as KubeObject;
  const named = { ...object, metadata: { name: `w${count}` } };
  if (kind === 'Job') delete (named as unknown as { spec: JsonObject }).spec['selector'];
  if (kind === 'CronJob') {
    delete (named as unknown as { spec: { jobTemplate: { spec: JsonObject } } }).spec.jobTemplate.spec['selector'];
  }
  if (kind === 'ReplicationController') (named as unknown as { spec: JsonObject }).spec['selector'] = { app: 'web' };
  return named;
}

const pathOf = (kind: KindName, namespace?: string): string => {
  const { group, version, resource } = KINDS[kind];
  return namespacePath(group === '' ? version : `${group}/${version}`, resource, namespace);
};
const submit = (kind: KindName, spec: JsonObject, namespace?: string): Promise<KubeAnswer> =>
  kube.client.call('POST', pathOf(kind, namespace), workload(kind, spec));

/** The pod spec of a stored object, found by the kind's pointer. */
const storedSpec = (kind: KindName, object: JsonObject): JsonObject =>
  KINDS[kind].podSpec
    .split('/')
    .slice(1)
    .reduce((at, step) => at[step] as JsonObject, object);

/** Asks until the answer is the wanted one: what was applied reaches the gate by its watch, some milliseconds later. */
async function soon(ask: () => Promise<KubeAnswer>, wanted: (answer: KubeAnswer) => boolean): Promise<KubeAnswer> {
  let answer = await ask();
  for (let tries = 0; tries < 100 && !wanted(answer); tries += 1) {
    await pause(50);
    answer = await ask();
  }
  return answer;
}

beforeAll(async () => {
  folder = await temporaryFolder('admission');
  const authority = makeAuthority('admission test');
  const room = async (name: string): Promise<string> => {
    const path = join(folder.path, name);
    await mkdir(path);
    return path;
  };
  notary = await startNotaryServer({ authority, folder: await room('notary') });
  user = await notaryUser({ folder: await room('user'), origin: notary.origin, authorityFile: notary.authorityFile });
  await user.init(GUN);
  for (const name of ['alice', 'bob']) {
    const pair = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const [secret, open] = [join(folder.path, `${name}.key`), join(folder.path, `${name}.pub`)];
    await writeFile(secret, pair.privateKey, { mode: 0o600 });
    await writeFile(open, pair.publicKey);
    signerKeys.set(name, pair.publicKey);
    await user.importKey(secret, `targets/${name}`);
    await user.delegate(GUN, `targets/${name}`, [open]);
    await user.delegate(GUN, 'targets/releases', [open]);
  }
  const releases = ['targets/releases', 'targets/alice'];
  await user
    .sign(GUN, { name: 'v1', sha256: sha(DIGEST), length: 1000 }, [...releases, 'targets/bob'])
    .catch(async (error) => {
      process.stderr.write(await notary.log());
      throw error;
    });
  await user.sign(GUN, { name: 'v2', sha256: sha(digestOf('b')), length: 1000 }, releases);
  kube = await startKube({ authority, folder: await room('kube') });
  await applyCrds();
  gate = await startGate({
    authority,
    folder: await room('gate'),
    env: {
      SNAPSHOT: 'cluster',
      KUBECONFIG: kube.kubeconfig,
      TRUST_CA_FILE: notary.authorityFile,
      TRUST_SERVERS: `registry.test=${notary.origin}`,
    },
  });
  for (const name of ['team', 'payments', 'legacy']) await kube.client.namespace(name);
  const path = collectionPath('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations');
  await kube.client.create(path, webhook(gate.url, authority.certificate));
  await kube.client.create(
    collectionPath(GROUPS.current, 'clusterimagepolicies'),
    policyOf(GROUPS.current, 'ClusterImagePolicy', 'default', [
      trusting('registry.test/*'),
      { name: 'registry.test/free/*' },
    ]),
  );
  await soon(
    () => submit('Pod', podSpec([SIGNED])),
    ({ status }) => status === 201,
  );
});

afterAll(async () => {
  await gate?.stop();
  await kube?.stop();
  await notary?.stop();
  await folder?.remove();
});

describe.each(KIND_NAMES)('a %s', (kind) => {
  it('is stored with the signed digest in every place that names the image', async () => {
    const spec = podSpec([SIGNED, 'registry.test/free/tool:1'], { initContainers: [{ name: 'init', image: SIGNED }] });
    const { status, body } = await submit(kind, spec);
    expect(body.message).toBeUndefined();
    expect(status).toBe(201);
    const stored = storedSpec(kind, await kube.client.read(`${pathOf(kind)}/${body.metadata.name}`));
    expect(stored).toMatchObject({
      containers: [{ image: `${SIGNED}@${DIGEST}` }, { image: 'registry.test/free/tool:1' }],
      initContainers: [{ image: `${SIGNED}@${DIGEST}` }],
    });
  });

  it('is refused with our message for one image that nobody signed', async () => {
    const { status, body } = await submit(kind, podSpec([SIGNED, `${GUN}:nightly`]));
    expect(status).toBe(403);
    expect(body.message).toContain('trust.hooks.securityenforcement.admission.cloud.ibm.com');
    const field = `${KINDS[kind].podSpec.slice(1).replaceAll('/', '.')}.containers[1].image`;
    expect(body.message).toContain(`${field}: image "${GUN}:nightly" is refused [TRUST_NOT_SIGNED]`);
  });
});

describe('an admission through the API server', () => {
  it('names every failing image of a workload', async () => {
    const { body } = await submit('Pod', podSpec([`${GUN}:x1`, 'docker.io/library/nginx:1', SIGNED]));
    expect(body.message).toContain('2 of 3 images are refused');
    expect(body.message).toContain('spec.containers[0].image');
    expect(body.message).toContain(
      'spec.containers[1].image: image "docker.io/library/nginx:1" is refused [POLICY_NO_MATCH]',
    );
  });

  it('refuses an image volume that nobody signed', async () => {
    const volumes = [{ name: 'data', image: { reference: `${GUN}:unsigned`, pullPolicy: 'Always' } }];
    const { status, body } = await submit('Pod', podSpec([SIGNED], { volumes }));
    expect(status).toBe(403);
    expect(body.message).toContain('spec.volumes[0].image.reference');
  });

  it('refuses kubectl debug with an unsigned image and lets a signed one in, pinned', async () => {
    const { body: pod } = await submit('Pod', podSpec([SIGNED]));
    const path = `${pathOf('Pod')}/${pod.metadata.name}/ephemeralcontainers`;
    const debug = (image: string) =>
      kube.client.call(
        'PATCH',
        path,
        { spec: { ephemeralContainers: [{ name: 'debug', image }] } },
        {
          'content-type': 'application/strategic-merge-patch+json',
        },
      );
    expect(await debug(`${GUN}:debug`)).toMatchObject({ status: 403 });
    const { status, body } = await debug(SIGNED);
    expect(status).toBe(200);
    expect(body.spec.ephemeralContainers[0].image).toBe(`${SIGNED}@${DIGEST}`);
  });

  it('does not believe an owner that does not exist', async () => {
    const pod = workload('Pod', podSpec([`${GUN}:evil`]));
    const ownerReferences = [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'made-up',
        uid: '11111111-2222-3333-4444-555555555555',
        controller: true,
      },
    ];
    const forged = { ...pod, metadata: { ...pod.metadata, ownerReferences } };
    expect(await kube.client.call('POST', pathOf('Pod'), forged)).toMatchObject({ status: 403 });
  });

  it('approves a pod of a stored owner with the images of its template', async () => {
    const { body: owner } = await submit('ReplicaSet', podSpec([SIGNED]));
    const pod = workload('Pod', podSpec([`${SIGNED}@${DIGEST}`]));
    const { name, uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true }];
    const owned = { ...pod, metadata: { ...pod.metadata, ownerReferences } };
    expect(await kube.client.call('POST', pathOf('Pod'), owned)).toMatchObject({ status: 201 });
  });

  it('checks zero replicas and lets a scaling through', async () => {
    const zero = workload('Deployment', podSpec([`${GUN}:evil`]));
    (zero as unknown as { spec: JsonObject }).spec['replicas'] = 0;
    expect(await kube.client.call('POST', pathOf('Deployment'), zero)).toMatchObject({ status: 403 });
    const { body } = await submit('Deployment', podSpec([SIGNED]));
    const scaled = await kube.client.call(
      'PATCH',
      `${pathOf('Deployment')}/${body.metadata.name}`,
      { spec: { replicas: 3 } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect(scaled).toMatchObject({ status: 200, body: { spec: { replicas: 3 } } });
  });

  it('refuses a dry run as it would the real thing', async () => {
    const path = `${pathOf('Pod')}?dryRun=All`;
    expect(await kube.client.call('POST', path, workload('Pod', podSpec([`${GUN}:evil`])))).toMatchObject({
      status: 403,
    });
    expect(await kube.client.call('POST', path, workload('Pod', podSpec([SIGNED])))).toMatchObject({ status: 201 });
  });
});

describe('policies and Secrets that change while the gate runs', () => {
  const secret = (name: string, key: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData: { name, publicKey: signerKeys.get(key) ?? '' },
  });

  it('a namespaced policy takes the place of the cluster policy, demands its signers, and counts at once when edited', async () => {
    for (const name of ['alice', 'bob']) {
      await kube.client.create(namespacePath('v1', 'secrets', 'payments'), secret(name, name));
    }
    const path = namespacePath(GROUPS.current, 'imagepolicies', 'payments');
    const both = { signerSecrets: [{ name: 'alice' }, { name: 'bob' }] };
    await kube.client.create(path, policyOf(GROUPS.current, 'ImagePolicy', 'signers', [trusting(`${GUN}*`, both)]));
    const one = await soon(
      () => submit('Pod', podSpec([`${GUN}:v2`]), 'payments'),
      ({ status }) => status === 403,
    );
    expect(one.body.message).toContain('[TRUST_SIGNER_MISSING]');
    expect(await submit('Pod', podSpec([SIGNED]), 'payments')).toMatchObject({ status: 201 });
    const edit = { spec: { repositories: [trusting(`${GUN}*`, { signerSecrets: [{ name: 'alice' }] })] } };
    await kube.client.call('PATCH', `${path}/signers`, edit, { 'content-type': 'application/merge-patch+json' });
    const after = await soon(
      () => submit('Pod', podSpec([`${GUN}:v2`]), 'payments'),
      ({ status }) => status === 201,
    );
    expect(after.body.spec.containers[0].image).toBe(`${GUN}:v2@${digestOf('b')}`);
  });

  it('a replaced signer Secret counts at the next admission', async () => {
    const path = `${namespacePath('v1', 'secrets', 'payments')}/alice`;
    const key = Buffer.from(signerKeys.get('bob') ?? '').toString('base64');
    await kube.client.call(
      'PATCH',
      path,
      { data: { publicKey: key } },
      { 'content-type': 'application/merge-patch+json' },
    );
    const refused = await submit('Pod', podSpec([`${GUN}:v2`]), 'payments');
    expect(refused.body.message).toContain('[TRUST_SIGNER_MISSING]');
  });

  it('a policy of the 2019 group applies as it is', async () => {
    const path = namespacePath(GROUPS.legacy, 'imagepolicies', 'legacy');
    const rules = [trusting('registry.test/team/*', { trustServer: notary.origin })];
    await kube.client.create(path, policyOf(GROUPS.legacy, 'ImagePolicy', 'old', rules));
    const free = () => submit('Pod', podSpec(['registry.test/free/tool:1']), 'legacy');
    const refused = await soon(free, ({ status }) => status === 403);
    expect(refused.body.message).toContain('[POLICY_NO_MATCH]');
    expect(await submit('Pod', podSpec([SIGNED]), 'legacy')).toMatchObject({ status: 201 });
  });

  it('the API server itself refuses a policy with a wrong type', async () => {
    const wrong = policyOf(GROUPS.current, 'ImagePolicy', 'wrong', [
      { name: 5, policy: { trust: { enabled: 'yes' } } },
    ]);
    const answer = await kube.client.call('POST', namespacePath(GROUPS.current, 'imagepolicies', 'legacy'), wrong);
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain('spec.repositories[0].name');
  });

  it('the API server itself refuses pins that pin nothing, a threshold above the signers, and silence where something is asked', async () => {
    const path = `${namespacePath(GROUPS.current, 'imagepolicies', 'legacy')}?dryRun=All`;
    const refused = async (trust: JsonObject): Promise<string> => {
      const wrong = policyOf(GROUPS.current, 'ImagePolicy', 'wrong', [{ name: '*', policy: { trust } }]);
      const { status, body } = await kube.client.call('POST', path, wrong);
      return `${status} ${body.message}`;
    };
    expect(await refused({ enabled: true, roots: [{ gun: '*' }] })).toMatch(/^422 .*roots\[0\].*pins nothing/);
    expect(await refused({ enabled: true, signerThreshold: 2, signerSecrets: [{ name: 'a' }] })).toMatch(
      /^422 .*signerThreshold is larger/,
    );
    expect(await refused({ firstUse: 'deny' })).toMatch(/^422 .*enabled must be written/);
    expect(await refused({ enabled: true, roots: [{ keyIds: ['a'.repeat(64)] }] })).toMatch(/^201 /);
  });

  it('a Secret of another namespace and a floor count as soon as they are there, and no longer than that', async () => {
    for (const name of ['security', 'floored']) await kube.client.namespace(name);
    const path = namespacePath(GROUPS.current, 'imagepolicies', 'floored');
    const lax = policyOf(GROUPS.current, 'ImagePolicy', 'own', [{ name: '*' }]);
    await kube.client.create(path, lax);
    const unsigned = () => submit('Pod', podSpec([`${GUN}:nightly`]), 'floored');
    await soon(unsigned, ({ status }) => status === 201);
    const floors = collectionPath(GROUPS.current, 'clusterimagepolicies');
    const demand = trusting(`${GUN}*`, { signerSecrets: [{ name: 'carol', namespace: 'security' }] });
    const floor = policyOf(GROUPS.current, 'ClusterImagePolicy', 'floor', [demand]) as KubeObject & {
      spec: JsonObject;
    };
    await kube.client.create(floors, { ...floor, spec: { ...floor.spec, floor: true } });
    const refused = await soon(unsigned, ({ status }) => status === 403);
    expect(refused.body.message).toContain('[SIGNER_SECRET_INVALID]: By the floor that ClusterImagePolicy floor');
    const secrets = namespacePath('v1', 'secrets', 'security');
    await kube.client.create(secrets, {
      ...secret('carol', 'alice'),
      stringData: {
        name: 'alice',
        publicKey: (signerKeys.get('alice') ?? '').replace('-----\n', '-----\nrole: alice\n\n'),
      },
    });
    const signed = () => submit('Pod', podSpec([SIGNED]), 'floored');
    const admitted = await soon(signed, ({ status }) => status === 201);
    expect(admitted.body.spec.containers[0].image).toBe(`${SIGNED}@${DIGEST}`);
    expect(await unsigned()).toMatchObject({ status: 403 });
    await kube.client.call('DELETE', `${floors}/floor`);
    await soon(unsigned, ({ status }) => status === 201);
    const borrowed = { spec: { repositories: [demand] } };
    await kube.client.call('PATCH', `${path}/own`, borrowed, { 'content-type': 'application/merge-patch+json' });
    const foreign = await soon(signed, ({ status }) => status === 403);
    expect(foreign.body.message).toContain('security/carol does not exist, or does not allow the namespace floored');
    const leave = { metadata: { annotations: { 'portieris.cloud.ibm.com/allowed-namespaces': 'floored' } } };
    await kube.client.call('PATCH', `${secrets}/carol`, leave, { 'content-type': 'application/merge-patch+json' });
    expect(await signed()).toMatchObject({ status: 201 });
  });

  it('an image that is signed a moment after it was refused is admitted', async () => {
    expect(await submit('Pod', podSpec([`${GUN}:v3`]))).toMatchObject({ status: 403 });
    await user.sign(GUN, { name: 'v3', sha256: sha(digestOf('c')), length: 1000 }, [
      'targets/releases',
      'targets/alice',
    ]);
    const answer = await soon(
      () => submit('Pod', podSpec([`${GUN}:v3`])),
      ({ status }) => status === 201,
    );
    expect(answer.body.spec.containers[0].image).toBe(`${GUN}:v3@${digestOf('c')}`);
  });

  it('goes on following the root and targets keys after the owner rotated them', async () => {
    await user.rotate(GUN, 'root');
    await user.rotate(GUN, 'targets');
    await user.rotate(GUN, 'snapshot', { serverManaged: true });
    await user.sign(GUN, { name: 'v4', sha256: sha(digestOf('d')), length: 1000 }, [
      'targets/releases',
      'targets/alice',
    ]);
    const answer = await soon(
      () => submit('Pod', podSpec([`${GUN}:v4`])),
      ({ status }) => status === 201,
    );
    expect(answer.body.message).toBeUndefined();
    expect(answer.body.spec.containers[0].image).toBe(`${GUN}:v4@${digestOf('d')}`);
  });

  it('counts both decisions under the names that Portieris gives them', async () => {
    const text = await (await fetch(`${gate.origin}/metrics`)).text();
    expect(text).toMatch(/^portieris_pod_admission_decision_allow_count [1-9]\d*$/m);
    expect(text).toMatch(/^portieris_pod_admission_decision_deny_count [1-9]\d*$/m);
    expect(text).toMatch(/^portieris_image_refusals_total\{code="TRUST_NOT_SIGNED"\} [1-9]\d*$/m);
  });
});
