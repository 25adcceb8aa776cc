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
        response: {
          uid: 'u-2',
          allowed: true,
          auditAnnotations: { decision: 'exempt', exemption: 'Nothing changed.' },
        },
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
      tolerated: [],
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
    expect(renderResponse(envelope, decision).response).toMatchObject({
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

  const images = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      written: `a:${index}`,
      fields: [`spec.containers[${index}].image`],
      code: 'TRUST_NOT_SIGNED' as const,
      message: 'No.',
      policy: 'ClusterImagePolicy default, spec.repositories[0]',
    }));
  const refusal = (count: number): Decision => ({
    allowed: false,
    message: 'All of it.',
    codes: ['TRUST_NOT_SIGNED'],
    images: images(count),
    transient: false,
  });

  it('tells the audit log what was refused, by which policy, and for which code', () => {
    const { auditAnnotations } = renderResponse(envelope, refusal(1)).response;
    expect(auditAnnotations).toMatchObject({ decision: 'refused', codes: 'TRUST_NOT_SIGNED' });
    expect(JSON.parse(auditAnnotations['images'] ?? '')).toEqual([
      {
        image: 'a:0',
        field: 'spec.containers[0].image',
        code: 'TRUST_NOT_SIGNED',
        policy: 'ClusterImagePolicy default, spec.repositories[0]',
      },
    ]);
  });

  it('names twenty images in the audit log and counts the others', () => {
    const { auditAnnotations } = renderResponse(envelope, refusal(23)).response;
    expect(JSON.parse(auditAnnotations['images'] ?? '')).toHaveLength(20);
    expect(auditAnnotations['more']).toBe('3');
  });

  it('tells the audit log what was tolerated, and in which mode', () => {
    const tolerated = images(1).map((one) => ({ ...one, mode: 'audit' as const }));
    const decision: Decision = { allowed: true, exemption: undefined, replacements: [], warnings: [], tolerated };
    const { allowed, auditAnnotations } = renderResponse(envelope, decision).response;
    expect(allowed).toBe(true);
    expect(auditAnnotations).toMatchObject({ decision: 'tolerated', codes: 'TRUST_NOT_SIGNED' });
    expect(JSON.parse(auditAnnotations['images'] ?? '')).toMatchObject([{ image: 'a:0', mode: 'audit' }]);
  });

  it('tells the audit log that nothing had to be said', () => {
    const decision: Decision = { allowed: true, exemption: undefined, replacements: [], warnings: [], tolerated: [] };
    expect(renderResponse(envelope, decision).response.auditAnnotations).toEqual({ decision: 'admitted' });
  });
});
