import { isObject, type JsonObject, own } from '../json.ts';
import type { Kube } from './kubeconfig.ts';
import { ListError, listAll } from './list.ts';
import { metadataOf, textOf } from './objects.ts';
import { labelsOf } from './resources.ts';

/** Name of the gate's webhook (knative/webhook). */
const WEBHOOK = 'trust.hooks.securityenforcement.admission.cloud.ibm.com';
/** The label that the API server writes on every namespace (Kubernetes: NamespaceDefaultLabelName). */
const NAME = 'kubernetes.io/metadata.name';

/** Which namespaces the webhook of the gate is called for. */
export interface Coverage {
  covers(namespace: string): boolean;
  /** Why it could not be told, so that every namespace counts as covered; undefined where it could. */
  readonly note: string | undefined;
}

type Labels = ReadonlyMap<string, string>;

const textsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** One requirement of a LabelSelector (apimachinery `LabelSelectorAsSelector`); an operator that is none fits nothing. */
function fits(requirement: JsonObject, labels: Labels): boolean {
  const held = labels.get(textOf(requirement, 'key') ?? '');
  const values = textsOf(own(requirement, 'values'));
  switch (textOf(requirement, 'operator')) {
    case 'In':
      return held !== undefined && values.includes(held);
    case 'NotIn':
      return held === undefined || !values.includes(held);
    case 'Exists':
      return held !== undefined;
    case 'DoesNotExist':
      return held === undefined;
    default:
      return false;
  }
}

/** Whether a LabelSelector selects these labels; an absent or empty one selects all. */
export function selects(selector: JsonObject, labels: Labels): boolean {
  const exact = own(selector, 'matchLabels');
  const pairs = isObject(exact) ? Object.entries(exact) : [];
  const requirements = textsOf(own(selector, 'matchExpressions')).filter(isObject);
  return pairs.every(([key, value]) => labels.get(key) === value) && requirements.every((one) => fits(one, labels));
}

const everything = (note: string): Coverage => ({ covers: () => true, note });

/**
 * Which namespaces the gate's webhook is called for, by its configuration as it stands in the cluster. Where it is not installed, or may not be read, every
 * namespace counts, and `note` says so. Throws what `Kube.get` throws where there is no answer at all.
 */
export async function readCoverage(kube: Kube, timeout: number): Promise<Coverage> {
  const list = async (path: string, resource: string) =>
    (await listAll({ kube, path, resource, timeout, signal: new AbortController().signal }))?.objects ?? [];
  try {
    const group = '/apis/admissionregistration.k8s.io/v1';
    const configurations = await list(
      `${group}/mutatingwebhookconfigurations`,
      'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    );
    const selectors = configurations
      .flatMap((configuration) => textsOf(own(configuration, 'webhooks')).filter(isObject))
      .filter((webhook) => textOf(webhook, 'name') === WEBHOOK)
      .map((webhook) => own(webhook, 'namespaceSelector') ?? {})
      .filter(isObject);
    if (selectors.length === 0)
      return everything('the webhook of the gate is not installed in this cluster: every namespace is looked at');
    const namespaces = await list('/api/v1/namespaces', 'namespaces');
    const labels = new Map(namespaces.map((one) => [textOf(metadataOf(one), 'name') ?? '', labelsOf(one)]));
    const known = (namespace: string): Labels => labels.get(namespace) ?? new Map([[NAME, namespace]]);
    return {
      covers: (namespace) => selectors.some((selector) => selects(selector, known(namespace))),
      note: undefined,
    };
  } catch (error) {
    if (!(error instanceof ListError)) throw error;
    const why = error.answer?.status === 403 ? 'you may not list webhook configurations and namespaces' : error.message;
    return everything(`which namespaces the webhook exempts could not be read (${why}): every namespace is looked at`);
  }
}
