import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { app } from './index.ts';
import { makeLean } from './lean.ts';
import { LIMITS } from './limits.ts';

/** Longer than the 90 s for which the API server and queue-proxy keep idle connections, so that they close first and no call meets a closed one. */
const KEEP_ALIVE = 120_000;
/** How long a drain may take before the process ends all the same; below Kubernetes' default grace of 30 s. */
const DRAIN = 25_000;

/** Answers that are not sent yet. */
const underWay = new Set<ServerResponse>();

/**
 * Our own start: the function behind functions-framework's middleware, on a server with keep-alive beyond the callers', a body limit
 * and a drain on SIGTERM. The body is read here, once; what the framework would do with it is left out (lean.ts).
 */
export function serveAdmit(): Server {
  const [listener] = getTestServer('admit').listeners('request') as [RequestListener];
  app.log.debug({ leftOut: makeLean(listener) }, 'layers of the framework that have nothing to do here');
  const server = createServer((request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    void readBody(request).then(
      (body) => {
        Object.assign(request, { rawBody: body });
        listener(request, response);
      },
      () => abandon(response),
    );
  });
  server.keepAliveTimeout = KEEP_ALIVE;
  server.headersTimeout = KEEP_ALIVE + 10_000;
  server.requestTimeout = 60_000;
  return server;
}

/** A caller that hung up in the middle of its body is told nothing. */
function abandon(response: ServerResponse): void {
  response.destroy();
}

/**
 * Reads a body up to the limit. Of a longer one it keeps one byte more than allowed, which the route refuses, and reads on without keeping,
 * so that the caller is still there to be told; past four times the limit it hangs up.
 */
function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((done, fail) => {
    // Events, not `for await`: an iterator costs a small body more than all the rest of its reading.
    request.on('data', (chunk: Buffer) => {
      const room = LIMITS.reviewBytes + 1 - length;
      if (room > 0) chunks.push(room < chunk.length ? chunk.subarray(0, room) : chunk);
      length += chunk.length;
      if (length > 4 * LIMITS.reviewBytes) fail(new RangeError('the body does not end'));
    });
    request.once('end', () => done(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', fail);
    request.once('close', () => fail(new Error('the caller hung up')));
  });
}

/** Ends the server without failing a call: no new connections, kept-alive ones closed after their answer, then the app. */
export async function drain(server: Server): Promise<void> {
  app.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const last = (response: ServerResponse): unknown => response.headersSent || response.setHeader('connection', 'close');
  underWay.forEach(last);
  server.prependListener('request', (_request, response) => last(response));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN);
  await closed;
  clearTimeout(late);
  await app.close();
}

if (import.meta.main) {
  const server = serveAdmit();
  server.listen(app.config.port, () => app.log.info({ address: server.address() }, 'serving'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void drain(server).then(() => process.exit(0)));
  }
}
