import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { parseReview, salvageEnvelope } from '../../../functions/request/review.ts';
import { bytesOf, KIND_NAMES, KINDS, podSpec, reviewOf, workloadOf } from '../../support/review.ts';

const pod = workloadOf('Pod', podSpec(['nginx']));
const review = (request: JsonObject): Uint8Array => bytesOf(reviewOf(pod, { request }));
const refusal = (body: Uint8Array): string => {
  const result = parseReview(body);
  if (result.ok) throw new Error('the review was accepted');
  expect(result.refusal.code).toBe('REVIEW_INVALID');
  return result.refusal.message;
};

describe('parseReview', () => {
  it.each(KIND_NAMES)('narrows the creation of a %s', (kind) => {
    const object = workloadOf(kind, podSpec(['nginx']));
    const { group, version, resource } = KINDS[kind];
    expect(parseReview(bytesOf(reviewOf(object)))).toEqual({
      ok: true,
      value: {
        apiVersion: 'admission.k8s.io/v1',
        uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
        kind: { group, version, kind },
        resource: { group, version, resource },
        subResource: undefined,
        operation: 'CREATE',
        namespace: 'team',
        name: 'web',
        object,
        oldObject: undefined,
        dryRun: false,
      },
    });
  });

  it('keeps subresource, old object and dry run', () => {
    const body = bytesOf(reviewOf(pod, { oldObject: pod, subResource: 'ephemeralcontainers', dryRun: true }));
    expect(parseReview(body)).toMatchObject({
      value: { operation: 'UPDATE', subResource: 'ephemeralcontainers', oldObject: pod, dryRun: true },
    });
  });

  it('takes a request without group, name, namespace, old object and dryRun, as an API server leaves out what is empty', () => {
    const request = { uid: 'u', kind: { version: 'v1', kind: 'Pod' }, resource: { version: 'v1', resource: 'pods' } };
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
    const result = parseReview(bytesOf({ ...body, request: { ...request, operation: 'CREATE', object: pod } }));
    expect(result).toMatchObject({ ok: true, value: { kind: { group: '' }, name: '', namespace: '', dryRun: false } });
  });

  it('names every bad field at once', () => {
    const message = refusal(review({ uid: 7, kind: {}, operation: 'PATCH', namespace: [], object: 'x', dryRun: 1 }));
    for (const field of [
      'request.uid: must be string',
      'request.kind.version: is missing',
      'request.kind.kind: is missing',
      'request.operation: must be CREATE or UPDATE or DELETE or CONNECT',
      'request.namespace: must be string',
      'request.object: must be object,null',
      'request.dryRun: must be boolean,null',
    ])
      expect(message).toContain(field);
  });

  it.each([
    ['uid', ''],
    ['uid', 'u'.repeat(129)],
    ['name', 'n'.repeat(254)],
    ['namespace', 'n'.repeat(254)],
  ])('bounds request.%s', (field, value) => {
    expect(refusal(review({ [field]: value }))).toContain(`request.${field}`);
  });

  it.each(['CREATE', 'UPDATE'])('asks for the object of a %s', (operation) => {
    expect(refusal(review({ operation, object: null }))).toContain('request.object');
  });

  it('takes a deletion without an object', () => {
    expect(parseReview(bytesOf(reviewOf(pod, { operation: 'DELETE', oldObject: pod })))).toMatchObject({
      ok: true,
      value: { operation: 'DELETE', object: undefined, oldObject: pod },
    });
  });

  it.each(['object', 'oldObject'])('refuses a request whose %s is of another kind than it says', (field) => {
    const other = workloadOf('Deployment', podSpec(['nginx']));
    expect(refusal(review({ [field]: other }))).toContain(`request.${field}: is "apps/v1 Deployment"`);
  });

  it('finds a repeated name, of which JSON.parse would take the last', () => {
    const text = JSON.stringify(reviewOf(pod)).replace('"image":"nginx"', '"image":"evil","image":"nginx"');
    expect(refusal(bytesOf(text))).toContain('repeats the name "image"');
  });

  it('says nothing of the content of a body that is not JSON', () => {
    expect(refusal(bytesOf('{"password":"hunter2"'))).not.toContain('hunter2');
  });
});

describe('salvageEnvelope', () => {
  it('finds uid and version in a review that is refused', () => {
    const body = bytesOf(reviewOf(pod, { apiVersion: 'admission.k8s.io/v1beta1', request: { operation: 'PATCH' } }));
    expect(salvageEnvelope(body)).toEqual({
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      apiVersion: 'admission.k8s.io/v1beta1',
    });
  });

  it('finds them in a body that is cut off', () => {
    const text = JSON.stringify(reviewOf(pod, { uid: 'u-1' })).slice(0, 300);
    expect(salvageEnvelope(bytesOf(text))).toEqual({ uid: 'u-1', apiVersion: 'admission.k8s.io/v1' });
  });

  it.each([
    '',
    'null',
    '[]',
    '"uid"',
    '{"request":null}',
    '{"request":{"uid":7}}',
    '{"other":{"uid":"u"}}',
    '{"request":{"object":{"uid":"u"}}}',
    '{"uid":"u"}',
    `{"request":{"uid":"${'u'.repeat(129)}"}}`,
  ])('answers with an empty uid and v1 where %s tells none', (text) => {
    expect(salvageEnvelope(bytesOf(text))).toEqual({ uid: '', apiVersion: 'admission.k8s.io/v1' });
  });
});
