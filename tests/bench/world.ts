import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';

/** Host of every image of the bench. */
export const HOST = 'registry.bench';
/** Host of the images whose trust data the real Notary server holds, in the cold case. */
export const COLD_HOST = 'cold.bench';
const DIGEST = 'b'.repeat(64);

/** A folder for what a bench writes. */
export interface Bench {
  readonly folder: string;
  remove(): void;
}

export async function openFolder(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'portieris-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A Pod's review as the API server sends it, with these images, filled up to a size. */
export function review(images: readonly string[], { bytes = 2048, namespace = 'team' } = {}): string {
  const build = (filler: string): string => {
    const metadata = { annotations: { filler }, labels: { app: 'web' }, namespace };
    return Buffer.from(bytesOf(reviewOf(workloadOf('Pod', podSpec(images), metadata), { namespace }))).toString();
  };
  return build('x'.repeat(Math.max(0, bytes - build('').length)));
}

const policy = (kind: string, name: string, namespace?: string): string => `apiVersion: portieris.cloud.ibm.com/v1
kind: ${kind}
metadata:
  name: ${name}
${namespace === undefined ? '' : `  namespace: ${namespace}\n`}spec:
  repositories:
    - name: ${HOST}/*
      policy: { trust: { enabled: true } }
    - name: ${COLD_HOST}/*
      policy: { trust: { enabled: true } }
`;

/** The text of a namespace's policies. */
export const policiesOf = (namespace: string, count: number): string =>
  Array.from({ length: count }, (_, index) => policy('ImagePolicy', `p${index}`, namespace)).join('---\n');

/** Writes a directory with one ClusterImagePolicy and so many ImagePolicies over up to 1,000 namespaces; gives its path. */
export function writePolicies(parent: string, count = 0): string {
  const path = join(parent, `policies-${count}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'cluster.yaml'), policy('ClusterImagePolicy', 'bench'));
  const namespaces = Math.min(1000, count);
  for (let index = 0; index < namespaces; index += 1) {
    writeFileSync(join(path, `n${index}.yaml`), policiesOf(`n${index}`, Math.round(count / namespaces)));
  }
  return path;
}

/** The signing world of the tests over TLS, for what needs thousands of repositories or tags; its authority is written to a file. */
export interface SignedWorld {
  readonly server: NotaryServer;
  readonly authorityFile: string;
}

/** Serves `r000000` … with the tag `t000000`, or one repository with so many tags. */
export async function serveSigned(folder: string, { repositories = 1, tags = 1 } = {}): Promise<SignedWorld> {
  const made = Array.from({ length: repositories }, (_, index) => {
    const repository = new TestRepository({ gun: `${HOST}/r${String(index).padStart(6, '0')}` });
    for (let tag = 0; tag < tags; tag += 1) repository.tag(`t${String(tag).padStart(6, '0')}`, DIGEST);
    return repository.publish();
  });
  const server = await serveNotary({ repositories: made });
  const authorityFile = join(folder, `authority-${repositories}-${tags}.pem`);
  writeFileSync(authorityFile, server.ca ?? '');
  return { server, authorityFile };
}
