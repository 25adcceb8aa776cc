import {
  AdmissionregistrationV1Api,
  ApiException,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1MutatingWebhookConfiguration,
  type V1Secret,
  type V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { type Pair, splitPem } from './issue.ts';
import type { State, StoredPair } from './plan.ts';
import type { CertificateStore } from './store.ts';

/** Where the objects are. */
export interface Places {
  readonly namespace: string;
  /** Secret that the pods serve from; the next pair stands in `<secret>-next`. */
  readonly secret: string;
  /** Service that the webhook configuration names; only webhooks that call it get the caBundle. */
  readonly service: string;
  /** Name of the webhook configuration. */
  readonly webhook: string;
  /** Whether that is a ValidatingWebhookConfiguration, not a MutatingWebhookConfiguration. */
  readonly validating: boolean;
}

const BUNDLED_AT = 'portieris.cloud.ibm.com/bundled-at';
const SERVED_AT = 'portieris.cloud.ibm.com/served-at';
const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');

/** Kubernetes says 404 where there is nothing, 409 to an older resourceVersion or a second create, 422 to a failed `test` of a patch. */
async function unless<T>(codes: readonly number[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiException && codes.includes(error.code)) return undefined;
    throw error;
  }
}

function timeOf(secret: V1Secret, annotation: string): number | undefined {
  const time = Date.parse(secret.metadata?.annotations?.[annotation] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function pairOf(secret: V1Secret | undefined): StoredPair | undefined {
  if (secret === undefined) return undefined;
  return {
    ca: decode(secret.data?.['ca.crt']),
    certificate: decode(secret.data?.['tls.crt']),
    key: decode(secret.data?.['tls.key']),
    resourceVersion: secret.metadata?.resourceVersion ?? '',
    bundledAt: timeOf(secret, BUNDLED_AT),
    servedAt: timeOf(secret, SERVED_AT),
  };
}

/** Pairs in two Secrets, the caBundle in the webhook configuration; reached with a kubeconfig or as the pod's ServiceAccount. */
export class KubeStore implements CertificateStore {
  readonly #core: CoreV1Api;
  readonly #admission: AdmissionregistrationV1Api;
  readonly #places: Places;
  #webhooks: V1MutatingWebhookConfiguration | V1ValidatingWebhookConfiguration | undefined;

  constructor(places: Places, config: KubeConfig) {
    this.#core = config.makeApiClient(CoreV1Api);
    this.#admission = config.makeApiClient(AdmissionregistrationV1Api);
    this.#places = places;
  }

  async read(): Promise<State> {
    const { namespace, secret, webhook: name, validating } = this.#places;
    this.#webhooks = validating
      ? await unless([404], this.#admission.readValidatingWebhookConfiguration({ name }))
      : await unless([404], this.#admission.readMutatingWebhookConfiguration({ name }));
    const secretOf = (name: string) => unless([404], this.#core.readNamespacedSecret({ namespace, name }));
    const current = pairOf(await secretOf(secret));
    const next = pairOf(await secretOf(`${secret}-next`));
    return { bundle: this.#bundle(), current, next };
  }

  /** Certificates that every webhook of ours holds; undefined where there is none of ours. */
  #bundle(): string | undefined {
    const bundles = this.#ours().map((index) =>
      splitPem(decode(this.#webhooks?.webhooks?.[index]?.clientConfig.caBundle)),
    );
    const [first, ...others] = bundles;
    if (first === undefined) return undefined;
    const differ = others.some((other) => other.join() !== first.join());
    // Webhooks that disagree are brought in line by the step that an empty caBundle leads to.
    return differ ? '' : first.join('\n');
  }

  #ours(): number[] {
    const { namespace, service } = this.#places;
    return (this.#webhooks?.webhooks ?? []).flatMap(({ clientConfig }, index) =>
      clientConfig.service?.name === service && clientConfig.service.namespace === namespace ? [index] : [],
    );
  }

  #secret(
    name: string,
    pair: Pair,
    resourceVersion: string | undefined,
    annotations: Record<string, string>,
  ): V1Secret {
    const labels = { 'app.kubernetes.io/name': 'portieris', 'app.kubernetes.io/component': 'certificates' };
    return {
      metadata: {
        namespace: this.#places.namespace,
        name,
        labels,
        annotations,
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      type: 'kubernetes.io/tls',
      data: { 'ca.crt': encode(pair.ca), 'tls.crt': encode(pair.certificate), 'tls.key': encode(pair.key) },
    };
  }

  async #write(body: V1Secret): Promise<boolean> {
    const { namespace } = this.#places;
    const name = body.metadata?.name ?? '';
    const call =
      body.metadata?.resourceVersion === undefined
        ? this.#core.createNamespacedSecret({ namespace, body })
        : this.#core.replaceNamespacedSecret({ namespace, name, body });
    return (await unless([404, 409], call)) !== undefined;
  }

  serve(pair: Pair, resourceVersion: string | undefined, now: number): Promise<boolean> {
    const annotations = { [SERVED_AT]: new Date(now).toISOString() };
    return this.#write(this.#secret(this.#places.secret, pair, resourceVersion, annotations));
  }

  prepare(pair: Pair): Promise<boolean> {
    return this.#write(this.#secret(`${this.#places.secret}-next`, pair, undefined, {}));
  }

  async mark(now: number): Promise<boolean> {
    const { namespace, secret } = this.#places;
    const name = `${secret}-next`;
    const body = await unless([404], this.#core.readNamespacedSecret({ namespace, name }));
    if (body?.metadata === undefined) return false;
    body.metadata.annotations = { ...body.metadata.annotations, [BUNDLED_AT]: new Date(now).toISOString() };
    return this.#write(body);
  }

  async discard(resourceVersion: string): Promise<boolean> {
    const { namespace, secret } = this.#places;
    const body = { preconditions: { resourceVersion } };
    const call = this.#core.deleteNamespacedSecret({ namespace, name: `${secret}-next`, body });
    return (await unless([404, 409], call)) !== undefined;
  }

  async bundle(authorities: readonly string[]): Promise<boolean> {
    const { webhook: name, validating } = this.#places;
    const value = encode(`${authorities.join('\n')}\n`);
    const body = [
      { op: 'test', path: '/metadata/resourceVersion', value: this.#webhooks?.metadata?.resourceVersion },
      ...this.#ours().map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value })),
    ];
    const options = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);
    const call = validating
      ? this.#admission.patchValidatingWebhookConfiguration({ name, body }, options)
      : this.#admission.patchMutatingWebhookConfiguration({ name, body }, options);
    return (await unless<object>([404, 409, 422], call)) !== undefined;
  }
}

/** A store in the cluster of KUBECONFIG, of the home directory's kubeconfig, or of the pod. */
export function openStore(places: Places): KubeStore {
  const config = new KubeConfig();
  config.loadFromDefault();
  return new KubeStore(places, config);
}
