import { describe, expect, it } from 'vitest';
import { approve, type Decision } from '../../../functions/answer/decision.ts';
import { renderResponse } from '../../../functions/answer/response.ts';

const envelope = { uid: 'u-1', apiVersion: 'admission.k8s.io/v1' } as const;

describe('renderResponse', () => {
  it('answers in the version and with the uid of the request', () => {
    expect(renderResponse({ uid: 'u-2', apiVersion: 'admission.k8s.io/v1beta1' }, approve('Nothing changed.'))).toEqual(
      {
        apiVersion: 'admission.k8s.io/v1beta1',
        kind: 'AdmissionReview',
        response: { uid: 'u-2', allowed: true },
      },
    );
  });

  it('patches by a test before each replace, with patch and patchType together', () => {
    const replacements = [{ pointer: '/spec/containers/0/image', from: 'a:1', to: 'a:1@sha256:…' }];
    const { response } = renderResponse(envelope, {
      allowed: true,
      exemption: undefined,
      replacements,
      warnings: ['careful'],
    });
    expect(response.patchType).toBe('JSONPatch');
    expect(response.warnings).toEqual(['careful']);
    expect(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString())).toEqual([
      { op: 'test', path: '/spec/containers/0/image', value: 'a:1' },
      { op: 'replace', path: '/spec/containers/0/image', value: 'a:1@sha256:…' },
    ]);
  });

  it.each([
    [false, 403, 'Forbidden'],
    [true, 503, 'ServiceUnavailable'],
  ])('refuses with a status that tells whether a retry makes sense (transient: %s → %i)', (transient, code, reason) => {
    const images = [
      {
        written: 'a:1',
        fields: ['spec.containers[0].image', 'spec.containers[1].image'],
        code: 'TRUST_NOT_SIGNED',
        message: 'No.',
        policy: undefined,
      },
    ] as const;
    const decision: Decision = {
      allowed: false,
      message: 'All of it.',
      codes: ['TRUST_NOT_SIGNED'],
      images,
      transient,
    };
    expect(renderResponse(envelope, decision).response).toEqual({
      uid: 'u-1',
      allowed: false,
      status: {
        code,
        reason,
        message: 'All of it.',
        details: {
          causes: [
            { reason: 'TRUST_NOT_SIGNED', message: 'No.', field: 'spec.containers[0].image' },
            { reason: 'TRUST_NOT_SIGNED', message: 'No.', field: 'spec.containers[1].image' },
          ],
        },
      },
    });
  });
});
