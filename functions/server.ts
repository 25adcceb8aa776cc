import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type Config, ConfigError, parseConfig } from './config.ts';
import { makeLean, messagesOf } from './lean.ts';
import { LIMITS } from './limits.ts';
import type { Log } from './log.ts';

/** Longer than the 90 s for which the API server and queue-proxy keep idle connections, so that they close first and no call meets a closed one. */
const KEEP_ALIVE = 120_000;
/** How long a drain may take before the process ends all the same; below Kubernetes' default grace of 30 s. */
const DRAIN = 25_000;

/** What a server ends with. */
export interface Served {
  /** Turns readiness off: this process is about to end. */
  drain(): void;
  close(): Promise<void>;
}

/** Opens what a process serves from its environment. A mistake there ends the process with 2, with every mistake named. */
export async function fromEnvironment<T>(open: (config: Config) => Promise<T>): Promise<T> {
  try {
    return await open(parseConfig(process.env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** Answers that are not sent yet, by server. */
const underWay = new WeakMap<Server, Set<ServerResponse>>();

/**
 * Our own start of a function: behind functions-framework's middleware (`listener`), on a server with keep-alive beyond the callers', a body limit
 * and a drain on SIGTERM. The body is read here, once; what the framework would do with it is left out (lean.ts).
 */
export function serveFunction(listener: RequestListener, log: Log): Server {
  log.debug({ leftOut: makeLean(listener) }, 'layers of the framework that have nothing to do here');
  const open = new Set<ServerResponse>();
  const server = createServer(messagesOf(listener), (request, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    readBody(request, (body) => {
      if (body === undefined) return void response.destroy();
      (request as { rawBody?: Buffer }).rawBody = body;
      listener(request, response);
    });
  });
  underWay.set(server, open);
  server.keepAliveTimeout = KEEP_ALIVE;
  server.headersTimeout = KEEP_ALIVE + 10_000;
  server.requestTimeout = 60_000;
  return server;
}

/**
 * Reads a body up to the limit. Of a longer one it keeps one byte more than allowed, which the route refuses, and reads on without keeping,
 * so that the caller is still there to be told; past four times the limit it gives nothing, and nothing where the caller hung up before the end.
 */
function readBody(request: IncomingMessage, done: (body: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  // Events, neither `for await` nor a promise: an iterator costs a small body more than all the rest of its reading.
  request.on('data', (chunk: Buffer) => {
    const room = LIMITS.reviewBytes + 1 - length;
    if (room > 0) chunks.push(room < chunk.length ? chunk.subarray(0, room) : chunk);
    length += chunk.length;
    if (length > 4 * LIMITS.reviewBytes) done(undefined);
  });
  request.on('end', () => done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
  // Of an error nobody is told who does not listen for it (http.IncomingMessage), and it closes.
  request.on('close', () => request.complete || done(undefined));
}

/** Ends the server without failing a call: no new connections, kept-alive ones closed after their answer, then the app. */
export async function drain(server: Server, app: Served): Promise<void> {
  app.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const last = (response: ServerResponse): unknown => response.headersSent || response.setHeader('connection', 'close');
  underWay.get(server)?.forEach(last);
  server.prependListener('request', (_request, response) => last(response));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN);
  await closed;
  clearTimeout(late);
  await app.close();
}

/** Listens at the port of the configuration until SIGTERM or SIGINT, then drains and ends the process with 0. */
export function run(server: Server, app: Served & { readonly config: Config; readonly log: Log }): void {
  server.listen(app.config.port, () => app.log.info({ address: server.address() }, 'serving'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void drain(server, app).then(() => process.exit(0)));
  }
}
