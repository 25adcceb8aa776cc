import { Fault } from '../codes.ts';
import type { JsonObject } from '../json.ts';
import type { PolicyStatuses } from '../ports.ts';
import type { Policies } from './collections.ts';
import type { Answer, Kube } from './kubeconfig.ts';
import { metadataOf, textOf } from './objects.ts';

/** What writing statuses needs of its surroundings. */
export interface StatusesContext {
  readonly kube: Kube;
  readonly policies: Policies;
  /** Milliseconds for one call. */
  readonly timeout: number;
}

/** Statuses of the policies of a cluster, written through their `status` subresource by compare-and-swap on `resourceVersion`. */
export class ClusterStatuses implements PolicyStatuses {
  readonly #context: StatusesContext;

  constructor(context: StatusesContext) {
    this.#context = context;
  }

  objects(): Iterable<JsonObject> {
    return this.#context.policies.all();
  }

  async write(object: JsonObject, status: JsonObject, signal: AbortSignal): Promise<boolean> {
    const { kube, timeout } = this.#context;
    const path = statusPath(object);
    const timed = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const put = (): Promise<Answer> => kube.send('PUT', path, { ...object, status }, timed);
    let answer: Answer;
    try {
      answer = await put();
      if (answer.status === 401) {
        kube.renew();
        answer = await put();
      }
    } catch (error) {
      throw new Fault('CLUSTER_UNREACHABLE', 'The API server gave no answer to the status of a policy.', {
        cause: error,
      });
    }
    if (answer.status === 200) return true;
    if (answer.status === 409 || answer.status === 404) return false;
    if (answer.status === 403)
      throw new Fault(
        'CLUSTER_FORBIDDEN',
        'The status of policies may not be updated; apply the RBAC of knative/ again.',
      );
    throw new Fault('CLUSTER_UNREACHABLE', `The API server answered ${answer.status} to the status of a policy.`);
  }
}

/** Path of the `status` subresource. */
function statusPath(object: JsonObject): string {
  const metadata = metadataOf(object);
  const [namespace, name] = [textOf(metadata, 'namespace'), textOf(metadata, 'name') ?? ''];
  const plural = textOf(object, 'kind') === 'ImagePolicy' ? 'imagepolicies' : 'clusterimagepolicies';
  const place = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${textOf(object, 'apiVersion') ?? ''}${place}/${plural}/${encodeURIComponent(name)}/status`;
}
