import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../../support/port.ts';
import { type Authority, writeLoopbackTls } from './certificates.ts';
import type { NotaryTokenAuth } from './notaryserver.ts';
import { startProgram } from './program.ts';
import { webClient } from './web.ts';

/** A real image registry on a loopback port over TLS. */
export interface RegistryServer {
  /** `127.0.0.1:port`, as it stands in image names. */
  readonly host: string;
  readonly origin: string;
  readonly authorityFile: string;
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** What to start a registry with; `auth` is its `auth.token`: without it, it asks nobody who they are. */
export interface RegistryOptions {
  readonly authority: Authority;
  readonly folder: string;
  readonly auth?: NotaryTokenAuth;
}

/** Starts the registry with an empty store below `folder`, an existing folder, and waits for its API. */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const { authority, folder, auth } = options;
  const tls = await writeLoopbackTls(authority, folder);
  const host = `127.0.0.1:${await freePort()}`;
  const store = join(folder, 'store');
  await mkdir(store, { recursive: true });
  const file = join(folder, 'registry.yml');
  const configuration = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: store }, delete: { enabled: true } },
    ...(auth === undefined ? {} : { auth: { token: auth } }),
    http: { addr: host, tls: { certificate: tls.certificate, key: tls.key } },
  };
  await writeFile(file, stringify(configuration));
  const origin = `https://${host}`;
  const web = webClient(origin, authority.certificate);
  const program = await startProgram({
    name: 'registry',
    path: inject('tools')['registry'] as string,
    args: ['serve', file],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    folder,
    ready: async () => (await web.ask('GET', '/v2/')).status === (auth === undefined ? 200 : 401),
  }).finally(() => web.close());
  return { host, origin, authorityFile: tls.authority, log: program.log, stop: program.stop };
}
