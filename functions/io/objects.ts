import { isObject, type JsonObject, own } from '../json.ts';
import type { Log } from '../log.ts';
import type { EventStore } from '../notify/channel.ts';
import type { Clock, Cluster, PolicySource, PolicyStatuses, Readiness, SecretObject, TrustMemory } from '../ports.ts';

/** Where policies, Secrets, ServiceAccounts and owners come from: a directory or a cluster, behind one face. */
export interface ObjectSource extends PolicySource, Cluster {
  /** Where the source itself can remember the trust in repositories. */
  readonly memory?: TrustMemory;
  /** Where the source keeps what policies are told of themselves. */
  readonly statuses?: PolicyStatuses;
  /** Where the source takes Events. */
  readonly events?: EventStore;
  /** Whether what it gives can be relied on now, and a sentence for each thing that is amiss. */
  readiness(): Readiness;
  /** Stops watching and frees what is held; calls after it are undefined. Never throws. */
  close(): Promise<void>;
}

/** What every source of objects is given. */
export interface SourceContext {
  readonly log: Log;
  readonly clock: Clock;
}

/** What names a Kubernetes object: `namespace` is empty for a cluster-wide one, `group` for the core group. */
export interface Identity {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** API groups whose policies are read, with the version that is asked for: Portieris' of today and of 2019. */
export const POLICY_GROUPS = [
  { group: 'portieris.cloud.ibm.com', version: 'v1' },
  { group: 'securityenforcement.admission.cloud.ibm.com', version: 'v1beta1' },
] as const;

/** Kinds of Kubernetes and of the gate that stand outside namespaces; every other kind is taken for a namespaced one. */
const CLUSTER_KINDS: ReadonlySet<string> = new Set([
  'APIService',
  'CSIDriver',
  'CertificateSigningRequest',
  'ClusterImagePolicy',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'IngressClass',
  'MutatingWebhookConfiguration',
  'Namespace',
  'Node',
  'PersistentVolume',
  'PriorityClass',
  'RuntimeClass',
  'StorageClass',
  'TrustRecord',
  'ValidatingAdmissionPolicy',
  'ValidatingWebhookConfiguration',
]);

/** Group of an `apiVersion`: empty for the core group. */
export const groupOf = (apiVersion: string): string => {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
};

/** True for a kind that has no namespace. */
export const isClusterKind = (kind: string): boolean => CLUSTER_KINDS.has(kind);

/** True for a policy object of either group. */
export const isPolicy = ({ group, kind }: Identity): boolean =>
  (kind === 'ImagePolicy' || kind === 'ClusterImagePolicy') && POLICY_GROUPS.some((known) => known.group === group);

/** One string for an identity; the separator can't be part of a valid name. */
export const keyOf = ({ group, kind, namespace, name }: Identity): string =>
  [group, kind, namespace, name].join('\u0000');

/** An identity for people: `Secret team/pull`, `ClusterImagePolicy.portieris.cloud.ibm.com default`. */
export const nameOf = ({ group, kind, namespace, name }: Identity): string =>
  `${kind}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`;

/** The text under a name of an object, or undefined where it is absent, empty or no text. */
export const textOf = (object: JsonObject | undefined, name: string): string | undefined => {
  const value = object === undefined ? undefined : own(object, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** `metadata` of an object, or undefined where it has none. */
export const metadataOf = (object: JsonObject): JsonObject | undefined => {
  const metadata = own(object, 'metadata');
  return isObject(metadata) ? metadata : undefined;
};

/** Names in `imagePullSecrets` of a ServiceAccount; entries without a name are left out. */
export function pullSecretNames(account: JsonObject): readonly string[] {
  const secrets = own(account, 'imagePullSecrets');
  if (!Array.isArray(secrets)) return [];
  return secrets
    .map((entry) => (isObject(entry) ? textOf(entry, 'name') : undefined))
    .filter((name) => name !== undefined);
}

/** Bytes of standard base64 (RFC 4648 §4; line ends are allowed, as in the Kubernetes API), or undefined where it is none. */
export function fromBase64(text: string): Uint8Array | undefined {
  const joined = text.replaceAll('\n', '').replaceAll('\r', '');
  const bytes = Buffer.from(joined, 'base64');
  return bytes.toString('base64') === joined ? bytes : undefined;
}

/** A Secret decoded, or the names of the fields that are not valid; values are never in the answer. */
export function secretOf(
  object: JsonObject,
  where: { namespace: string; name: string },
): SecretObject | readonly string[] {
  const data = new Map<string, Uint8Array>();
  const bad: string[] = [];
  const take = (field: string, decode: (text: string) => Uint8Array | undefined) => {
    const entries = own(object, field) ?? {};
    if (!isObject(entries)) return void bad.push(field);
    for (const [name, value] of Object.entries(entries)) {
      const bytes = typeof value === 'string' ? decode(value) : undefined;
      if (bytes === undefined) bad.push(`${field}.${name}`);
      else data.set(name, bytes);
    }
  };
  take('data', fromBase64);
  // Kubernetes' Secret: stringData is written over data of the same name.
  take('stringData', (text) => Buffer.from(text, 'utf8'));
  if (bad.length > 0) return bad;
  return { ...where, type: textOf(object, 'type') ?? 'Opaque', data, annotations: annotationsOf(object) };
}

function annotationsOf(object: JsonObject): ReadonlyMap<string, string> {
  const annotations = own(metadataOf(object) ?? {}, 'annotations');
  const entries = isObject(annotations) ? Object.entries(annotations) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
