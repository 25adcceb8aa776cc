import { recordName } from '../../../functions/trust/notary/record.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { apply, get, kubectl, tryKubectl } from './cluster.ts';
import { type Deployment, deploy, writeOverlay } from './deploy.ts';
import { build, type Image, lookUp } from './images.ts';
import { type Api, openApi } from './load.ts';
import { sinkOf } from './receiver.ts';
import { NOTARY, startTrust, TRUST_SERVER, type Trust } from './trust.ts';
import { clusterPolicy } from './workloads.ts';

/** The cluster with the gate in it, as every test finds it. */
export interface World {
  /** Namespace of the users' workloads. */
  readonly namespace: string;
  /** `registry/portieris-e2e`. */
  readonly repository: string;
  readonly signed: Image;
  readonly unsigned: Image;
  readonly api: Api;
  readonly trust: Trust;
  /** Where the overlay is. */
  readonly overlay: TemporaryFolder;
  /** What it was written with. */
  readonly deployment: Deployment;
  /** Milliseconds from the first `kubectl apply` to the gate being closed: the first admission has been answered then. Whole seconds. */
  readonly closed: number;
  /** The same to the end of the deployment: policies are looked at then. */
  readonly deployed: number;
  close(): Promise<void>;
}

const NAMESPACE = 'portieris-e2e';

function registryOf(env: NodeJS.ProcessEnv): string {
  const registry = env['REGISTRY'];
  if (registry) return registry;
  throw new Error('REGISTRY must name an image registry that this machine may push to and the nodes may pull from');
}

async function insistOnAnEmptyPlace(repository: string): Promise<void> {
  await kubectl(['get', 'crd', 'services.serving.knative.dev']);
  const { code, stdout } = await tryKubectl(['get', 'namespace', 'portieris', '-o', 'jsonpath={.status.phase}']);
  if (code === 0 && stdout === 'Active') {
    throw new Error('the namespace portieris exists: this test installs the gate, and deletes it at the end');
  }
  // What an earlier run that was broken off left behind.
  await kubectl(['delete', 'namespace', NAMESPACE, NOTARY, '--ignore-not-found', '--wait=false']);
  await kubectl(['wait', '--for=delete', 'namespace', 'portieris', NAMESPACE, NOTARY, '--timeout=300s']);
  // Its root is remembered, and the repository will have another.
  if ((await tryKubectl(['get', 'crd', 'trustrecords.trust.portieris.dev'])).code === 0)
    await kubectl(['delete', 'trustrecord', recordName(TRUST_SERVER, `${repository}/app`), '--ignore-not-found']);
}

/** The image of GATE_IMAGE, else one that is built from the Dockerfile. */
async function gateImage(registry: string): Promise<Image> {
  const given = process.env['GATE_IMAGE'];
  if (given) return lookUp(given);
  return build({ name: `${registry}/portieris:e2e-${Date.now()}`, dockerfile: 'knative/Dockerfile', context: '.' });
}

async function appImage(repository: string, version: string): Promise<Image> {
  const [dockerfile, context] = ['tests/cluster/app/Dockerfile', 'tests/cluster/app'];
  // A builder's cache must not take one for the other.
  const flags = ['--no-cache', '--build-arg', `VERSION=${version}-${Date.now()}`];
  return build({ name: `${repository}/app:${version}`, dockerfile, context, flags });
}

/** When the gate was closed (ms since the epoch): the last write of enforce.sh to its webhook configuration. */
async function closedAt(): Promise<number> {
  const { metadata } = await get('mutatingwebhookconfiguration', 'image-admission-config', '--show-managed-fields');
  const managers = metadata['managedFields'] as readonly { readonly manager: string; readonly time: string }[];
  return Date.parse(managers.find(({ manager }) => manager === 'portieris-enforce')?.time ?? '');
}

/** Builds the images, runs a Notary server, signs one image, installs the gate and closes it. */
export async function openWorld(): Promise<World> {
  const registry = registryOf(process.env);
  const repository = `${registry}/portieris-e2e`;
  await insistOnAnEmptyPlace(repository);
  const overlay = await temporaryFolder('cluster');
  const gate = await gateImage(registry);
  const signed = await appImage(repository, 'signed');
  const unsigned = await appImage(repository, 'unsigned');
  if (signed.digest === unsigned.digest) throw new Error('the signed image and the unsigned one are the same');
  const trust = await startTrust(overlay.path, registry);
  const sha256 = signed.digest.replace('sha256:', '');
  await trust.sign(`${repository}/app`, { name: 'signed', sha256, length: signed.length });

  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const deployment = { folder: overlay.path, image: gate.name, authority: trust.authority, sink: sinkOf(NAMESPACE) };
  await writeOverlay(deployment);
  const started = Date.now();
  await deploy(overlay.path);
  const deployed = Date.now() - started;
  const closed = (await closedAt()) - started;
  await apply(
    clusterPolicy('e2e', `${repository}/*`, TRUST_SERVER),
    clusterPolicy('e2e-notary', `${repository}/notary`),
  );
  const api = await openApi();
  const close = async (): Promise<void> => {
    await api.close();
    trust.close();
    await kubectl(['delete', 'namespace', NAMESPACE, NOTARY, '--ignore-not-found', '--wait=false']);
    await overlay.remove();
  };
  return {
    namespace: NAMESPACE,
    repository,
    signed,
    unsigned,
    api,
    trust,
    overlay,
    deployment,
    closed,
    deployed,
    close,
  };
}
