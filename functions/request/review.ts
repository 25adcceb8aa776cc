import type { Result } from '../codes.ts';
import type { JsonObject } from '../json.ts';

/** Group, version and kind, or group, version and resource. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** An AdmissionReview request (admission.k8s.io/v1 AdmissionRequest), narrowed. */
export interface AdmissionRequest {
  /** Version the answer must be given in. */
  readonly apiVersion: 'admission.k8s.io/v1' | 'admission.k8s.io/v1beta1';
  readonly uid: string;
  readonly kind: GroupVersion & { readonly kind: string };
  readonly resource: GroupVersion & { readonly resource: string };
  readonly subResource: string | undefined;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly namespace: string;
  /** Empty where generateName is used. */
  readonly name: string;
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
  readonly dryRun: boolean;
}

/** Parses a body (bytes or text of JSON). Refuses with REVIEW_INVALID, every bad field named; duplicates and depth are checked. */
export declare function parseReview(body: Uint8Array): Result<AdmissionRequest>;
/** uid and apiVersion for the answer to a body that `parseReview` refused, as far as they can be told. */
export declare function salvageEnvelope(body: Uint8Array): { uid: string; apiVersion: AdmissionRequest['apiVersion'] };
