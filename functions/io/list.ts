import { isObject, type JsonObject, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Answer, Kube } from './kubeconfig.ts';
import { metadataOf, textOf } from './objects.ts';

/** An answer that is no list. */
export class ListError extends Error {
  readonly answer: Answer | undefined;

  constructor(message: string, answer?: Answer) {
    super(message);
    this.answer = answer;
  }
}

/** A sentence for an answer that is not what was asked for: verb, resource, and what to do. */
export function refusalOf(verb: string, resource: string, status: number | undefined): string {
  if (status === 403) return `the gate may not ${verb} ${resource}; apply the RBAC of knative/ again`;
  return `the API server answered ${status ?? 'nothing that is an answer'} to ${verb} ${resource}`;
}

/** What a list is asked of. */
export interface ListOrder {
  readonly kube: Kube;
  readonly path: string;
  readonly resource: string;
  /** Milliseconds for one page. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** What is kept of the objects of a page; undefined: all as it is. */
  readonly keep?: (objects: readonly JsonObject[]) => readonly JsonObject[];
}

/** All objects of a collection and the version they stand for; undefined where the resource is not installed. Throws `ListError`. */
export async function listAll(order: ListOrder): Promise<{ objects: JsonObject[]; version: string } | undefined> {
  const objects: JsonObject[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await readPage(order, token);
    if (page === undefined) return undefined;
    objects.push(...(order.keep?.(itemsOf(page)) ?? itemsOf(page)));
    if (objects.length > LIMITS.clusterObjects) {
      throw new ListError(`there are more than ${LIMITS.clusterObjects} ${order.resource}; remove some`);
    }
    token = textOf(metadataOf(page), 'continue');
    if (token !== undefined) continue;
    const version = textOf(metadataOf(page), 'resourceVersion');
    if (version === undefined) throw new ListError(`the list of ${order.resource} has no resourceVersion`);
    return { objects, version };
  }
}

async function readPage(order: ListOrder, token: string | undefined): Promise<JsonObject | undefined> {
  const { kube, path, resource, timeout, signal } = order;
  const timed = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const answer = await kube.get(path, { limit: LIMITS.clusterPage, continue: token }, timed);
  if (answer.status === 404) return undefined;
  if (answer.status === 200 && isObject(answer.body) && Array.isArray(own(answer.body, 'items'))) return answer.body;
  throw new ListError(refusalOf('list', resource, answer.status), answer);
}

/** Items of a list that are objects with a name; `apiVersion` and `kind`, which a list of a core kind leaves out, are the list's. */
function itemsOf(page: JsonObject): JsonObject[] {
  const items = own(page, 'items');
  const kind = textOf(page, 'kind')?.replace('List', '') ?? '';
  const apiVersion = textOf(page, 'apiVersion') ?? '';
  return (Array.isArray(items) ? items : [])
    .filter((item) => isObject(item) && textOf(metadataOf(item), 'name') !== undefined)
    .map((item) => ({ apiVersion, kind, ...(item as JsonObject) }));
}
