import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { collectionPath, type KubeClient, type KubeObject } from './kubeclient.ts';

const WEBHOOK = resolve(import.meta.dirname, '../../../knative/webhook/600-webhook.yaml');
const WEB = 'registry.demo/shop/web:1.4';

type Container = { readonly name: string; readonly image: string };
const containers = (...images: readonly string[]): Container[] =>
  images.map((image, index) => ({ name: `c${index}`, image }));

const template = (images: readonly string[], more = {}) => ({
  metadata: { labels: { app: 'demo' } },
  spec: { containers: containers(...images), ...more },
});
const selector = { matchLabels: { app: 'demo' } };

/** The reference of a stored object as the controller of another. */
const controlledBy = ({ apiVersion, kind, metadata }: KubeObject) => ({
  ownerReferences: [
    { apiVersion, kind, name: metadata.name, uid: metadata['uid'], controller: true, blockOwnerDeletion: true },
  ],
});

/** Waits until the API server serves a resource of a definition that was made a moment ago. */
export async function served(client: KubeClient, path: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await client.call('GET', path)).status === 200) return;
    await pause(50);
  }
  throw new Error(`${path} is not served`);
}

/** An object before it has the version of its group. */
interface Made {
  readonly kind: string;
  readonly metadata: KubeObject['metadata'];
  readonly [field: string]: unknown;
}

class Cluster {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async put(apiVersion: string, plural: string, object: Made): Promise<KubeObject> {
    const path = collectionPath(apiVersion, plural, object.metadata.namespace);
    return this.#client.create(path, { apiVersion, ...object });
  }

  /** A Deployment as the controller manager would leave it: its ReplicaSet, one of before without replicas, and pods, two of which a mesh added a container to. */
  async web(): Promise<void> {
    const metadata = { name: 'web', namespace: 'shop' };
    const spec = { selector, template: template([WEB]) };
    const web = await this.put('apps/v1', 'deployments', { kind: 'Deployment', metadata, spec });
    const set = (name: string, image: string, replicas: number) =>
      this.put('apps/v1', 'replicasets', {
        kind: 'ReplicaSet',
        metadata: { ...metadata, name, ...controlledBy(web) },
        spec: { replicas, selector, template: template([image]) },
      });
    await set('web-1', 'registry.demo/shop/web:1.3', 0);
    const current = await set('web-2', WEB, 3);
    const images = [[WEB], [WEB, 'docker.io/mesh/proxy:1'], [WEB, 'docker.io/mesh/proxy:1']];
    for (const [index, all] of images.entries())
      await this.put('v1', 'pods', {
        kind: 'Pod',
        metadata: { ...metadata, name: `web-2-${index}`, labels: { app: 'demo' }, ...controlledBy(current) },
        spec: { containers: containers(...all) },
      });
  }

  /** A kind of somebody else, with a pod spec. */
  async rollout(): Promise<void> {
    await this.put('apiextensions.k8s.io/v1', 'customresourcedefinitions', {
      kind: 'CustomResourceDefinition',
      metadata: { name: 'rollouts.argoproj.io' },
      spec: {
        group: 'argoproj.io',
        scope: 'Namespaced',
        names: { kind: 'Rollout', plural: 'rollouts', singular: 'rollout' },
        versions: [
          {
            name: 'v1alpha1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    await served(this.#client, collectionPath('argoproj.io/v1alpha1', 'rollouts'));
    const metadata = { name: 'canary', namespace: 'shop' };
    const spec = { template: template(['registry.demo/public/canary:1']) };
    await this.put('argoproj.io/v1alpha1', 'rollouts', { kind: 'Rollout', metadata, spec });
  }

  async others(): Promise<void> {
    const job = { template: template(['registry.demo/payments/api:2.0'], { restartPolicy: 'Never' }) };
    await this.put('batch/v1', 'cronjobs', {
      kind: 'CronJob',
      metadata: { name: 'report', namespace: 'payments' },
      spec: { schedule: '0 6 * * *', jobTemplate: { spec: job } },
    });
    await this.put('apps/v1', 'daemonsets', {
      kind: 'DaemonSet',
      metadata: { name: 'fonts', namespace: 'shop' },
      spec: { selector, template: template(['registry.demo/public/fonts:3']) },
    });
    await this.put('v1', 'podtemplates', {
      kind: 'PodTemplate',
      metadata: { name: 'proxy', namespace: 'kube-system' },
      template: template(['registry.k8s.io/kube-proxy:v1.35.4']),
    });
  }

  /** More objects than stand in one page of a list. */
  async many(number: number): Promise<void> {
    const put = (index: number) =>
      this.put('v1', 'podtemplates', {
        kind: 'PodTemplate',
        metadata: { name: `t${index}`, namespace: 'many' },
        template: template(['registry.demo/public/fonts:3']),
      });
    for (let from = 0; from < number; from += 30)
      await Promise.all(Array.from({ length: Math.min(30, number - from) }, (_, index) => put(from + index)));
  }
}

/** Fills a cluster with workloads; the webhook of the gate comes last, as there is no gate behind it. `many`: how many templates the namespace of that name gets. */
export async function runWorkloads(client: KubeClient, many: number): Promise<void> {
  const cluster = new Cluster(client);
  await cluster.web();
  await cluster.rollout();
  await cluster.others();
  await cluster.many(many);
  const webhook = parse(await readFile(WEBHOOK, 'utf8')) as KubeObject;
  await client.create(collectionPath(webhook.apiVersion, 'mutatingwebhookconfigurations'), webhook);
}
