import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { makeAuthority } from '../../integration/support/certificates.ts';
import { type NotaryUser, notaryUser } from '../../integration/support/notary.ts';
import { apply, kubectl, type Thing } from './cluster.ts';
import { build } from './images.ts';
import { startUntil } from './shell.ts';

/** Namespace of the Notary server. */
export const NOTARY = 'portieris-e2e-notary';
/** Where the gate finds it. */
export const TRUST_SERVER = `https://notary.${NOTARY}.svc:4443`;

/** A Notary server in the cluster, and somebody who signs with it. */
export interface Trust {
  /** PEM of the authority of its certificate. */
  readonly authority: string;
  readonly user: NotaryUser;
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
  const forward = ['port-forward', '-n', NOTARY, 'deployment/notary', ':4443'];
  const { said, stop } = await startUntil('kubectl', forward, /Forwarding from 127\.0\.0\.1:(\d+)/);
  const authorityFile = join(folder, 'notary-ca.crt');
  await writeFile(authorityFile, authority.certificate);
  const user = await notaryUser({ folder: join(folder, 'user'), origin: `https://127.0.0.1:${said}`, authorityFile });
  return { authority: authority.certificate, user, close: stop };
}
