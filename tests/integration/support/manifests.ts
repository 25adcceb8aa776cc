import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeAnswer, KubeClient, KubeObject } from './kubeclient.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** What `kustomize build` makes of a folder of the repository, in its order. */
export async function render(folder: string): Promise<readonly KubeObject[]> {
  const kustomize = inject('tools')['kustomize'] as string;
  const { stdout } = await promisify(execFile)(kustomize, ['build', resolve(ROOT, folder)], { maxBuffer: 1 << 26 });
  return parseAllDocuments(stdout, { logLevel: 'silent' }).map((document) => document.toJS() as KubeObject);
}

/** The path of an object, as the API server's own discovery says. Throws where the server has no such kind. */
export async function pathOf(client: KubeClient, { apiVersion, kind, metadata }: KubeObject): Promise<string> {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { resources } = (await client.read(root)) as {
    resources: { name: string; kind: string; namespaced: boolean }[];
  };
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
  if (found === undefined) throw new Error(`the API server has no ${apiVersion} ${kind}`);
  const place = found.namespaced ? `/namespaces/${metadata.namespace}` : '';
  return `${root}${place}/${found.name}/${metadata.name}`;
}

/** Server-side apply with strict validation: a field that the server does not know is refused. `dry`: nothing is stored. */
export async function serverApply(client: KubeClient, object: KubeObject, dry: boolean): Promise<KubeAnswer> {
  const query = `fieldManager=test&force=true&fieldValidation=Strict${dry ? '&dryRun=All' : ''}`;
  return client.call('PATCH', `${await pathOf(client, object)}?${query}`, object, {
    'content-type': 'application/apply-patch+yaml',
  });
}
