import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../../support/port.ts';
import { type Authority, type TlsFiles, writeLoopbackTls } from './certificates.ts';
import { type KubeClient, kubeClient } from './kubeclient.ts';
import { type Program, startProgram } from './program.ts';
import { webClient } from './web.ts';

/** A real kube-apiserver with its etcd, on loopback ports; no controllers, no kubelet, no scheduler. */
export interface KubeServer {
  readonly origin: string;
  /** Speaks as a member of `system:masters`. */
  readonly client: KubeClient;
  /** Path of a kubeconfig for the same user. */
  readonly kubeconfig: string;
  log(): Promise<string>;
  /** Ends the API server and leaves etcd: every watch is cut, and nothing answers at its port. */
  pause(): Promise<void>;
  /** Starts the API server again at the same port, on what etcd holds, and waits until it says it is ready. */
  resume(): Promise<void>;
  /** Makes etcd forget every revision but the last. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

interface Place {
  readonly authority: Authority;
  readonly folder: string;
  /** Paths of etcd and kube-apiserver; undefined: those that the test run has found. */
  readonly tools?: Readonly<Record<string, string>>;
}

const pathOf = ({ tools }: Place, name: string): string => (tools ?? inject('tools'))[name] as string;

async function startEtcd(place: Place): Promise<{ origin: string; program: Program }> {
  const { folder } = place;
  const origin = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const web = webClient(origin, '');
  const program = await startProgram({
    name: 'etcd',
    path: pathOf(place, 'etcd'),
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${origin}`,
      `--advertise-client-urls=${origin}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // The store dies with the test; waiting for the disk would only make it slow.
      '--unsafe-no-fsync',
    ],
    folder,
    ready: async () => (await web.ask('GET', '/health')).status === 200,
  }).finally(() => web.close());
  return { origin, program };
}

/** Writes the key pair of service account tokens; gives the paths of both files. */
async function writeAccountKeys(folder: string): Promise<{ signing: string; checking: string }> {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const files = { signing: join(folder, 'accounts.key'), checking: join(folder, 'accounts.pub') };
  await writeFile(files.signing, pair.privateKey, { mode: 0o600 });
  await writeFile(files.checking, pair.publicKey);
  return files;
}

async function writeKubeconfig(file: string, origin: string, tls: TlsFiles, token: string): Promise<void> {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    clusters: [{ name: 'test', cluster: { server: origin, 'certificate-authority': tls.authority } }],
    users: [{ name: 'admin', user: { token } }],
  };
  await writeFile(file, stringify(kubeconfig), { mode: 0o600 });
}

interface ServerArguments {
  readonly port: number;
  readonly etcd: string;
  readonly tls: TlsFiles;
  readonly accounts: { signing: string; checking: string };
  readonly tokens: string;
}

const serverArguments = ({ port, etcd, tls, accounts, tokens }: ServerArguments): string[] => [
  `--etcd-servers=${etcd}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  `--secure-port=${port}`,
  `--tls-cert-file=${tls.certificate}`,
  `--tls-private-key-file=${tls.key}`,
  `--token-auth-file=${tokens}`,
  '--authorization-mode=RBAC',
  `--service-account-signing-key-file=${accounts.signing}`,
  `--service-account-key-file=${accounts.checking}`,
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  '--service-cluster-ip-range=10.0.0.0/24',
  '--endpoint-reconciler-type=none',
  '--allow-privileged=true',
];

/** etcd's JSON gateway: the last revision, and the order to forget all before it, in memory and on disk. */
async function compact(etcd: string): Promise<void> {
  const web = webClient(etcd, '');
  try {
    const key = Buffer.from('/').toString('base64');
    const range = await web.ask('POST', '/v3/kv/range', { body: { key, count_only: true } });
    const { revision } = (JSON.parse(range.text) as { header: { revision: string } }).header;
    const answer = await web.ask('POST', '/v3/kv/compaction', { body: { revision, physical: true } });
    if (answer.status !== 200) throw new Error(`etcd answered ${answer.status} to a compaction: ${answer.text}`);
  } finally {
    await web.close();
  }
}

async function startApiServer(place: Place, etcd: string): Promise<KubeServer> {
  const { authority, folder } = place;
  const tls = await writeLoopbackTls(authority, folder);
  const token = randomBytes(24).toString('hex');
  const tokens = join(folder, 'tokens.csv');
  await writeFile(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const port = await freePort();
  const origin = `https://127.0.0.1:${port}`;
  const client = kubeClient(webClient(origin, authority.certificate, { authorization: `Bearer ${token}` }));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeKubeconfig(kubeconfig, origin, tls, token);
  const args = serverArguments({ port, etcd, tls, accounts: await writeAccountKeys(folder), tokens });
  const launch = () =>
    startProgram({
      name: 'kube-apiserver',
      path: pathOf(place, 'kube-apiserver'),
      args,
      folder,
      ready: async () => (await client.ask('GET', '/readyz')).status === 200,
    });
  let program = await launch().catch(async (error) => {
    await client.close();
    throw error;
  });
  return {
    origin,
    client,
    kubeconfig,
    log: () => program.log(),
    pause: () => program.stop(),
    resume: async () => {
      program = await launch();
    },
    compact: () => compact(etcd),
    stop: async () => {
      await client.close();
      await program.stop();
    },
  };
}

/** Starts etcd and then the API server, with its default admission plugins, and waits until it says it is ready. */
export async function startKube(place: Place): Promise<KubeServer> {
  await mkdir(place.folder, { recursive: true });
  const etcd = await startEtcd(place);
  try {
    const server = await startApiServer(place, etcd.origin);
    const stop = async () => {
      await server.stop();
      await etcd.program.stop();
    };
    return { ...server, stop };
  } catch (error) {
    await etcd.program.stop();
    throw error;
  }
}
