import type { WebAnswer, WebClient } from './web.ts';

/** A Kubernetes object as JSON. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An answer of the API server: its status and its body, an object or a Status. */
export interface KubeAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field of any kind
  readonly body: any;
}

/** The few calls that the tests make of a Kubernetes API server. */
export interface KubeClient {
  /** The bare request. */
  ask: WebClient['ask'];
  /** The request with its answer parsed; never throws for an HTTP status. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<KubeAnswer>;
  /** POST to a collection; throws with the server's message when it is refused. */
  create(path: string, object: KubeObject): Promise<KubeAnswer['body']>;
  /** GET; throws with the server's message when there is no such thing. */
  read(path: string): Promise<KubeAnswer['body']>;
  /** Creates a namespace and the `default` ServiceAccount in it, which the controller manager would make. */
  namespace(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Path of a collection: `collectionPath('apps/v1', 'deployments', 'default')`; without a namespace, that of the whole cluster. */
export function collectionPath(apiVersion: string, plural: string, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

function parse({ status, text }: WebAnswer): KubeAnswer {
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    return { status, body: { message: text } };
  }
}

/** Makes a client of one that already carries the origin and the user's token. */
export function kubeClient(web: WebClient): KubeClient {
  const call: KubeClient['call'] = async (method, path, body, headers) =>
    parse(await web.ask(method, path, { ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) }));
  const expect = async (method: string, path: string, body?: unknown): Promise<KubeAnswer['body']> => {
    const answer = await call(method, path, body);
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.body.message}`);
  };
  const create: KubeClient['create'] = (path, object) => expect('POST', path, object);
  return {
    ask: web.ask,
    call,
    create,
    read: (path) => expect('GET', path),
    async namespace(name) {
      await create(collectionPath('v1', 'namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
      await create(collectionPath('v1', 'serviceaccounts', name), account);
    },
    close: () => web.close(),
  };
}
