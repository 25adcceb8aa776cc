import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One right: a verb on a resource of a group, or on `resource/subresource`. */
export type Right = `${string} ${string}/${string}`;

/** A way to an API server with the token of one ServiceAccount, which notes what is asked for. */
export interface Recorder {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** Every right that was used so far: `verb group/resource`. */
  readonly used: ReadonlySet<Right>;
  /** Paths that were answered 403. */
  readonly forbidden: readonly string[];
  close(): Promise<void>;
}

const WRITES: ReadonlyMap<string, string> = new Map([
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);

/** The right that a request uses, as the API server's authorizer reads it (requestinfo.go's table of methods). */
export function rightOf(method: string, target: string): Right {
  const url = new URL(target, 'http://api');
  const [root, ...rest] = url.pathname.split('/').filter((part) => part !== '');
  const group = root === 'apis' ? (rest[0] ?? '') : '';
  const parts = rest.slice(root === 'apis' ? 2 : 1);
  const [plural = '', name, subresource] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts;
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  const read = url.searchParams.get('watch') === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  return `${WRITES.get(method) ?? read} ${group}/${resource}`;
}

/** Starts the recorder on a free port of the loopback. */
export async function startRecorder(origin: string, ca: string, token: string): Promise<Recorder> {
  const used = new Set<Right>();
  const forbidden: string[] = [];
  const pass = (request: IncomingMessage, url: string) =>
    forward(`${origin}${url}`, {
      method: request.method,
      ca,
      headers: { ...request.headers, host: new URL(origin).host, authorization: `Bearer ${token}` },
    });
  const server: Server = createServer((request, response) => {
    const { method = 'GET', url = '/' } = request;
    used.add(rightOf(method, url));
    const passed = pass(request, url);
    passed.once('response', (answer) => {
      if (answer.statusCode === 403) forbidden.push(`${method} ${url}`);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.once('error', () => response.destroy());
    response.once('close', () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    used,
    forbidden,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
