import type { Cluster as ClusterEntry, Configuration, DispatcherOptions, KubeConfig } from '@kubernetes/client-node';
import type { JsonValue } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { Agent, type AgentOptions, type Dispatcher } from './undici.ts';

/** What the API server answered: the status, the body where it was JSON, and Retry-After (seconds) where it stood there. */
export interface Answer {
  readonly status: number;
  readonly body: JsonValue | undefined;
  readonly retryAfter: number | undefined;
}

/** Query parameters; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** How a watch ended: closed by the server, silent for too long, or with the error that ended it. */
export type WatchEnd =
  | { readonly how: 'closed' }
  | { readonly how: 'silent' }
  | { readonly how: 'failed'; readonly status: number | undefined; readonly error: unknown };

/** What a watch is asked. */
export interface WatchOrder {
  readonly path: string;
  readonly query: Query;
  /** Milliseconds without a byte after which the watch counts as silent. */
  readonly silence: number;
  readonly event: (type: unknown, object: unknown) => void;
  readonly signal: AbortSignal;
}

/** The API server, spoken to with the credentials of a kubeconfig or of the pod. */
export interface Kube {
  /** The server's address, for messages. */
  readonly server: string;
  /** GETs JSON; rejects when there is no answer at all. */
  get(path: string, query: Query, signal: AbortSignal): Promise<Answer>;
  /** Sends JSON, a PATCH as a merge patch (RFC 7396); rejects when there is no answer at all. */
  send(method: 'POST' | 'PUT' | 'PATCH', path: string, body: JsonValue, signal: AbortSignal): Promise<Answer>;
  /** Watches until the end, whatever it is; never rejects, and never calls `event` after it. */
  watch(order: WatchOrder): Promise<WatchEnd>;
  /** Reads the configuration and its token anew. */
  renew(): void;
  close(): Promise<void>;
}

type Library = typeof import('./kubelibrary.ts');

/** Connections to the API server at once: a watch for each resource, and reads of Secrets and owners beside them. */
const CONNECTIONS = 32;
/** An idle connection is closed after this long (ms): one that died in silence is then out of the way before a pod is refused twice for it. */
const IDLE = 10_000;

/** Keeps one dispatcher for as long as what it is made of (address, certificates, CA) stays the same. */
class Pool {
  #key = '';
  #dispatcher: Dispatcher | undefined;

  take(options: DispatcherOptions, make: () => Dispatcher | undefined): Dispatcher {
    const key = JSON.stringify(options);
    if (this.#dispatcher !== undefined && key === this.#key) return this.#dispatcher;
    this.#retire();
    this.#key = key;
    const connect = (options.type === 'agent' ? options.connect : {}) as AgentOptions['connect'] & object;
    const made = options.type === 'agent' || options.type === 'none' ? undefined : make();
    this.#dispatcher = made ?? new Agent({ connect, connections: CONNECTIONS, keepAliveTimeout: IDLE });
    return this.#dispatcher;
  }

  /** Requests that run on the old one end in their own time: a watch lives less than a minute. */
  #retire(): void {
    void this.#dispatcher?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#dispatcher?.destroy().catch(() => undefined);
    this.#dispatcher = undefined;
    this.#key = '';
  }
}

/** client-node makes a dispatcher, and so a TLS connection, for each request; its (private) maker is replaced by the pool. */
function shareDispatcher(config: KubeConfig, pool: Pool): void {
  const make = Reflect.get(config, 'createDispatcher') as (
    cluster: unknown,
    options: unknown,
  ) => Dispatcher | undefined;
  const createDispatcher = (cluster: ClusterEntry | null, options: object) =>
    pool.take(config.createDispatcherOptions(cluster, options), () => make.call(config, cluster, options));
  Object.defineProperty(config, 'createDispatcher', { value: createDispatcher });
}

async function readText(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > LIMITS.clusterAnswerBytes)
      throw new Error(`the answer is longer than ${LIMITS.clusterAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const retryAfterOf = (headers: Record<string, string>): number | undefined => {
  const seconds = Number(headers['retry-after']);
  return headers['retry-after'] !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
};

const queryOf = (query: Query): string => {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]))}`;
};

interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly body?: JsonValue;
}

/**
 * A client in the shape of client-node's generated ones, so that `KubeConfig.makeApiClient` makes it. It gives the JSON that
 * was sent: the generated ones drop fields they do not know and turn times into `Date`.
 */
class JsonApi {
  readonly #configuration: Configuration;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  async ask(library: Library, { method, path, body }: Question, signal: AbortSignal): Promise<Answer> {
    const { baseServer, authMethods, httpApi } = this.#configuration;
    const request = baseServer.makeRequestContext(path, library.HttpMethod[method]);
    request.setHeaderParam('Accept', 'application/json');
    if (body !== undefined) {
      request.setHeaderParam('Content-Type', method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
      request.setBody(JSON.stringify(body));
    }
    request.setSignal(signal);
    await authMethods.default?.applySecurityAuthentication(request);
    const response = await httpApi.send(request).toPromise();
    const text = await readText(response.body.stream());
    return { status: response.httpStatusCode, body: parseJson(text), retryAfter: retryAfterOf(response.headers) };
  }
}

function watchOnce(library: Library, config: KubeConfig, order: WatchOrder): Promise<WatchEnd> {
  const watch = new library.Watch(config);
  // Its inactivity limit is a constant of 30 s by default, private in the types.
  Reflect.set(watch, 'requestTimeoutMs', order.silence);
  return new Promise((resolve) => {
    let over = false;
    let abort = () => {};
    const end = (how: WatchEnd) => {
      over = true;
      order.signal.removeEventListener('abort', abort);
      resolve(how);
    };
    const event = (type: unknown, object: unknown) => {
      if (!over && !order.signal.aborted) order.event(type, object);
    };
    watch
      .watch(order.path, order.query, event, (error: unknown) => end(endOf(error)))
      .then(
        (controller) => {
          abort = () => controller.abort();
          if (order.signal.aborted) abort();
          else if (!over) order.signal.addEventListener('abort', abort, { once: true });
        },
        (error: unknown) => end({ how: 'failed', status: undefined, error }),
      );
  });
}

function endOf(error: unknown): WatchEnd {
  if (error === null || error === undefined) return { how: 'closed' };
  if (error instanceof DOMException && error.name === 'TimeoutError') return { how: 'silent' };
  const status = error instanceof Error ? Reflect.get(error, 'statusCode') : undefined;
  return { how: 'failed', status: typeof status === 'number' ? status : undefined, error };
}

/** Which API server, where it is not client-node's default. */
export interface KubeChoice {
  /** Path of a kubeconfig; by default `KUBECONFIG`, the home directory's, or the pod's ServiceAccount. */
  readonly kubeconfig?: string | undefined;
  /** One of its contexts; else its current one. */
  readonly context?: string | undefined;
}

function load(library: Library, { kubeconfig, context }: KubeChoice): KubeConfig {
  const config = new library.KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new Error(`the kubeconfig has no context ${context}; it has ${known.join(', ') || 'none'}`);
    config.setCurrentContext(context);
  }
  if (config.getCurrentCluster() === null) {
    throw new Error('the kubeconfig names no current cluster; set its current-context to a context that it holds');
  }
  return config;
}

/**
 * Opens the API server of a kubeconfig file (and one of its contexts), or by client-node's default: `KUBECONFIG`, `~/.kube/config`, the pod's
 * ServiceAccount. client-node is loaded here and not before: the directory does not need it.
 * Throws an Error with a sentence when the configuration can't be read.
 */
export async function openKube(choice: KubeChoice = {}): Promise<Kube> {
  const library = await import('./kubelibrary.ts');
  const pool = new Pool();
  const prepare = () => {
    const config = load(library, choice);
    shareDispatcher(config, pool);
    return { config, api: config.makeApiClient(JsonApi) };
  };
  let current = prepare();
  return {
    server: current.config.getCurrentCluster()?.server ?? '',
    get: (where, query, signal) =>
      current.api.ask(library, { method: 'GET', path: `${where}${queryOf(query)}` }, signal),
    send: (method, path, body, signal) => current.api.ask(library, { method, path, body }, signal),
    watch: (order) => watchOnce(library, current.config, order),
    renew: () => {
      current = prepare();
    },
    close: () => pool.close(),
  };
}
