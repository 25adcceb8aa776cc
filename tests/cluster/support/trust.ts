import { spawn } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { makeAuthority } from '../../integration/support/certificates.ts';
import { type NotaryUser, notaryUser, type SignedTag } from '../../integration/support/notary.ts';
import { freePort } from '../../support/port.ts';
import { apply, kubectl, type Thing } from './cluster.ts';
import { build } from './images.ts';
import { eventually } from './shell.ts';

/** Namespace of the Notary server. */
export const NOTARY = 'portieris-e2e-notary';
/** Where the gate finds it. */
export const TRUST_SERVER = `https://notary.${NOTARY}.svc:4443`;

/** A Notary server in the cluster, and somebody who signs with it. */
export interface Trust {
  /** PEM of the authority of its certificate. */
  readonly authority: string;
  /** Makes the repository and signs one tag of it with the real client. */
  sign(gun: string, tag: SignedTag): Promise<void>;
  close(): void;
}

const labels = { app: 'notary' };
const named = (name: string) => ({ name, namespace: NOTARY });
const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const CONFIGURATION = JSON.stringify({
  server: { http_addr: ':4443', tls_cert_file: '/etc/notary/tls.crt', tls_key_file: '/etc/notary/tls.key' },
  trust_service: { type: 'local' },
  logging: { level: 'error' },
  storage: { backend: 'memory' },
});

function objects(image: string, pair: { certificate: string; key: string }): Thing[] {
  const container = {
    name: 'notary',
    image,
    readinessProbe: { tcpSocket: { port: 4443 } },
    volumeMounts: [{ name: 'etc', mountPath: '/etc/notary' }],
  };
  const data = {
    'config.json': encode(CONFIGURATION),
    'tls.crt': encode(pair.certificate),
    'tls.key': encode(pair.key),
  };
  const volumes = [{ name: 'etc', secret: { secretName: 'notary' } }];
  const template = { metadata: { labels }, spec: { containers: [container], volumes } };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NOTARY } },
    { apiVersion: 'v1', kind: 'Secret', metadata: named('notary'), data },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: named('notary'),
      spec: { selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: named('notary'),
      spec: { selector: labels, ports: [{ port: 4443 }] },
    },
  ];
}

/** Packs notary-server into an image, runs it in the cluster, and makes a user of the real client who reaches it. */
export async function startTrust(folder: string, registry: string): Promise<Trust> {
  const context = join(folder, 'notary-image');
  await mkdir(context, { recursive: true });
  await copyFile(inject('tools')['notary-server'] as string, join(context, 'notary-server'));
  const dockerfile = 'tests/cluster/notary/Dockerfile';
  const { name } = await build({ name: `${registry}/portieris-e2e/notary:${Date.now()}`, dockerfile, context });
  const authority = makeAuthority('cluster test');
  await apply(...objects(name, authority.issue([`notary.${NOTARY}.svc`, 'localhost', '127.0.0.1'])));
  await kubectl(['rollout', 'status', '-n', NOTARY, 'deployment/notary', '--timeout=180s']);
  const forward = await keepForwarding();
  const origin = `https://127.0.0.1:${forward.port}`;
  const authorityFile = join(folder, 'notary-ca.crt');
  await writeFile(authorityFile, authority.certificate);
  let users = 0;
  // A connection of the forwarding may break at any moment: what was published by then is not known, so the next attempt begins with an empty repository.
  const initialized = (gun: string): Promise<NotaryUser> =>
    eventually(`${gun} is initialized`, 60, async () => {
      users += 1;
      const user = await notaryUser({ folder: join(folder, `user-${users}`), origin, authorityFile });
      await user.run('delete', gun, '--remote');
      await user.init(gun);
      return user;
    });
  const sign = async (gun: string, tag: SignedTag): Promise<void> => {
    const user = await initialized(gun);
    await eventually(`${gun}:${tag.name} is signed`, 60, async () => {
      await user.sign(gun, tag);
      return true;
    });
  };
  return { authority: authority.certificate, sign, close: forward.close };
}

/** `kubectl port-forward` ends with the first connection that is reset; another takes its place, at the same port. */
async function keepForwarding(): Promise<{ readonly port: number; close(): void }> {
  const port = await freePort();
  let open = true;
  let stop = (): void => undefined;
  const follow = (): void => {
    const child = spawn('kubectl', ['port-forward', '-n', NOTARY, 'deployment/notary', `${port}:4443`], {
      stdio: 'ignore',
    });
    stop = () => void child.kill('SIGTERM');
    child.once('exit', () => setTimeout(() => open && follow(), 200));
  };
  follow();
  const close = (): void => {
    open = false;
    stop();
  };
  process.once('exit', close);
  return { port, close };
}
