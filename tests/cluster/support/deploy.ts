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
  /** Where CloudEvents go. */
  readonly sink: string;
  readonly logLevel?: 'info' | 'debug';
  /** How the function that looks at policies is deployed: as it should be by default, not at all, or so that it cannot start. */
  readonly validate?: 'left out' | 'broken';
}

const kustomization = (fields: object): string =>
  stringify({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...fields });

/**
 * Writes an overlay as an operator would: the default one with the component for an own authority, the image, and scaling that a
 * small cluster reaches.
 */
export async function writeOverlay({
  folder,
  image,
  authority,
  sink,
  logLevel = 'info',
  validate,
}: Deployment): Promise<void> {
  const knative = relative(await realpath(folder), KNATIVE);
  await mkdir(join(folder, 'webhook'), { recursive: true });
  await writeFile(join(folder, 'ca.crt'), authority);
  const annotation = (name: string, value: string) => ({
    op: 'replace',
    path: `/spec/template/metadata/annotations/autoscaling.knative.dev~1${name}`,
    value,
  });
  const patch = [annotation('target', '0.1'), annotation('max-scale', '6'), annotation('scale-down-delay', '30s')];
  const serviceNamed = (name: string) => ({ group: 'serving.knative.dev', kind: 'Service', name });
  const broken = [{ op: 'replace', path: '/spec/template/spec/containers/0/args', value: ['missing.js'] }];
  const text = kustomization({
    sortOptions: { order: 'fifo' },
    resources: [`${knative}/overlays/default`],
    components: ['trust-ca', ...(validate === 'left out' ? ['without-validate'] : [])].map(
      (name) => `${knative}/components/${name}`,
    ),
    configMapGenerator: [
      {
        name: 'portieris-trust-ca',
        namespace: 'portieris',
        files: ['ca.crt'],
        options: { disableNameSuffixHash: true },
      },
      {
        name: 'portieris-config',
        namespace: 'portieris',
        behavior: 'merge',
        literals: [`LOG_LEVEL=${logLevel}`, `K_SINK=${sink}`],
      },
    ],
    images: [{ name: 'portieris', newName: image.slice(0, image.lastIndexOf(':')), newTag: image.split(':').at(-1) }],
    patches: [
      { target: serviceNamed('portieris'), patch: stringify(patch) },
      ...(validate === 'broken' ? [{ target: serviceNamed('portieris-validate'), patch: stringify(broken) }] : []),
    ],
  });
  await writeFile(join(folder, 'kustomization.yaml'), text);
  await writeFile(
    join(folder, 'webhook', 'kustomization.yaml'),
    kustomization({ resources: [`../${knative}/overlays/default/webhook`] }),
  );
}

/** What skaffold does after a build: applies the manifests, then the hook, whose waits are `seconds` long at most. Throws with what the hook said. */
export async function deploy(folder: string, seconds = 300): Promise<void> {
  const manifests = await kubectl(['kustomize', folder]);
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifests);
  await run('sh', [join(KNATIVE, 'enforce.sh'), folder], { env: { TIMEOUT: String(seconds) }, timeout: 900_000 });
}

/** What `skaffold delete` does. */
export async function undeploy(folder: string): Promise<void> {
  const manifests = await kubectl(['kustomize', folder]);
  await kubectl(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], manifests);
}
