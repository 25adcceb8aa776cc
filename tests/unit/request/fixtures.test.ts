import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exemptDeletion, exemptImage, exemptObject } from '../../../functions/request/exempt.ts';
import { type AdmissionRequest, parseReview } from '../../../functions/request/review.ts';
import { readWorkload, WORKLOAD_KINDS, type Workload, workloadKind } from '../../../functions/request/workload.ts';

const FOLDER = new URL('../../fixtures/reviews/', import.meta.url);

/** What becomes of a review before any policy is asked: the images that need proof, why it passes whole, or why it is refused. */
type Fate = { verify: string[] } | { passes: RegExp } | { code: string; says: string };

const readKind = (request: AdmissionRequest, object: AdmissionRequest['object']) => {
  const kind = workloadKind(WORKLOAD_KINDS, request.kind.group, request.kind.kind);
  return kind && object && readWorkload(kind, object);
};

function toVerify(request: AdmissionRequest, workload: Workload, old: Workload | undefined): unknown {
  const passes = exemptDeletion(request) ?? exemptObject(request, workload, old);
  if (passes !== null) return { passes };
  const names = new Set(workload.images.map(({ written }) => written));
  return { verify: [...names].filter((written) => exemptImage(written, workload, old) === null) };
}

function fateOf(body: Uint8Array): unknown {
  const review = parseReview(body);
  if (!review.ok) return { code: review.refusal.code, says: review.refusal.message };
  const request = review.value;
  const workload = readKind(request, request.object ?? request.oldObject);
  if (workload === undefined) return { code: 'KIND_UNKNOWN', says: '' };
  if (!workload.ok) return { code: workload.refusal.code, says: workload.refusal.message };
  const old = request.operation === 'UPDATE' ? readKind(request, request.oldObject) : undefined;
  return toVerify(request, workload.value, old?.ok ? old.value : undefined);
}

const FATES: Record<string, Fate> = {
  'another-kind-of-review': { code: 'REVIEW_INVALID', says: 'kind: must be AdmissionReview' },
  'config-map': { code: 'KIND_UNKNOWN', says: '' },
  cronjob: { verify: ['app:v1'] },
  'deployment-of-extensions': { verify: ['app:v1'] },
  'deployment-pinned': { verify: [`app:v1@sha256:${'a'.repeat(64)}`] },
  'deployment-restarted': { verify: ['app:v1'] },
  'deployment-scaled-down': { passes: /same as before/ },
  'deployment-scaled-down-with-another-image': { verify: ['evil:v1'] },
  'deployment-updated-for-deletion': { passes: /marked for deletion/ },
  'deployment-without-replicas': { verify: ['app:v1'] },
  'everything-wrong': { code: 'REVIEW_INVALID', says: 'request.operation' },
  'list-of-reviews': { code: 'REVIEW_INVALID', says: 'body: must be object' },
  'no-request': { code: 'REVIEW_INVALID', says: 'request: is missing' },
  null: { code: 'REVIEW_INVALID', says: 'body: must be object' },
  'null-object': { code: 'REVIEW_INVALID', says: 'request.object: must be object' },
  'null-request': { code: 'REVIEW_INVALID', says: 'request: must be object' },
  pod: { verify: ['nginx:1.27', 'us.icr.io/team/app:v1'] },
  'pod-blank-images': { verify: ['nginx'] },
  'pod-containers-not-a-list': { code: 'WORKLOAD_INVALID', says: 'spec.containers: must be a list' },
  'pod-created-as-if-being-deleted': { verify: ['evil'] },
  'pod-debugged': { verify: ['app:v1'] },
  'pod-deleted': { passes: /being deleted/ },
  'pod-generate-name': { verify: ['nginx'] },
  'pod-image-is-a-number': { code: 'WORKLOAD_INVALID', says: 'spec.containers[0].image: must be a string' },
  'pod-labelled': { passes: /same as before/ },
  'pod-of-a-made-up-owner': { verify: ['evil'] },
  'pod-of-two-controllers': { verify: ['evil'] },
  'pod-reserved-words': { verify: ['nginx'] },
  'pod-that-is-a-config-map': { code: 'REVIEW_INVALID', says: 'request.kind says' },
  'pod-updated-as-if-being-deleted': { verify: ['evil'] },
  'pod-v1beta1': { verify: ['nginx:1.27'] },
  'pod-with-an-annotation-of-ours': { verify: ['evil'] },
  'pod-with-every-image-field': { verify: ['init:1', 'main:1', 'debug:1', 'data:1'] },
  'pod-without-spec': { code: 'WORKLOAD_INVALID', says: 'spec: is missing' },
  'repeated-image-by-escape': { code: 'REVIEW_INVALID', says: 'repeats the name "image"' },
  'replicationcontroller-without-template': { verify: [] },
  'unknown-version': { code: 'REVIEW_INVALID', says: 'admission.k8s.io/v1 or admission.k8s.io/v1beta1' },
};

describe('odd reviews', () => {
  it('are all listed here', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ''));
    expect(files.sort()).toEqual(Object.keys(FATES).sort());
  });

  it.each(Object.entries(FATES))('%s meets its fate', (name, fate) => {
    const found = fateOf(readFileSync(new URL(`${name}.json`, FOLDER)));
    const expected =
      'says' in fate
        ? { code: fate.code, says: expect.stringContaining(fate.says) }
        : 'passes' in fate
          ? { passes: expect.stringMatching(fate.passes) }
          : fate;
    expect(found).toEqual(expected);
  });
});
