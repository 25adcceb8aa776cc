import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { kubectl } from './cluster.ts';
import { run } from './shell.ts';

const KNATIVE = resolve(import.meta.dirname, '../../../knative');

/** What the overlay of the test sets. */
export interface Deployment {
  /** An existing folder for the overlay. */
  readonly folder: string;
  /** The gate's image. */
  readonly image: string;
  /** PEM of the authority of the Notary server. */
  readonly authority: string;
  readonly logLevel?: 'info' | 'debug';
}

const kustomization = (fields: object): string =>
  stringify({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...fields });

/**
 * Writes an overlay as an operator would: the default one with the component for an own authority, the image, and scaling that a
 * small cluster reaches.
 */
export async function writeOverlay({ folder, image, authority, logLevel = 'info' }: Deployment): Promise<void> {
  const knative = relative(await realpath(folder), KNATIVE);
  await mkdir(join(folder, 'webhook'), { recursive: true });
  await writeFile(join(folder, 'ca.crt'), authority);
  const annotation = (name: string, value: string) => ({
    op: 'replace',
    path: `/spec/template/metadata/annotations/autoscaling.knative.dev~1${name}`,
    value,
  });
  const patch = [annotation('target', '0.1'), annotation('max-scale', '6'), annotation('scale-down-delay', '30s')];
  const text = kustomization({
    sortOptions: { order: 'fifo' },
    resources: [`${knative}/overlays/default`],
    components: [`${knative}/components/trust-ca`],
    configMapGenerator: [
      {
        name: 'portieris-trust-ca',
        namespace: 'portieris',
        files: ['ca.crt'],
        options: { disableNameSuffixHash: true },
      },
      { name: 'portieris-config', namespace: 'portieris', behavior: 'merge', literals: [`LOG_LEVEL=${logLevel}`] },
    ],
    images: [{ name: 'portieris', newName: image.slice(0, image.lastIndexOf(':')), newTag: image.split(':').at(-1) }],
    patches: [{ target: { group: 'serving.knative.dev', kind: 'Service' }, patch: stringify(patch) }],
  });
  await writeFile(join(folder, 'kustomization.yaml'), text);
  await writeFile(
    join(folder, 'webhook', 'kustomization.yaml'),
    kustomization({ resources: [`../${knative}/overlays/default/webhook`] }),
  );
}

/** What skaffold does after a build: applies the manifests, then the hook. */
export async function deploy(folder: string): Promise<void> {
  const manifests = await kubectl(['kustomize', folder]);
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifests);
  await run('sh', [join(KNATIVE, 'enforce.sh'), folder], { timeout: 900_000 });
}

/** What `skaffold delete` does. */
export async function undeploy(folder: string): Promise<void> {
  const manifests = await kubectl(['kustomize', folder]);
  await kubectl(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], manifests);
}
