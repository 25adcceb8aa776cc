import { type Ran, run, tryRun } from './shell.ts';

/** A Kubernetes object as the tests read it. */
export interface Thing {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly [field: string]: unknown };
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field of any kind
  readonly [field: string]: any;
}

/** kubectl with the KUBECONFIG of the environment; never throws for an exit code. */
export const tryKubectl = (args: readonly string[], input?: string): Promise<Ran> =>
  tryRun('kubectl', args, input === undefined ? {} : { input });

/** kubectl; throws with what it said. */
export const kubectl = (args: readonly string[], input?: string): Promise<string> =>
  run('kubectl', args, input === undefined ? {} : { input });

/** `kubectl apply` of objects; throws with what it said. */
export const apply = (...things: readonly Thing[]): Promise<string> =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: things }));

/** `kubectl create` of one object; never throws for a refusal. */
export const tryCreate = (thing: Thing): Promise<Ran> => tryKubectl(['create', '-f', '-'], JSON.stringify(thing));

/** One object, or a List, by the arguments of `kubectl get`. */
export async function get(...args: readonly string[]): Promise<Thing> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as Thing;
}

/** The items of a list. */
export async function list(...args: readonly string[]): Promise<readonly Thing[]> {
  return (await get(...args))['items'];
}

/** Whether a pod is Ready and not about to go. */
export const isReady = (pod: Thing): boolean =>
  pod.metadata['deletionTimestamp'] === undefined &&
  (pod['status'].conditions ?? []).some(
    ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'True',
  );

/** Pods of a Knative Service of ours, the gate's by default; those that are going too. */
export const podsOf = (service = 'portieris'): Promise<readonly Thing[]> =>
  list('pods', '-n', 'portieris', '-l', `serving.knative.dev/service=${service}`);

/** Names of its ready pods. */
export const readyPods = async (service = 'portieris'): Promise<readonly string[]> =>
  (await podsOf(service)).filter(isReady).map(({ metadata }) => metadata.name ?? '');

/** Names of its Revisions. */
export const revisionsOf = async (service = 'portieris'): Promise<readonly string[]> =>
  (await list('revisions', '-n', 'portieris', '-l', `serving.knative.dev/service=${service}`)).map(
    ({ metadata }) => metadata.name ?? '',
  );

/** Ends pods of ours; by force: at once, as when their nodes die. */
export async function endPods(names: readonly string[], how: 'gracefully' | 'by force'): Promise<void> {
  const force = how === 'by force' ? ['--force', '--grace-period=0'] : [];
  await kubectl(['delete', 'pods', '-n', 'portieris', '--wait=false', ...force, ...names]);
}
