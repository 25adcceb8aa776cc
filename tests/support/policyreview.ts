import { type JsonObject, own } from '../../functions/json.ts';

/** How a review of a policy differs from one of its creation in v1. */
export interface PolicyReviewShape {
  readonly operation?: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly old?: JsonObject;
  readonly apiVersion?: 'v1' | 'v1beta1';
  /** Fields laid over the request. */
  readonly request?: JsonObject;
}

const metadataOf = (object: JsonObject): JsonObject => (own(object, 'metadata') ?? {}) as JsonObject;

/** An AdmissionReview of a policy, as an API server sends it. */
export function policyReview(object: JsonObject, shape: PolicyReviewShape = {}): JsonObject {
  const { operation = 'CREATE', old, apiVersion = 'v1', request } = shape;
  const [group = '', version = ''] = String(object['apiVersion']).split('/');
  const kind = String(object['kind']);
  const { name, namespace } = metadataOf(object);
  return {
    apiVersion: `admission.k8s.io/${apiVersion}`,
    kind: 'AdmissionReview',
    request: {
      uid: 'uid-1',
      kind: { group, version, kind },
      resource: { group, version, resource: `${kind.toLowerCase().slice(0, -1)}ies` },
      operation,
      name: name ?? '',
      ...(namespace !== undefined && { namespace }),
      object: operation === 'DELETE' ? null : object,
      oldObject: operation === 'DELETE' ? (old ?? object) : (old ?? null),
      dryRun: false,
      userInfo: { username: 'somebody' },
      options: null,
      ...request,
    },
  };
}
