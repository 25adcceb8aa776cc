import { describe, expect, it } from 'vitest';
import { decide, denied, type ImageOutcome, refuseReview } from '../../../functions/answer/decision.ts';
import { Fault } from '../../../functions/codes.ts';
import { type Digest, parseReference } from '../../../functions/image/reference.ts';
import type { Rule } from '../../../functions/policy/policy.ts';
import type { Verdict } from '../../../functions/trust/verdict.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const trusted = (digest: Digest | undefined): Verdict => ({ outcome: 'trusted', digest, evidence: [] });

function outcome(
  written: string,
  verdict: Verdict,
  options: { containers?: number[]; rule?: Partial<Rule> } = {},
): ImageOutcome {
  const parsed = parseReference(written);
  const places = (options.containers ?? [0]).map((index) => ({
    written,
    pointer: `/spec/containers/${index}/image`,
    field: `spec.containers[${index}].image`,
  }));
  const source = {
    kind: 'ImagePolicy',
    group: 'portieris.cloud.ibm.com',
    namespace: 'team',
    name: 'strict',
    field: 'spec.repositories[1]',
  } as const;
  const rule = { source, requirements: [], mutateImage: true, ...options.rule } as unknown as Rule;
  return { written, places, reference: parsed.ok ? parsed.value : undefined, rule, verdict };
}

describe('decide', () => {
  it('writes the digest wherever the image stands and leaves images alone that asked for no proof', () => {
    const decision = decide([
      outcome('nginx:1.27', trusted(A), { containers: [0, 2] }),
      outcome('quay.io/team/free', trusted(undefined), { containers: [1] }),
    ]);
    expect(decision).toMatchObject({
      allowed: true,
      replacements: [
        { pointer: '/spec/containers/0/image', from: 'nginx:1.27', to: `nginx:1.27@${A}` },
        { pointer: '/spec/containers/2/image', from: 'nginx:1.27', to: `nginx:1.27@${A}` },
      ],
      warnings: [],
    });
  });

  it('refuses the whole workload for one image and names each that fails, with every field, policy, reason and remedy', () => {
    const decision = decide([
      outcome('nginx:1.27', trusted(A)),
      outcome('evil:1', denied({ code: 'TRUST_NOT_SIGNED', message: 'Nobody signed evil:1.' }), { containers: [1, 3] }),
      outcome(
        'slow:1',
        { outcome: 'unknown', fault: new Fault('DEADLINE', 'Not proven in time.') },
        { containers: [2] },
      ),
    ]);
    expect(decision.allowed).toBe(false);
    if (decision.allowed) return;
    expect(decision.codes).toEqual(['TRUST_NOT_SIGNED', 'DEADLINE']);
    expect(decision.transient).toBe(false);
    const lines = decision.message.split('\n');
    expect(lines[0]).toBe('2 of 3 images are refused.');
    expect(lines[1]).toBe(
      'spec.containers[1].image, spec.containers[3].image: image "evil:1" is refused [TRUST_NOT_SIGNED]: Nobody signed evil:1. ' +
        '(policy: ImagePolicy team/strict, spec.repositories[1])',
    );
    expect(lines[2]).toContain('spec.containers[2].image: image "slow:1" is refused [DEADLINE]');
    expect(lines[3]).toBe('What to do:');
    expect(lines[4]).toBe('[TRUST_NOT_SIGNED] Sign this tag or digest, or use one that is signed.');
    expect(lines[5]).toMatch(/^\[DEADLINE\] /);
  });

  it('calls a refusal transient only where no image was refused with certainty', () => {
    const fault = { outcome: 'unknown', fault: new Fault('DEADLINE', 'Late.') } as const;
    expect(decide([outcome('a:1', fault), outcome('b:1', trusted(A))])).toMatchObject({ transient: true });
  });

  it('leaves the text and warns where the policy says mutateImage: false, unless the name is a digest already', () => {
    const rule = { mutateImage: false };
    expect(decide([outcome('nginx:1.27', trusted(A), { rule })])).toMatchObject({
      replacements: [],
      warnings: [`nginx:1.27 is left as a tag (mutateImage: false); only ${A} was verified`],
    });
    expect(decide([outcome(`nginx@${A}`, trusted(A), { rule })])).toMatchObject({ replacements: [], warnings: [] });
  });

  it('approves a workload that names no image', () => {
    expect(decide([])).toMatchObject({ allowed: true, replacements: [] });
  });
});

describe('refuseReview', () => {
  it('gives the code, what is wrong and what to do', () => {
    expect(refuseReview({ code: 'REVIEW_TOO_LARGE', message: 'The body is larger than 5 bytes.' })).toMatchObject({
      allowed: false,
      message:
        '[REVIEW_TOO_LARGE] The body is larger than 5 bytes. Make the object smaller; the limit stands in docs/configuration.md.',
      codes: ['REVIEW_TOO_LARGE'],
      transient: false,
    });
  });
});
