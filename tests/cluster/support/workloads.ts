import type { Thing } from './cluster.ts';

/** Kinds that the issue names, each with how its pods are found and the image that it is given. */
export const WORKLOADS = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'] as const;

/** One of these kinds. */
export type Workload = (typeof WORKLOADS)[number];

/** Where a workload is to be. */
export interface Where {
  readonly namespace: string;
  readonly name: string;
}

const API: Readonly<Record<Workload, string>> = {
  Pod: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};

/** A workload with one container of this image; jobs end at once, the others stay. */
export function workload(kind: Workload, { namespace, name }: Where, image: string): Thing {
  const labels = { app: name };
  const ends = kind === 'Job' || kind === 'CronJob';
  const container = { name: 'app', image, ...(ends && { command: ['node', '-e', '0'] }) };
  const podSpec = {
    containers: [container],
    terminationGracePeriodSeconds: 2,
    ...(ends && { restartPolicy: 'Never' }),
  };
  const template = { metadata: { labels }, spec: podSpec };
  const specs: Readonly<Record<Workload, object>> = {
    Pod: podSpec,
    Deployment: { selector: { matchLabels: labels }, template },
    StatefulSet: { selector: { matchLabels: labels }, template, serviceName: name },
    DaemonSet: { selector: { matchLabels: labels }, template },
    Job: { template },
    CronJob: { schedule: '* * * * *', jobTemplate: { spec: { template } } },
  };
  return { apiVersion: API[kind], kind, metadata: { namespace, name, labels }, spec: specs[kind] };
}

/** A Knative Service of a user. */
export const knativeService = ({ namespace, name }: Where, image: string): Thing => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { namespace, name, labels: { 'networking.knative.dev/visibility': 'cluster-local' } },
  spec: { template: { spec: { containers: [{ image }] } } },
});

/** A ClusterImagePolicy of today's group; `trust` undefined: allowed without proof. */
export const clusterPolicy = (name: string, pattern: string, trustServer?: string): Thing => ({
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind: 'ClusterImagePolicy',
  metadata: { name },
  spec: {
    repositories: [
      { name: pattern, policy: trustServer === undefined ? {} : { trust: { enabled: true, trustServer } } },
    ],
  },
});
