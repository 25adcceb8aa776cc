import { describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { Fault } from '../../functions/codes.ts';
import type { JsonObject } from '../../functions/json.ts';
import { type PolicySnapshot, snapshotOf } from '../../functions/policy/snapshot.ts';
import type { SecretObject } from '../../functions/ports.ts';
import { type Validation, type Validator, validate } from '../../functions/validate.ts';
import { policyOf, trusting } from '../support/policies.ts';
import { type PolicyReviewShape, policyReview } from '../support/policyreview.ts';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';

interface World {
  readonly snapshot?: PolicySnapshot | undefined;
  readonly secret?: () => Promise<SecretObject | undefined>;
}
const validatorOf = ({ secret, ...world }: World = {}): Validator => ({
  policies: { current: () => ('snapshot' in world ? world.snapshot : snapshotOf([])) },
  cluster: { secret: secret ?? (async () => undefined) },
  knowsServer: () => true,
});
const run = (review: JsonObject, world?: World): Promise<Validation> =>
  validate(validatorOf(world), bytesOf(review), new AbortController().signal);
const ask = async (
  object: JsonObject,
  shape?: PolicyReviewShape,
  world?: World,
): Promise<AdmissionReviewAnswer['response']> => (await run(policyReview(object, shape), world)).answer.response;

const GOOD = policyOf('one', [trusting('quay.io/acme/*')]);
const BAD = policyOf('one', [{ name: 'quay.io/UPPER' }, { name: 'quay.io/a b' }]);
const ODD = policyOf('one', [{ name: 'quay.io/acme*' }]);

describe('a review of a policy', () => {
  it('is answered with yes and no word where there is nothing to tell', async () => {
    expect(await ask(GOOD)).toEqual({ uid: 'uid-1', allowed: true, auditAnnotations: { decision: 'taken' } });
  });

  it.each([
    ['v1', policyOf('one', [{ name: 'a b' }], { namespace: 'team' })],
    ['v1', policyOf('one', [{ name: 'a b' }], { namespace: 'team', legacy: true })],
    ['v1beta1', policyOf('one', [{ name: 'a b' }])],
    ['v1beta1', policyOf('one', [{ name: 'a b' }], { legacy: true })],
  ] as const)('is answered in its own version, of either group and kind: %s', async (apiVersion, object) => {
    const { answer } = await run(policyReview(object, { apiVersion }));
    expect(answer.apiVersion).toBe(`admission.k8s.io/${apiVersion}`);
    expect(answer.response).toMatchObject({ uid: 'uid-1', allowed: false });
  });

  it('is refused with each field and each sentence, as the API server refuses what a schema does', async () => {
    const { allowed, status, auditAnnotations } = await ask(BAD);
    expect(allowed).toBe(false);
    expect(status).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { name: 'one', group: 'portieris.cloud.ibm.com', kind: 'ClusterImagePolicy' },
    });
    expect(status?.details.causes.map(({ field }) => field)).toEqual([
      'spec.repositories[0].name',
      'spec.repositories[1].name',
    ]);
    expect(status?.message).toMatch(/^ClusterImagePolicy one is not valid: spec\.repositories\[0\]\.name /);
    expect(auditAnnotations).toEqual({ decision: 'refused', findings: 'Invalid' });
  });

  it('is answered with yes and a warning where the policy may not be as it was meant', async () => {
    const { allowed, warnings } = await ask(ODD);
    expect(allowed).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/^spec\.repositories\[0\]\.name has a star right behind/)]);
  });

  it('is answered with yes and a warning where a Secret is missing, for it may come later', async () => {
    const signers = { signerSecrets: [{ name: 'alice' }] };
    const { allowed, warnings } = await ask(policyOf('one', [trusting('quay.io/a/*', signers)], { namespace: 'team' }));
    expect(allowed).toBe(true);
    expect(warnings).toEqual([expect.stringContaining('team/alice does not exist')]);
  });

  it('names at most twenty warnings, and counts the rest', async () => {
    const many = Array.from({ length: 25 }, (_, index) => ({ name: `quay.io/a${index}x*` }));
    const { warnings } = await ask(policyOf('one', many));
    expect(warnings).toHaveLength(21);
    expect(warnings?.at(-1)).toContain('5 more');
  });

  it('of an object that is to get its name by generateName is not refused for want of one', async () => {
    const object = { ...GOOD, metadata: { generateName: 'one-' } };
    expect(await ask(object)).toMatchObject({ allowed: true });
  });

  it('compares the policy with those that there are', async () => {
    const snapshot = snapshotOf([policyOf('a', [trusting('quay.io/acme/*')])]);
    const { warnings } = await ask(GOOD, {}, { snapshot });
    expect(warnings).toEqual([expect.stringContaining('ClusterImagePolicy a, spec.repositories[0]')]);
  });
});

describe('a change of a policy', () => {
  it('is refused where it brings what is not valid', async () => {
    expect(await ask(BAD, { operation: 'UPDATE', old: GOOD })).toMatchObject({ allowed: false });
  });

  it('of what is not its rules is not refused for rules that are stored: a label, a finalizer', async () => {
    const labelled = { ...BAD, metadata: { name: 'one', labels: { a: 'b' } } };
    const { allowed, warnings, status } = await ask(labelled, { operation: 'UPDATE', old: BAD });
    expect({ allowed, status }).toEqual({ allowed: true });
    expect(warnings).toHaveLength(2);
  });

  it('of a policy that is being deleted is not refused', async () => {
    const old = { ...GOOD, metadata: { name: 'one', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(await ask(BAD, { operation: 'UPDATE', old })).toMatchObject({ allowed: true });
  });
});

describe('a deletion of a policy', () => {
  const CLUSTER = policyOf('default', [{ name: '*' }]);
  const OWN = policyOf('own', [{ name: '*' }], { namespace: 'team' });
  const gone = async (object: JsonObject, ...held: JsonObject[]) => {
    const { allowed, warnings } = await ask(object, { operation: 'DELETE' }, { snapshot: snapshotOf(held) });
    expect(allowed).toBe(true);
    return warnings?.join(' ') ?? '';
  };

  it('is answered with a warning where the last ClusterImagePolicy goes: everything is refused then', async () => {
    expect(await gone(CLUSTER, CLUSTER)).toContain('every image is refused from now on');
    expect(await gone(CLUSTER, CLUSTER, policyOf('two', []))).toBe('');
  });

  it('is answered with a warning where the last ImagePolicy of a namespace goes: others decide then, or nobody does', async () => {
    expect(await gone(OWN, OWN)).toContain('every image there is refused from now on');
    expect(await gone(OWN, OWN, CLUSTER)).toContain('the ClusterImagePolicies decide there');
    expect(await gone(OWN, OWN, policyOf('two', [], { namespace: 'team' }))).toBe('');
  });

  it('of a policy that is not valid is not in the way', async () => {
    expect(await gone(BAD, BAD, CLUSTER)).toBe('');
  });
});

describe('where it cannot look', () => {
  it('stands in nobody’s way and says so: policies that are not read yet', async () => {
    const { allowed, warnings } = await ask(BAD, {}, { snapshot: undefined });
    expect({ allowed, warnings }).toEqual({
      allowed: true,
      warnings: [expect.stringContaining('was not looked at, because the policies of the cluster are not read yet')],
    });
  });

  it('says which Secret could not be read, and tells the rest', async () => {
    const object = policyOf('one', [trusting('quay.io/a*/*', { signerSecrets: [{ name: 'alice' }] })], {
      namespace: 'team',
    });
    const secret = async () => {
      throw new Fault('CLUSTER_UNREACHABLE', 'no answer');
    };
    const { allowed, warnings } = await ask(object, {}, { secret });
    expect(allowed).toBe(true);
    expect(warnings).toEqual([
      expect.stringContaining('spec.repositories[0].name'),
      expect.stringContaining('Secret team/alice, which could not be read'),
    ]);
  });

  it('hands a bug on to the log, and admits the policy with a warning', async () => {
    const object = policyOf('one', [trusting('quay.io/a/*', { signerSecrets: [{ name: 'alice' }] })], {
      namespace: 'team',
    });
    const bug = new TypeError('a bug');
    const { error, answer } = await run(policyReview(object), { secret: () => Promise.reject(bug) });
    expect(error).toBe(bug);
    expect(answer.response).toMatchObject({ allowed: true, warnings: [expect.stringContaining('was not looked at')] });
  });

  it('refuses what is no review of a policy', async () => {
    const pod = await run(reviewOf(workloadOf('Pod', podSpec(['nginx']))));
    expect(pod.answer.response).toMatchObject({ allowed: false });
    expect(pod.answer.response.status?.message).toContain('[KIND_UNKNOWN]');
    const none = await run({ not: 'a review' });
    expect(none.answer.response.status?.message).toContain('[REVIEW_INVALID]');
  });
});
