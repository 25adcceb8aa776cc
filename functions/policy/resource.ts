import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Mode } from './mode.ts';

/** API group of 2019, served at v1beta1. */
export const LEGACY_GROUP = 'securityenforcement.admission.cloud.ibm.com';
/** API group of today, served at v1. */
export const CURRENT_GROUP = 'portieris.cloud.ibm.com';

/** The version at which each group is served. */
export const VERSIONS: ReadonlyMap<PolicyGroup, string> = new Map([
  [LEGACY_GROUP, 'v1beta1'],
  [CURRENT_GROUP, 'v1'],
] as const);

/** Either API group of policies. */
export type PolicyGroup = typeof LEGACY_GROUP | typeof CURRENT_GROUP;
/** Either kind of policy: of one namespace, or of the cluster. */
export type PolicyKind = 'ImagePolicy' | 'ClusterImagePolicy';

/** One entry of `spec.repositories`, once its schema holds; the union of what both groups know. */
export interface RepositoryWire {
  readonly name: string;
  readonly policy?: PolicyWire | null;
}
/** `spec.repositories[].policy`. */
export interface PolicyWire {
  readonly trust?: TrustWire;
  readonly simple?: { readonly requirements?: readonly SimpleRequirementWire[] | null };
  /** Group of 2019 only. */
  readonly va?: { readonly enabled?: boolean };
  /** Group of today only. */
  readonly vulnerability?: { readonly ICCRVA?: { readonly enabled?: boolean } };
  /** Group of today only; absent means true. */
  readonly mutateImage?: boolean;
  /** Absent: as the cluster has it. */
  readonly mode?: Mode;
}
/** `policy.trust`: Notary v1. `enabled` absent means false, as it always did. */
export interface TrustWire {
  readonly enabled?: boolean;
  readonly signerSecrets?: readonly SecretWire[];
  /** How many of the signers must have signed; absent means all. */
  readonly signerThreshold?: number;
  readonly trustServer?: string;
  readonly roots?: readonly RootWire[];
  readonly firstUse?: 'allow' | 'deny';
  readonly repository?: RepositoryMapWire;
}
/** A Secret by name; its namespace is that of the policy (of the workload for a ClusterImagePolicy) unless it is written. */
export interface SecretWire {
  readonly name: string;
  readonly namespace?: string;
}
/** One of `trust.roots`: the keys that may be root of some repositories. */
export interface RootWire {
  /** A GUN, or the beginning of GUNs and `*`; absent means `*`. */
  readonly gun?: string;
  readonly keyIds?: readonly string[];
  /** PEM, one block each. */
  readonly publicKeys?: readonly string[];
  /** PEM, one or more certificates. */
  readonly certificateAuthority?: string;
  readonly secret?: SecretWire;
}
/** `trust.repository`: images below `prefix` carry their trust data below `signedPrefix`. */
export interface RepositoryMapWire {
  readonly prefix: string;
  readonly signedPrefix: string;
}
/** One of `policy.simple.requirements`; only `type` decides here. */
export interface SimpleRequirementWire {
  readonly type: 'insecureAcceptAnything' | 'reject' | 'signedBy';
}

/** What makes a policy object itself: two objects with the same identity are two states of one object. */
export interface PolicyIdentity {
  readonly group: PolicyGroup;
  readonly kind: PolicyKind;
  /** Empty for a ClusterImagePolicy; undefined where it can't be read. */
  readonly namespace: string | undefined;
  /** Undefined where it can't be read. */
  readonly name: string | undefined;
}

/**
 * The identity of a policy object of either group, whatever its version; undefined for any other object. An ImagePolicy
 * without a namespace is in `default`, as `kubectl apply` has it.
 */
export function identify(object: JsonObject): PolicyIdentity | undefined {
  const apiVersion = own(object, 'apiVersion');
  const kind = own(object, 'kind');
  const group = typeof apiVersion === 'string' ? apiVersion.split('/', 1)[0] : undefined;
  if (group !== LEGACY_GROUP && group !== CURRENT_GROUP) return undefined;
  if (kind !== 'ImagePolicy' && kind !== 'ClusterImagePolicy') return undefined;
  const metadata = own(object, 'metadata');
  const fields = isObject(metadata) ? metadata : {};
  const namespace = kind === 'ClusterImagePolicy' ? '' : namespaceOf(own(fields, 'namespace'));
  return { group, kind, namespace, name: text(own(fields, 'name')) };
}

/** The key of an identity, unique among all policy objects; names hold no space. */
export const identityKey = (identity: PolicyIdentity): string =>
  `${identity.group} ${identity.kind} ${identity.namespace ?? '?'} ${identity.name ?? '?'}`;

/** How messages name an object: `ImagePolicy team/default`; the group of 2019 is added where it is the one. */
export function labelOf(identity: PolicyIdentity): string {
  const name = identity.name ?? '(no name)';
  const place = identity.kind === 'ClusterImagePolicy' ? name : `${identity.namespace ?? '(no namespace)'}/${name}`;
  return `${identity.kind} ${place}${identity.group === LEGACY_GROUP ? ` (${LEGACY_GROUP})` : ''}`;
}

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= LIMITS.nameLength ? value : undefined;

const namespaceOf = (value: JsonValue | undefined): string | undefined =>
  value === undefined || value === '' || value === null ? 'default' : text(value);
