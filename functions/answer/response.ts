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
    /** Written into the audit log of the API server, each key below the name of the webhook. */
    readonly auditAnnotations: Readonly<Record<string, string>>;
    readonly status?: {
      readonly code: number;
      readonly reason: string;
      readonly message: string;
      /** `name`, `group` and `kind` of the object where the object itself is not valid. */
      readonly details: {
        readonly name?: string;
        readonly group?: string;
        readonly kind?: string;
        readonly causes: readonly { reason: string; message: string; field: string }[];
      };
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

/** Images that the audit annotations name at most; the rest is counted. */
const AUDITED = 20;

/** What the audit log keeps of a decision: what it was, why nothing had to be proven, and which images were refused, or would have been. */
function annotationsOf(decision: Decision): Readonly<Record<string, string>> {
  if (decision.allowed && decision.exemption !== undefined)
    return { decision: 'exempt', exemption: decision.exemption };
  const images = decision.allowed ? decision.tolerated : decision.images;
  if (decision.allowed && images.length === 0) return ADMITTED;
  const codes = decision.allowed ? images.map(({ code }) => code) : decision.codes;
  const named = images.slice(0, AUDITED).map(({ written, fields, code, policy, ...more }) => {
    return { image: written, field: fields[0], code, policy, ...('mode' in more && { mode: more.mode }) };
  });
  return {
    decision: decision.allowed ? 'tolerated' : 'refused',
    codes: [...new Set(codes)].join(','),
    ...(named.length > 0 && { images: JSON.stringify(named) }),
    ...(images.length > AUDITED && { more: String(images.length - AUDITED) }),
  };
}
const ADMITTED = { decision: 'admitted' };

/** Causes of a refusal at most: each repeats its message, and an image may stand in thousands of places. */
const CAUSES = 500;
const causes = (images: readonly ImageRefusal[]) =>
  images
    .flatMap(({ fields, code, message }) => fields.map((field) => ({ reason: code, message, field })))
    .slice(0, CAUSES);

/** Renders a decision for the API server, in the version it asked in. */
export function renderResponse({ uid, apiVersion }: Envelope, decision: Decision): AdmissionReviewAnswer {
  const auditAnnotations = annotationsOf(decision);
  if (!decision.allowed) {
    const { message, images, transient } = decision;
    const status = transient ? { code: 503, reason: 'ServiceUnavailable' } : { code: 403, reason: 'Forbidden' };
    const details = { causes: causes(images) };
    const response = { uid, allowed: false, status: { ...status, message, details }, auditAnnotations };
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
    auditAnnotations,
  };
  return { apiVersion, kind: 'AdmissionReview', response };
}
