import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../../support/port.ts';
import { type Authority, writeLoopbackTls } from './certificates.ts';
import { startProgram } from './program.ts';
import { webClient } from './web.ts';

/** A real Notary server on a loopback port over TLS; what it stores lives in its memory. */
export interface NotaryServer {
  /** `https://127.0.0.1:port`. */
  readonly origin: string;
  /** Path of the PEM of the authority that its certificate comes from. */
  readonly authorityFile: string;
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** Where a Notary server takes the bearer tokens it asks for (its `auth.options`). */
export interface NotaryTokenAuth {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Path of the PEM with the certificates that may sign tokens. */
  readonly rootcertbundle: string;
}

/** What to start a Notary server with. */
export interface NotaryServerOptions {
  readonly authority: Authority;
  /** An existing folder for its configuration and log. */
  readonly folder: string;
  /** Undefined: it asks nobody who they are. */
  readonly auth?: NotaryTokenAuth;
}

/** Starts the server and waits for its health endpoint. */
export async function startNotaryServer(options: NotaryServerOptions): Promise<NotaryServer> {
  const { authority, folder, auth } = options;
  const tls = await writeLoopbackTls(authority, folder);
  const port = await freePort();
  const configuration = {
    server: { http_addr: `127.0.0.1:${port}`, tls_cert_file: tls.certificate, tls_key_file: tls.key },
    trust_service: { type: 'local' },
    logging: { level: 'info' },
    storage: { backend: 'memory' },
    ...(auth === undefined ? {} : { auth: { type: 'token', options: auth } }),
  };
  const file = join(folder, 'notary-server.json');
  await writeFile(file, JSON.stringify(configuration));
  const origin = `https://127.0.0.1:${port}`;
  const web = webClient(origin, authority.certificate);
  const program = await startProgram({
    name: 'notary-server',
    path: inject('tools')['notary-server'] as string,
    args: ['-config', file],
    folder,
    ready: async () => (await web.ask('GET', '/_notary_server/health')).status === 200,
  }).finally(() => web.close());
  return { origin, authorityFile: tls.authority, log: program.log, stop: program.stop };
}
