import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { parseCommand } from '../../functions/certs/command.ts';
import { OPTIONS, parseConfig } from '../../functions/config.ts';
import { POLICY_GROUPS } from '../../functions/io/objects.ts';
import { WORKLOAD_KINDS } from '../../functions/request/workload.ts';
import { temporaryFolder } from '../integration/support/folder.ts';

/** What the manifests promise and no cluster is needed to see. tests/integration/manifests.test.ts shows them to an API server. */

const ROOT = resolve(import.meta.dirname, '../..');
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
interface Thing {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field of any kind
  readonly [field: string]: any;
}
const things = (file: string): Thing[] =>
  parseAllDocuments(text(file), { merge: true }).map((document) => document.toJS() as Thing);
const [webhook] = things('knative/webhook/600-webhook.yaml') as [Thing];
const [service] = things('knative/base/400-service.yaml') as [Thing];
const [entrance] = things('knative/base/410-admission.yaml') as [Thing];
const [job] = things('knative/base/500-certificates.yaml') as [Thing];
const [adviser, adviserEntrance] = things('knative/base/430-validate.yaml') as [Thing, Thing];
const [advice] = things('knative/webhook/610-validate.yaml') as [Thing];
const nginx = text('knative/base/nginx.conf');
const [hook] = webhook['webhooks'];

/** Environment of the gate's container, as base and components of kustomize set it. */
const literals = (file: string): Record<string, string> => {
  const { configMapGenerator } = parseYaml(text(file)) as {
    configMapGenerator?: { name: string; literals?: string[] }[];
  };
  const lines = (configMapGenerator ?? []).find(({ name }) => name === 'portieris-config')?.literals ?? [];
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
};

describe('the webhook configuration', () => {
  it("has the names that Portieris' users know, and leads to the Service of the gate", () => {
    expect(webhook.metadata.name).toBe('image-admission-config');
    expect(things('knative/base/100-webhook.yaml')[0]?.metadata.name).toBe('image-admission-config');
    expect(hook.name).toBe('trust.hooks.securityenforcement.admission.cloud.ibm.com');
    expect(hook.clientConfig.service).toEqual({
      namespace: entrance.metadata.namespace,
      name: entrance.metadata.name,
      path: '/admit',
      port: entrance['spec'].ports[0].port,
    });
  });

  it('fails closed, in a time that it names, and is asked again after later webhooks', () => {
    expect(hook).toMatchObject({ failurePolicy: 'Fail', matchPolicy: 'Equivalent', reinvocationPolicy: 'IfNeeded' });
    expect(hook.timeoutSeconds).toBeGreaterThanOrEqual(5);
    expect(hook.timeoutSeconds).toBeLessThanOrEqual(30);
    expect(hook).not.toHaveProperty('objectSelector');
    expect(hook).not.toHaveProperty('matchConditions');
  });

  it('sends every kind that the gate knows, and the containers that kubectl debug adds', () => {
    const sent = hook.rules.flatMap(({ apiGroups, resources }: { apiGroups: string[]; resources: string[] }) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
    );
    // The group extensions was removed from Kubernetes with 1.22.
    const known = WORKLOAD_KINDS.filter(({ group }) => group !== 'extensions').map(
      ({ group, kind }) => `${group}/${kind.toLowerCase()}s`,
    );
    expect(sent.toSorted()).toEqual([...known, '/pods/ephemeralcontainers'].toSorted());
    for (const rule of hook.rules) expect(rule).toMatchObject({ apiVersions: ['*'], operations: ['CREATE', 'UPDATE'] });
  });

  it('exempts by the label that the API server itself writes, and no more than what must come up before the gate', () => {
    expect(hook.namespaceSelector).toEqual({
      matchExpressions: [
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'NotIn',
          values: ['portieris', 'kube-system', 'knative-serving'],
        },
      ],
    });
  });
});

describe('the webhook configuration of the function that looks at policies', () => {
  const [hook] = advice['webhooks'];

  it('leads to its own Service, and has its own empty shell', () => {
    expect(things('knative/base/100-webhook.yaml')[1]).toMatchObject({
      kind: 'ValidatingWebhookConfiguration',
      metadata: advice.metadata,
    });
    expect(hook.clientConfig.service).toEqual({
      namespace: adviserEntrance.metadata.namespace,
      name: adviserEntrance.metadata.name,
      path: '/validate',
      port: adviserEntrance['spec'].ports[0].port,
    });
    expect(adviserEntrance['spec'].selector).toEqual({ 'serving.knative.dev/service': adviser.metadata.name });
  });

  it('stands in nobody’s way: it fails open, soon, and leaves nothing behind', () => {
    expect(hook).toMatchObject({ failurePolicy: 'Ignore', sideEffects: 'None', matchPolicy: 'Equivalent' });
    expect(hook.timeoutSeconds).toBeLessThanOrEqual(5);
  });

  it('sends each write of a policy of either group, and nothing of a status', () => {
    expect(hook.rules).toEqual([
      {
        apiGroups: POLICY_GROUPS.map(({ group }) => group),
        apiVersions: ['*'],
        resources: ['imagepolicies', 'clusterimagepolicies'],
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        scope: '*',
      },
    ]);
    expect(hook).not.toHaveProperty('namespaceSelector');
  });
});

describe('the function that looks at policies', () => {
  const template = adviser['spec'].template;
  const gate = service['spec'].template;

  it('runs the image of the gate by its own program, with the side-car of the gate', () => {
    const [own, sideCar] = template.spec.containers;
    const [gates, gatesSideCar] = gate.spec.containers;
    expect(own).toMatchObject({ image: gates.image, args: ['validate.js'], envFrom: gates.envFrom });
    expect([own.readinessProbe, own.livenessProbe, own.ports]).toEqual([
      gates.readinessProbe,
      gates.livenessProbe,
      gates.ports,
    ]);
    expect(sideCar).toEqual(gatesSideCar);
    expect(template.spec.timeoutSeconds).toBe(gate.spec.timeoutSeconds);
    expect(text('knative/bundle.ts')).toContain("validate: 'functions/validate/serve.ts'");
  });

  it('has an account and a key of its own, and is always there, inside the cluster alone', () => {
    const secretOf = (spec: { volumes: { secret?: { secretName: string } }[] }) =>
      spec.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName]));
    expect(template.spec.serviceAccountName).toBe('portieris-validate');
    expect(secretOf(template.spec)).toEqual(['portieris-validate-tls']);
    expect(secretOf(gate.spec)).not.toContain('portieris-validate-tls');
    expect(Number(template.metadata.annotations['autoscaling.knative.dev/min-scale'])).toBe(1);
    expect(adviser.metadata).toMatchObject({ labels: { 'networking.knative.dev/visibility': 'cluster-local' } });
  });
});

describe('the pods', () => {
  const template = service['spec'].template;
  const containers: [string, Thing][] = [service, adviser].flatMap(({ metadata, spec }) =>
    spec.template.spec.containers.map((container: Thing) => [`${metadata.name} ${container['name']}`, container]),
  );
  for (const container of job['spec'].jobTemplate.spec.template.spec.containers)
    containers.push([`${job.metadata.name} ${container.name}`, container]);

  it.each(containers)('%s runs with no right it does not need', (_, { securityContext, resources }) => {
    expect(securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(resources.limits.memory).toBeDefined();
    expect(resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) });
  });

  it('are three at least, and are reached inside the cluster alone', () => {
    expect(Number(template.metadata.annotations['autoscaling.knative.dev/min-scale'])).toBeGreaterThanOrEqual(3);
    expect(service.metadata).toMatchObject({ labels: { 'networking.knative.dev/visibility': 'cluster-local' } });
  });

  it('are ended later than queue-proxy waits for silence', () => {
    expect(template.spec.timeoutSeconds).toBeGreaterThanOrEqual(90);
  });

  it('have nginx keep connections longer than the API server does, and take every body that the gate takes', () => {
    expect(Number(/keepalive_timeout (\d+)s;/.exec(nginx)?.[1])).toBeGreaterThan(90);
    expect(nginx).toContain('client_max_body_size 16m;');
    expect(nginx).toContain(`listen ${entrance['spec'].ports[0].targetPort} ssl;`);
    expect(literals('knative/base/kustomization.yaml')['READY_TLS_PORT']).toBe(
      String(entrance['spec'].ports[0].targetPort),
    );
  });

  it('get options that the gate has, with values that it takes', () => {
    const components = readdirSync(join(ROOT, 'knative/components')).map(
      (name) => `knative/components/${name}/kustomization.yaml`,
    );
    const known = new Set<string>(Object.values(OPTIONS).map(({ name }) => name));
    for (const file of ['knative/base/kustomization.yaml', ...components]) {
      const env = literals(file);
      expect(Object.keys(env).filter((name) => !known.has(name))).toEqual([]);
      expect(() => parseConfig(env)).not.toThrow();
    }
  });
});

describe('the certificate', () => {
  it.each([
    ['the gate', 0, { service, entrance, webhook }],
    ['the function that looks at policies', 1, { service: adviser, entrance: adviserEntrance, webhook: advice }],
  ] as const)('of %s is made for its Service, its Secret and its webhook configuration', (_, index, ours) => {
    const [program, ...args] = job['spec'].jobTemplate.spec.template.spec.containers[index].args as string[];
    expect(program).toBe('certs.js');
    const command = parseCommand(args);
    expect(command).toMatchObject({
      verb: 'cluster',
      namespace: ours.entrance.metadata.namespace,
      service: ours.entrance.metadata.name,
      webhook: ours.webhook.metadata.name,
      validating: ours.webhook.kind === 'ValidatingWebhookConfiguration',
    });
    const volumes = ours.service['spec'].template.spec.volumes as { secret?: { secretName: string } }[];
    expect(volumes.map(({ secret }) => secret?.secretName)).toContain(command.secret);
    expect(command.patience).toBeLessThan(job['spec'].jobTemplate.spec.activeDeadlineSeconds * 1000);
  });
});

describe('skaffold.yaml', () => {
  const config = parseYaml(text('skaffold.yaml'));

  it('fits the schema of skaffold/v4beta14', () => {
    const check = new Ajv({ allErrors: true, strict: false }).compile(
      JSON.parse(text('tests/fixtures/skaffold/v4beta14.json')),
    );
    expect(check(config), JSON.stringify(check.errors)).toBe(true);
  });

  it('names files that are there, and builds the image that the manifests name', () => {
    const files = [...text('skaffold.yaml').matchAll(/knative\/[\w./-]*\w/g)].map(([file]) => file);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const images = new Set([
      service['spec'].template.spec.containers[0].image,
      adviser['spec'].template.spec.containers[0].image,
      ...job['spec'].jobTemplate.spec.template.spec.containers.map(({ image }: { image: string }) => image),
    ]);
    expect([...images]).toEqual(config.build.artifacts.map(({ image }: { image: string }) => image));
  });

  it('labels the Knative Service but not its pods, for that would make a Revision of each deployment', () => {
    expect(config.resourceSelector.allow).toEqual([
      { groupKind: 'Service.serving.knative.dev', image: ['.*'], labels: ['.metadata.labels'] },
    ]);
  });

  it('closes the gate in a step of its own, after each deployment, whatever the profile', () => {
    const profiles = config.profiles.filter(({ deploy }: { deploy?: unknown }) => deploy !== undefined);
    for (const { deploy, manifests } of [config, ...profiles]) {
      const [{ host }] = deploy.kubectl.hooks.after;
      expect(host.command).toEqual(['sh', 'knative/enforce.sh', manifests.kustomize.paths[0]]);
    }
  });
});

describe('the scripts', () => {
  it.each(['knative/enforce.sh', 'knative/build.sh'])('%s is a shell script without mistakes of grammar', (file) => {
    expect(() => execFileSync('sh', ['-n', join(ROOT, file)])).not.toThrow();
  });
});

describe('knative/enforce.sh', () => {
  it('takes no silence of the API server for a gate that is new, and so never opens one that is closed', async () => {
    const folder = await temporaryFolder('enforce');
    const calls = join(folder.path, 'calls');
    const kubectl = `#!/bin/sh
      echo "$*" >> '${calls}'
      case "$*" in *'get mutatingwebhookconfiguration'*) echo 'connection refused' >&2; exit 1 ;; esac\n`;
    writeFileSync(join(folder.path, 'kubectl'), kubectl, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder.path}:${process.env['PATH']}`, TIMEOUT: '1' };
    const { status, stderr } = spawnSync('sh', [join(ROOT, 'knative/enforce.sh')], { env, encoding: 'utf8' });
    const called = readFileSync(calls, 'utf8');
    await folder.remove();
    expect(status).toBe(1);
    expect(stderr).toContain('connection refused');
    expect(called).not.toMatch(/^(apply|create -f|replace|kustomize)/m);
  });
});

describe('the repository', () => {
  it('holds no private key', () => {
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
      .split('\0')
      .filter((file) => file !== '' && existsSync(join(ROOT, file)));
    const holding = files.filter((file) => /PRIVATE KEY-----\s*[A-Za-z0-9+/]{40}/.test(text(file)));
    expect(holding).toEqual([]);
  });
});
