import { type Admission, admit } from '../../functions/admit.ts';
import type { JsonObject } from '../../functions/json.ts';
import type { Verdict } from '../../functions/trust/verdict.ts';
import { bareGate, demandingTrust } from './baregate.ts';
import { bytesOf, digestOf, podSpec, type ReviewOptions, reviewOf, workloadOf } from './review.ts';

const POLICY = demandingTrust('*');

/** The verdict on an image: those of `good.io` are trusted, those of `lax.io` fail and are let pass in mode warn, all others are refused. */
function verdictOn(written: string, message: string): Verdict {
  if (written.startsWith('good.io/')) return { outcome: 'trusted', digest: digestOf('a'), evidence: [] };
  const code = 'TRUST_NOT_SIGNED';
  if (!written.startsWith('lax.io/')) return { outcome: 'denied', code, message };
  return { outcome: 'tolerated', digest: undefined, failures: [{ mode: 'warn', code, message }], evidence: [] };
}

/** The admission of a review by a gate with the verdicts above; `message` is the reason of every refusal. */
export function admissionOf(review: JsonObject, message = 'Nobody signed it.'): Promise<Admission> {
  const gate = bareGate(POLICY, ({ written }) => verdictOn(written, message));
  return admit(gate, bytesOf(review), new AbortController().signal);
}

/** How a pod differs from one with one unsigned image. */
export interface PodShape extends ReviewOptions {
  readonly images?: readonly string[];
  readonly metadata?: JsonObject;
}

/** The review of a pod. */
export function podReview({ images = ['evil.io/app:1'], metadata, ...options }: PodShape = {}): JsonObject {
  const { namespace = 'team', name = 'web' } = options;
  const object = workloadOf('Pod', podSpec(images), { name, namespace, ...metadata });
  return reviewOf(object, { namespace, name, ...options });
}

/** `ownerReferences` with this controller. */
export const controlledBy = (kind: string, name: string, uid: string): JsonObject => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }],
});
