import type { JsonObject } from '../json.ts';
import type { EventStore } from '../notify/channel.ts';
import type { Answer, Kube } from './kubeconfig.ts';
import { metadataOf, textOf } from './objects.ts';

/** What writing Events needs of its surroundings. */
export interface ClusterEventsContext {
  readonly kube: Kube;
  /** Milliseconds for one call. */
  readonly timeout: number;
  /** Ends calls that are under way. */
  readonly signal: AbortSignal;
}

const pathOf = (namespace: string): string =>
  `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;

/** Events of a cluster (events.k8s.io/v1). */
export class ClusterEvents implements EventStore {
  readonly #context: ClusterEventsContext;

  constructor(context: ClusterEventsContext) {
    this.#context = context;
  }

  async create(event: JsonObject): Promise<void> {
    const namespace = textOf(metadataOf(event), 'namespace') ?? '';
    const answer = await this.#send('POST', pathOf(namespace), event);
    if (answer.status !== 201) throw refusalOf(answer, 'create', namespace);
  }

  async count(namespace: string, name: string, series: JsonObject): Promise<boolean> {
    const answer = await this.#send('PATCH', `${pathOf(namespace)}/${encodeURIComponent(name)}`, { series });
    if (answer.status === 404) return false;
    if (answer.status !== 200) throw refusalOf(answer, 'patch', namespace);
    return true;
  }

  async #send(method: 'POST' | 'PATCH', path: string, body: JsonObject): Promise<Answer> {
    const { kube, timeout, signal } = this.#context;
    const timed = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    try {
      const answer = await kube.send(method, path, body, timed);
      if (answer.status !== 401) return answer;
      kube.renew();
      return await kube.send(method, path, body, timed);
    } catch (error) {
      throw new Error('the API server gave no answer about Events', { cause: error });
    }
  }
}

function refusalOf({ status, body }: Answer, verb: string, namespace: string): Error {
  if (status === 403)
    return new Error(
      `the gate may not ${verb} events.events.k8s.io in ${namespace}; apply the RBAC of knative/ again, or set EVENTS=off`,
    );
  const message =
    typeof body === 'object' && body !== null && !Array.isArray(body) ? textOf(body, 'message') : undefined;
  return new Error(`the API server answered ${status} to ${verb} an Event in ${namespace}: ${message ?? 'no message'}`);
}
