import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** Any object that is stored. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Record<string, unknown>;
  readonly [field: string]: unknown;
}

/** What a request meets instead of the right answer. */
export type Fault =
  | { readonly do: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** Answers a watch with 200 and an ERROR event of this code. */
  | { readonly do: 'error'; readonly code: number }
  /** Takes the request and says nothing, ever. */
  | { readonly do: 'hang' }
  /** A watch with 200 that never carries an event and never ends. */
  | { readonly do: 'silent' }
  /** The connection is cut before any answer. */
  | { readonly do: 'cut' }
  /** The text is sent as the whole body of a 200; a watch goes on after it. */
  | { readonly do: 'body'; readonly text: string };

/** A request that came in. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly watch: boolean;
}

interface Rule {
  readonly match: (seen: Seen) => boolean;
  readonly fault: Fault;
  left: number;
}

interface Change {
  readonly version: number;
  readonly type: string;
  readonly path: string;
  readonly object: KubeObject;
}

interface Stream {
  readonly path: string;
  readonly response: ServerResponse;
}

/** How the server runs. */
export interface KubeOptions {
  /** Key and certificate (PEM): the server speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The only bearer token that is let in. */
  readonly token?: string;
  /** Objects in one page at most, whatever the client asks for. */
  readonly page?: number;
}

/** A small real server of the Kubernetes API: list with pages, watch from a version, get; objects are put and removed by the test. */
export class KubeServer {
  readonly seen: Seen[] = [];
  token: string | undefined;
  url = '';
  /** TCP connections that were opened so far. */
  connections = 0;
  readonly #options: KubeOptions;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  readonly #stored = new Map<string, KubeObject>();
  readonly #collections = new Set<string>();
  readonly #streams = new Set<Stream>();
  readonly #rules: Rule[] = [];
  #history: Change[] = [];
  #version = 100;
  #oldest = 0;

  constructor(options: KubeOptions = {}) {
    this.#options = options;
    this.token = options.token;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    this.#server = options.tls === undefined ? createPlain(handle) : createTls(options.tls, handle);
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Listens on a free port of the loopback. */
  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    this.url = `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Makes a collection exist (a CRD is installed); it is empty until something is put. */
  install(...paths: string[]): void {
    for (const path of paths) this.#collections.add(path);
  }

  /** Takes a collection away with all that it holds. */
  uninstall(path: string): void {
    for (const key of [...this.#stored.keys()]) if (key.startsWith(`${path} `)) this.#stored.delete(key);
    this.#collections.delete(path);
    this.drop(path);
  }

  /** Stores an object in a collection and tells the watches. */
  put(path: string, object: KubeObject): void {
    const key = `${path} ${String(object.metadata['namespace'] ?? '')}/${String(object.metadata['name'])}`;
    const type = this.#stored.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#stored.set(key, stored);
    this.#tell({ version: this.#version, type, path, object: stored });
  }

  remove(path: string, namespace: string, name: string): void {
    const key = `${path} ${namespace}/${name}`;
    const stored = this.#stored.get(key);
    if (stored === undefined) throw new Error(`${key} is not stored`);
    this.#stored.delete(key);
    const object = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(++this.#version) } };
    this.#tell({ version: this.#version, type: 'DELETED', path, object });
  }

  /** Forgets the changes so far: a watch from an older version is answered 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = ++this.#version;
  }

  /** Faults the next `times` requests that match. */
  fault(match: (seen: Seen) => boolean, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#rules.push({ match, fault, left: times });
  }

  /** Takes all faults away. */
  heal(): void {
    this.#rules.length = 0;
  }

  /** Cuts the watches of a collection (or all) without an end of the stream. */
  drop(path?: string): void {
    for (const stream of this.#streams) if (path === undefined || stream.path === path) stream.response.destroy();
  }

  /** Writes raw text into the open watches of a collection. */
  write(path: string, text: string): void {
    for (const stream of this.#streams) if (stream.path === path) stream.response.write(text);
  }

  /** TCP connections that are open; none: all that was sent has arrived. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Open watches of a collection. */
  watching(path: string): number {
    return [...this.#streams].filter((stream) => stream.path === path).length;
  }

  #tell(change: Change): void {
    this.#history.push(change);
    this.write(change.path, lineOf(change));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://kube');
    const seen: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      watch: url.searchParams.get('watch') === 'true',
    };
    this.seen.push(seen);
    const rule = this.#rules.find((candidate) => candidate.left > 0 && candidate.match(seen));
    if (rule !== undefined) {
      rule.left -= 1;
      this.#misbehave(rule.fault, seen, response);
    } else if (this.token !== undefined && seen.authorization !== `Bearer ${this.token}`) status(response, 401);
    else if (seen.watch) this.#watch(seen, response);
    else this.#read(seen, response);
  }

  #misbehave(fault: Fault, seen: Seen, response: ServerResponse): void {
    if (fault.do === 'status') status(response, fault.status, fault.headers);
    else if (fault.do === 'cut') response.destroy();
    else if (fault.do === 'error')
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: fault.code } })}\n`);
    else if (fault.do === 'silent') response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    else if (fault.do === 'body' && seen.watch) this.#watch(seen, response, fault.text);
    else if (fault.do === 'body') response.writeHead(200, { 'content-type': 'application/json' }).end(fault.text);
  }

  #watch(seen: Seen, response: ServerResponse, prefix = ''): void {
    const since = Number(seen.query.get('resourceVersion'));
    if (!this.#collections.has(seen.path)) return void status(response, 404);
    if (since < this.#oldest) return void status(response, 410);
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    const missed = this.#history.filter((change) => change.path === seen.path && change.version > since);
    if (prefix !== '' || missed.length > 0) response.write(prefix + missed.map(lineOf).join(''));
    const stream = { path: seen.path, response };
    this.#streams.add(stream);
    const timer = setTimeout(() => response.end(), Number(seen.query.get('timeoutSeconds')) * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      this.#streams.delete(stream);
    });
  }

  #read(seen: Seen, response: ServerResponse): void {
    if (this.#collections.has(seen.path)) return void this.#list(seen, response);
    const match = /^(\/.*?)\/namespaces\/([^/]+)(\/[^/]+)\/([^/]+)$/.exec(seen.path);
    const [, base = '', namespace = '', plural = '', name = ''] = match ?? [];
    const object = this.#stored.get(`${base}${plural} ${decodeURIComponent(namespace)}/${decodeURIComponent(name)}`);
    if (object === undefined) status(response, 404);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(object));
  }

  #list(seen: Seen, response: ServerResponse): void {
    const all = [...this.#stored].filter(([key]) => key.startsWith(`${seen.path} `)).map(([, object]) => object);
    const from = Number(seen.query.get('continue') ?? 0);
    const limit = Math.min(
      Number(seen.query.get('limit') ?? all.length),
      this.#options.page ?? Number.POSITIVE_INFINITY,
    );
    const items = all.slice(from, from + limit);
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    const metadata = { resourceVersion: String(this.#version), ...next };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        apiVersion: items[0]?.apiVersion ?? 'v1',
        kind: `${items[0]?.kind ?? ''}List`,
        metadata,
        items,
      }),
    );
  }
}

const lineOf = ({ type, object }: Change): string => `${JSON.stringify({ type, object })}\n`;

function status(response: ServerResponse, code: number, headers: Record<string, string> = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code }));
}

/** Paths of the collections that the gate follows. */
export const PATHS = {
  image: '/apis/portieris.cloud.ibm.com/v1/imagepolicies',
  cluster: '/apis/portieris.cloud.ibm.com/v1/clusterimagepolicies',
  oldImage: '/apis/securityenforcement.admission.cloud.ibm.com/v1beta1/imagepolicies',
  oldCluster: '/apis/securityenforcement.admission.cloud.ibm.com/v1beta1/clusterimagepolicies',
  accounts: '/api/v1/serviceaccounts',
  secrets: '/api/v1/secrets',
} as const;

/** A kubeconfig (as text) for a server; over plain HTTP client-node wants skipTLSVerify. `ca`: PEM; null: whom Node itself trusts. */
export function kubeconfigOf(server: string, user: Record<string, unknown> = {}, ca?: string | null): string {
  const named = typeof ca === 'string' ? { 'certificate-authority-data': Buffer.from(ca).toString('base64') } : {};
  const trust = ca === undefined ? { 'insecure-skip-tls-verify': true } : named;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, ...trust } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  });
}

/** A policy that allows what matches a pattern without proof. */
export const policyObject = (pattern: string, metadata: Record<string, unknown>, kind = 'ImagePolicy'): KubeObject => ({
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind,
  metadata,
  spec: { repositories: [{ name: pattern, policy: {} }] },
});
