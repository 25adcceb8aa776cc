import { groupOf, metadataOf, textOf } from '../io/objects.ts';
import type { JsonObject } from '../json.ts';

/** The body that an API server would send for an object that is created in a namespace (admission.k8s.io/v1), as a dry run. */
export function dryRunReview(object: JsonObject, namespace: string): Uint8Array {
  const apiVersion = textOf(object, 'apiVersion') ?? '';
  const kind = textOf(object, 'kind') ?? '';
  const group = groupOf(apiVersion);
  const version = group === '' ? apiVersion : apiVersion.slice(group.length + 1);
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'portieris-command-line',
      kind: { group, version, kind },
      resource: { group, version, resource: `${kind.toLowerCase()}s` },
      name: textOf(metadataOf(object), 'name') ?? '',
      namespace,
      operation: 'CREATE',
      userInfo: {},
      object,
      oldObject: null,
      dryRun: true,
    },
  };
  return new TextEncoder().encode(JSON.stringify(review));
}

/** A pod of one image, as far as the gate looks at it. */
export interface PodOrder {
  readonly image: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Names of its imagePullSecrets. */
  readonly pullSecrets: readonly string[];
}

/** Such a pod. */
export const podOf = ({ image, namespace, serviceAccount, pullSecrets }: PodOrder): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'portieris-command-line', namespace },
  spec: {
    serviceAccountName: serviceAccount,
    imagePullSecrets: pullSecrets.map((name) => ({ name })),
    containers: [{ name: 'image', image }],
  },
});
