import { isObject, type JsonObject, own } from '../json.ts';
import type { WorkloadKind } from '../request/kinds.ts';
import type { Kube } from './kubeconfig.ts';
import { ListError, listAll } from './list.ts';
import { metadataOf, textOf } from './objects.ts';
import { type Resource, Resources } from './resources.ts';

/** Which workloads of a cluster are read. */
export interface RunningOrder {
  readonly kinds: readonly WorkloadKind[];
  /** The one namespace that counts; undefined: all. */
  readonly namespace: string | undefined;
  /** Milliseconds for one page of a list. */
  readonly timeout: number;
  /** Told how far it is after each page. */
  readonly progress: (text: string) => void;
}

/** What a cluster runs, as far as it may be read. */
export interface Running {
  readonly objects: readonly JsonObject[];
  /** A sentence for each kind that could not be read. */
  readonly missing: readonly string[];
}

/** What of the status tells whether anything runs; the rest, and who wrote which field, is most of a pod and serves nobody here. */
function slim(object: JsonObject): JsonObject {
  const { status, metadata, ...rest } = object;
  const { managedFields: _, ...about } = isObject(metadata) ? metadata : {};
  if (!isObject(status)) return { ...rest, metadata: about };
  const kept = ['phase', 'conditions'].flatMap((name): [string, JsonObject[string]][] => {
    const value = own(status, name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...rest, metadata: about, status: Object.fromEntries(kept) };
}

const where = (namespace: string | undefined): string =>
  namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`;

function problemOf(error: unknown, what: string, namespace: string | undefined): string {
  if (!(error instanceof ListError)) throw error;
  if (error.answer?.status !== 403) return `${what} were not read: ${error.message}`;
  const narrower = namespace === undefined ? ', or name a namespace with -n' : '';
  return `${what} were not read: you may not list them in ${where(namespace)}; ask for that right${narrower}`;
}

/**
 * Every object of these kinds that a cluster holds, page by page. A kind that the cluster does not serve has none; one that may not be listed is
 * told in `missing`, and the others are read all the same. Throws what `Kube.get` throws where there is no answer at all.
 */
export async function readRunning(kube: Kube, order: RunningOrder): Promise<Running> {
  const { kinds, namespace, timeout } = order;
  const resources = new Resources(kube, timeout);
  // The same object may be served in two groups (`extensions` of old, and `apps`): one UID is one object.
  const objects = new Map<string, JsonObject>();
  const missing: string[] = [];
  for (const { group, kind } of kinds) {
    let resource: Resource | undefined;
    try {
      resource = await resources.find(group, kind);
      if (resource === undefined) continue;
      for (const object of await listed(kube, resource, order, objects.size))
        objects.set(textOf(metadataOf(object), 'uid') ?? `${objects.size}`, object);
    } catch (error) {
      missing.push(problemOf(error, resource?.name ?? [kind, group].filter(Boolean).join('.'), namespace));
    }
  }
  return { objects: [...objects.values()], missing };
}

async function listed(
  kube: Kube,
  { name, path }: Resource,
  { namespace, timeout, progress }: RunningOrder,
  before: number,
): Promise<readonly JsonObject[]> {
  let read = before;
  progress(`reading ${name} of the cluster: ${read} objects …`);
  const list = await listAll({
    kube,
    path: path(namespace),
    resource: name,
    timeout,
    signal: new AbortController().signal,
    keep(page) {
      read += page.length;
      progress(`reading ${name} of the cluster: ${read} objects …`);
      return page.map(slim);
    },
  });
  return list?.objects ?? [];
}
