import { beforeEach, describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { digestOf } from '../support/review.ts';
import { History } from './history.ts';
import { judge, type Question } from './judge.ts';

const [OLD, NEW, OTHER] = [digestOf('a'), digestOf('b'), digestOf('c')];
const tag: Question = {
  images: ['h/r:live'],
  namespace: 'team',
  condition: { subject: 'h/r', value: undefined, lag: 1_000 },
};
const pinned: Question = { ...tag, images: [`h/r@${OLD}`], condition: { subject: 'h/r', value: OLD, lag: 1_000 } };
const never: Question = { ...tag, condition: undefined };

const answer = (response: Partial<AdmissionReviewAnswer['response']>): AdmissionReviewAnswer => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: { uid: 'u', allowed: false, auditAnnotations: {}, ...response },
});
const admitted = (digest: string, warnings: readonly string[] = []) => {
  const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: `h/r:live@${digest}` }];
  return answer({ allowed: true, warnings, patch: Buffer.from(JSON.stringify(patch)).toString('base64') });
};
const refused = (message: string) =>
  answer({ status: { code: 403, reason: 'Forbidden', message, details: { causes: [] } } });

let history: History;
let changed: number;
beforeEach(() => {
  history = new History();
  history.change('h/r', OLD, () => undefined);
  history.change('h/r', NEW, () => undefined);
  changed = Date.now();
});
const at = (offset: number) => ({ began: changed + offset, ended: changed + offset + 10 });

describe('an answer in the soak', () => {
  it('is right with the digest that is signed, or was within the lag', () => {
    expect(judge(tag, admitted(NEW), history, at(5_000))).toEqual({ outcome: 'admitted' });
    expect(judge(tag, admitted(OLD), history, at(900))).toEqual({ outcome: 'admitted' });
  });

  it('is wrong with one that was signed before that, was never signed, or with none', () => {
    expect(judge(tag, admitted(OLD), history, at(1_100)).outcome).toBe('wrong');
    expect(judge(tag, admitted(OTHER), history, at(0)).outcome).toBe('wrong');
    expect(judge(tag, answer({ allowed: true }), history, at(0)).outcome).toBe('wrong');
  });

  it('may be older where it says so, but never one that was not signed', () => {
    expect(judge(tag, admitted(OLD, ['by trust data of …']), history, at(60_000)).outcome).toBe('stale');
    expect(judge(tag, admitted(OTHER, ['by trust data of …']), history, at(60_000)).outcome).toBe('wrong');
  });

  it('is wrong where it admits what never may be, or refuses what ought to be admitted', () => {
    expect(judge(never, admitted(NEW), history, at(0)).outcome).toBe('wrong');
    expect(judge(tag, refused('x [TRUST_NOT_SIGNED]: no'), history, at(0)).outcome).toBe('wrong');
    history.change('h/r', OLD, () => undefined);
    expect(judge(pinned, refused('x [TRUST_NOT_SIGNED]: no'), history, at(5_000)).outcome).toBe('wrong');
  });

  it('may refuse what is signed no longer, what is signed since a moment, and where nobody answers', () => {
    expect(judge(pinned, refused('x [TRUST_NOT_SIGNED]: no'), history, at(5_000)).outcome).toBe('refused');
    history.change('h/r', OLD, () => undefined);
    expect(judge(pinned, refused('x [TRUST_NOT_SIGNED]: no'), history, at(500)).outcome).toBe('refused');
    expect(judge(tag, refused('x [DEADLINE]: late'), history, at(0)).outcome).toBe('fault');
  });

  it('explains a refusal by a code of the catalogue', () => {
    for (const message of ['', 'no', '[NO_SUCH_CODE] no'])
      expect(judge(never, refused(message), history, at(0)).outcome).toBe('unexplained');
  });
});
