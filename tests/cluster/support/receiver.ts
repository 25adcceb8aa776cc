import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { apply, kubectl } from './cluster.ts';

const PROGRAM = resolve(import.meta.dirname, '../receiver/receiver.mjs');

/** A CloudEvent as it arrived, in binary mode: its attributes are the headers that begin with `ce-`. */
export interface Arrival {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where the gate sends its CloudEvents: `K_SINK` of the overlay. */
export const sinkOf = (namespace: string): string => `http://receiver.${namespace}.svc`;

/** Runs the receiver in a namespace of the cluster, in an image that has Node, and waits until it is there. */
export async function startReceiver(namespace: string, image: string): Promise<void> {
  const labels = { app: 'receiver' };
  const metadata = { name: 'receiver', namespace };
  const container = {
    name: 'receiver',
    image,
    command: ['node', '/opt/receiver/receiver.mjs'],
    readinessProbe: { httpGet: { port: 8080 } },
    volumeMounts: [{ name: 'program', mountPath: '/opt/receiver' }],
  };
  const spec = { containers: [container], volumes: [{ name: 'program', configMap: { name: 'receiver' } }] };
  const data = { 'receiver.mjs': await readFile(PROGRAM, 'utf8') };
  await apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  );
  await kubectl(['rollout', 'status', '-n', namespace, 'deployment/receiver', '--timeout=180s']);
}

/** What arrived so far. */
export async function arrivalsAt(namespace: string): Promise<readonly Arrival[]> {
  const path = `/api/v1/namespaces/${namespace}/services/receiver:80/proxy/`;
  return JSON.parse(await kubectl(['get', '--raw', path])) as Arrival[];
}
