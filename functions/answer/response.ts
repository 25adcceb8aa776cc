import type { AdmissionRequest } from '../request/review.ts';
import type { Decision, ImageRefusal, Replacement } from './decision.ts';

/** One operation of a JSON patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'test'; readonly path: string; readonly value: string }
  | { readonly op: 'replace'; readonly path: string; readonly value: string };

/** An AdmissionReview as it is answered (admission.k8s.io AdmissionResponse). */
export interface AdmissionReviewAnswer {
  readonly apiVersion: AdmissionRequest['apiVersion'];
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patchType?: 'JSONPatch';
    /** Base64 of the JSON patch. */
    readonly patch?: string;
    readonly warnings?: readonly string[];
    readonly status?: {
      readonly code: number;
      readonly reason: string;
      readonly message: string;
      readonly details: { readonly causes: readonly { reason: string; message: string; field: string }[] };
    };
  };
}

/** What of the request the answer repeats. */
export type Envelope = Pick<AdmissionRequest, 'uid' | 'apiVersion'>;

/** The JSON patch of the replacements: a `test` before each `replace`, so that nothing but the verified name is ever replaced. */
export const patchOf = (replacements: readonly Replacement[]): PatchOperation[] =>
  replacements.flatMap(({ pointer, from, to }): PatchOperation[] => [
    { op: 'test', path: pointer, value: from },
    { op: 'replace', path: pointer, value: to },
  ]);

const causes = (images: readonly ImageRefusal[]) =>
  images.flatMap(({ fields, code, message }) => fields.map((field) => ({ reason: code, message, field })));

/** Renders a decision for the API server, in the version it asked in. */
export function renderResponse({ uid, apiVersion }: Envelope, decision: Decision): AdmissionReviewAnswer {
  if (!decision.allowed) {
    const { message, images, transient } = decision;
    const status = transient ? { code: 503, reason: 'ServiceUnavailable' } : { code: 403, reason: 'Forbidden' };
    const response = { uid, allowed: false, status: { ...status, message, details: { causes: causes(images) } } };
    return { apiVersion, kind: 'AdmissionReview', response };
  }
  const patch = patchOf(decision.replacements);
  const response = {
    uid,
    allowed: true,
    ...(patch.length > 0 && {
      patchType: 'JSONPatch' as const,
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
    ...(decision.warnings.length > 0 && { warnings: decision.warnings }),
  };
  return { apiVersion, kind: 'AdmissionReview', response };
}
