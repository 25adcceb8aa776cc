import { request as forward } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { freePort } from '../../support/port.ts';
import type { Authority } from './certificates.ts';
import { startProgram } from './program.ts';
import { webClient } from './web.ts';

/** The gate, or the function that looks at policies, as it is deployed: our own start in a process of its own, behind a TLS front as the side-car is. */
export interface RunningGate {
  /** `https://127.0.0.1:port/admit` (or `/validate`), for a webhook configuration. */
  readonly url: string;
  /** `http://127.0.0.1:port`, the function itself. */
  readonly origin: string;
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** What to start the gate with. */
export interface GateOptions {
  readonly authority: Authority;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

const SERVE = {
  admit: resolve(import.meta.dirname, '../../../functions/serve.ts'),
  validate: resolve(import.meta.dirname, '../../../functions/validate/serve.ts'),
} as const;

function tlsFront(authority: Authority, port: number): Server {
  const { certificate, key } = authority.issue(['127.0.0.1']);
  return createServer({ cert: certificate, key, keepAliveTimeout: 120_000 }, (request, response) => {
    const { method, url: path, headers } = request;
    const passed = forward({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.once('error', () => response.destroy());
    request.pipe(passed);
  });
}

/** Starts the gate, or the other function, and waits until it is ready. */
export async function startGate(
  { authority, folder, env }: GateOptions,
  what: keyof typeof SERVE = 'admit',
): Promise<RunningGate> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const web = webClient(origin, '');
  const program = await startProgram({
    name: what === 'admit' ? 'gate' : what,
    path: process.execPath,
    args: [SERVE[what]],
    folder,
    env: { NODE_ENV: 'production', ...env, PORT: String(port) },
    ready: async () => (await web.ask('GET', '/health/readiness')).status === 200,
  }).finally(() => web.close());
  const front = tlsFront(authority, port);
  await new Promise<void>((done) => front.listen(0, '127.0.0.1', done));
  return {
    url: `https://127.0.0.1:${(front.address() as AddressInfo).port}/${what}`,
    origin,
    log: program.log,
    async stop() {
      front.closeAllConnections();
      await new Promise<void>((done) => front.close(() => done()));
      await program.stop();
    },
  };
}
