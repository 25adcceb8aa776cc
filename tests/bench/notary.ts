import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority, writeLoopbackTls } from '../integration/support/certificates.ts';
import { freePort } from '../support/port.ts';
import { ensureTools } from '../tools/tools.ts';

const run = promisify(execFile);
const DIGEST = 'a'.repeat(64);

/** The real Notary server, with repositories that the real client signed. */
export interface RealNotary {
  readonly origin: string;
  readonly authorityFile: string;
  /** Gives repositories `<prefix>000000` … with the tag v1 in targets/releases; five TUF files each. */
  publish(prefix: string, count: number): Promise<void>;
  /** Fetches the five files one after the other over a kept-alive connection; gives milliseconds. */
  fetchInTurn(gun: string): Promise<number>;
  stop(): Promise<void>;
}

interface Client {
  run(...args: string[]): Promise<void>;
  readonly keyFile: string;
}

async function openClient(folder: string, program: string, server: readonly string[]): Promise<Client> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'notary.json');
  writeFileSync(file, '{}');
  const phrases = ['ROOT', 'TARGETS', 'SNAPSHOT', 'DELEGATION'].map((role) => [
    `NOTARY_${role}_PASSPHRASE`,
    'for-bench',
  ]);
  const env = { HOME: folder, PATH: process.env['PATH'], ...Object.fromEntries(phrases) };
  const fixed = ['-c', file, '-d', join(folder, 'trust'), ...server];
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const keyFile = join(folder, 'delegate.pub.pem');
  const secret = join(folder, 'delegate.pem');
  writeFileSync(keyFile, publicKey);
  writeFileSync(secret, privateKey, { mode: 0o600 });
  const client: Client = { keyFile, run: async (...args) => void (await run(program, [...fixed, ...args], { env })) };
  await client.run('key', 'import', secret, '--role', 'targets/releases');
  return client;
}

const listening = async (url: string, ca: string): Promise<void> => {
  for (let tries = 0; tries < 500; tries += 1) {
    const ok = await new Promise<boolean>((done) => {
      get(url, { ca, agent: false }, (response) => done(response.resume().statusCode === 200)).once('error', () =>
        done(false),
      );
    });
    if (ok) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`nothing answers at ${url}`);
};

/** Starts the server, its trust data in memory. Builds it and the client where they are not at hand. */
export async function startNotary(folder: string): Promise<RealNotary> {
  const tools = await ensureTools(['notary', 'notary-server']);
  const authority = makeAuthority('bench');
  const tls = await writeLoopbackTls(authority, folder);
  const port = await freePort();
  const file = join(folder, 'notary-server.json');
  writeFileSync(
    file,
    JSON.stringify({
      server: { http_addr: `127.0.0.1:${port}`, tls_cert_file: tls.certificate, tls_key_file: tls.key },
      trust_service: { type: 'local' },
      logging: { level: 'error' },
      storage: { backend: 'memory' },
    }),
  );
  const child: ChildProcess = spawn(tools.get('notary-server') ?? '', ['-config', file], { stdio: 'ignore' });
  const origin = `https://127.0.0.1:${port}`;
  const ca = readFileSync(tls.authority, 'utf8');
  await listening(`${origin}/_notary_server/health`, ca);
  const client = await openClient(join(folder, 'client'), tools.get('notary') ?? '', [
    '-s',
    origin,
    '--tlscacert',
    tls.authority,
  ]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const fetchFile = (gun: string, name: string): Promise<Buffer> =>
    new Promise((done, fail) => {
      get(`${origin}/v2/${gun}/_trust/tuf/${name}.json`, { agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done(Buffer.concat(chunks)));
      }).once('error', fail);
    });
  const publishOne = async (gun: string): Promise<void> => {
    await client.run('init', gun, '-p');
    await client.run('delegation', 'add', gun, 'targets/releases', client.keyFile, '--all-paths');
    await client.run('addhash', gun, 'v1', '1234', '--sha256', DIGEST, '--roles', 'targets/releases', '-p');
  };
  return {
    origin,
    authorityFile: tls.authority,
    async publish(prefix, count) {
      for (let index = 0; index < count; index += 1) await publishOne(`${prefix}${String(index).padStart(6, '0')}`);
    },
    async fetchInTurn(gun) {
      const began = performance.now();
      for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']) await fetchFile(gun, role);
      return performance.now() - began;
    },
    async stop() {
      agent.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
