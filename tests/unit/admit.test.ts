import { describe, expect, it } from 'vitest';
import { admit, type Gate } from '../../functions/admit.ts';
import { remedyOf } from '../../functions/answer/decision.ts';
import type { PatchOperation } from '../../functions/answer/response.ts';
import { Fault } from '../../functions/codes.ts';
import type { JsonObject } from '../../functions/json.ts';
import { parseWorkloadKind, WORKLOAD_KINDS, type WorkloadKind } from '../../functions/request/workload.ts';
import { bareGate, demandingTrust } from '../support/baregate.ts';
import { bytesOf, digestOf, KIND_NAMES, KINDS, podSpec, reviewOf, workloadOf } from '../support/review.ts';

const SIGNED = digestOf('a');
const POLICY = demandingTrust('good.io/*');

interface Told {
  readonly asked: string[];
  readonly gate: Gate;
}

/** A gate whose proofs say yes to `good.io/team/app` alone; every question is written down. */
function gateOf(more: Partial<Gate> = {}): Told {
  const asked: string[] = [];
  const base = bareGate(POLICY, ({ written, repository }) => {
    asked.push(written);
    return repository === 'team/app'
      ? { outcome: 'trusted', digest: SIGNED, evidence: [] }
      : { outcome: 'denied', code: 'TRUST_NOT_SIGNED', message: 'Nobody signed it.' };
  });
  return { asked, gate: { ...base, ...more } };
}

const signal = new AbortController().signal;
const answerOf = async (gate: Gate, review: JsonObject) => (await admit(gate, bytesOf(review), signal)).answer.response;
const patchOf = (patch: string | undefined): PatchOperation[] =>
  JSON.parse(Buffer.from(patch ?? '', 'base64').toString() || '[]');

const parsed = (line: string): WorkloadKind[] => {
  const kind = parseWorkloadKind(line);
  if (typeof kind === 'string') throw new Error(kind);
  return [kind];
};

const owned = (kind: string, uid: string): JsonObject => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'owner', uid, controller: true }],
});

describe('admit', () => {
  it.each(KIND_NAMES)('verifies a distinct image of a %s once and patches it wherever it stands', async (kind) => {
    const { gate, asked } = gateOf();
    const spec = podSpec(['good.io/team/app:1', 'good.io/team/app:1'], {
      initContainers: [{ name: 'i', image: 'good.io/team/app:1' }],
    });
    const { allowed, patch } = await answerOf(gate, reviewOf(workloadOf(kind, spec)));
    expect(allowed).toBe(true);
    expect(asked).toEqual(['good.io/team/app:1']);
    const at = KINDS[kind].podSpec;
    expect(
      patchOf(patch)
        .filter(({ op }) => op === 'replace')
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual([`${at}/containers/0/image`, `${at}/containers/1/image`, `${at}/initContainers/0/image`].toSorted());
  });

  it('answers v1beta1 in kind, with the uid of the request', async () => {
    const review = reviewOf(workloadOf('Pod', podSpec(['good.io/team/app:1'])), {
      apiVersion: 'admission.k8s.io/v1beta1',
      uid: 'u-9',
    });
    const { answer } = await admit(gateOf().gate, bytesOf(review), signal);
    expect(answer).toMatchObject({ apiVersion: 'admission.k8s.io/v1beta1', response: { uid: 'u-9', allowed: true } });
  });

  it('denies an image whose owner does not exist', async () => {
    const pod = workloadOf('Pod', podSpec(['good.io/evil:1']), owned('ReplicaSet', 'u1'));
    expect(await answerOf(gateOf().gate, reviewOf(pod))).toMatchObject({ allowed: false });
  });

  it('denies an image whose owner has another UID, and admits without proof where owner, UID and images fit', async () => {
    const stored = { ...workloadOf('ReplicaSet', podSpec(['good.io/evil:1']), { name: 'owner', uid: 'u1' }) };
    const cluster = { ...gateOf().gate.cluster, owner: async () => stored };
    const pod = (uid: string, image: string) => reviewOf(workloadOf('Pod', podSpec([image]), owned('ReplicaSet', uid)));
    expect(await answerOf(gateOf({ cluster }).gate, pod('u2', 'good.io/evil:1'))).toMatchObject({ allowed: false });
    expect(await answerOf(gateOf({ cluster }).gate, pod('u1', 'good.io/other:1'))).toMatchObject({ allowed: false });
    const { gate, asked } = gateOf({ cluster });
    expect(await answerOf(gate, pod('u1', 'good.io/evil:1'))).toMatchObject({ allowed: true });
    expect(asked).toEqual([]);
  });

  it('verifies as usual where the owner cannot be read', async () => {
    const owner = async () => {
      throw new Fault('CLUSTER_UNREACHABLE', 'No answer.');
    };
    const { gate } = gateOf({ cluster: { ...gateOf().gate.cluster, owner } });
    const pod = (image: string) => reviewOf(workloadOf('Pod', podSpec([image]), owned('ReplicaSet', 'u1')));
    expect(await answerOf(gate, pod('good.io/team/app:1'))).toMatchObject({ allowed: true });
    expect(await answerOf(gate, pod('good.io/evil:1'))).toMatchObject({ allowed: false });
  });

  it('approves a scaling, but not a new unsigned image that comes with it', async () => {
    const deployment = (image: string, replicas: number): JsonObject => {
      const object = workloadOf('Deployment', podSpec([image]));
      return { ...object, spec: { ...(object['spec'] as JsonObject), replicas } };
    };
    const old = deployment('good.io/evil:1', 3);
    expect(await answerOf(gateOf().gate, reviewOf(deployment('good.io/evil:1', 2), { oldObject: old }))).toMatchObject({
      allowed: true,
    });
    expect(await answerOf(gateOf().gate, reviewOf(deployment('good.io/evil:2', 2), { oldObject: old }))).toMatchObject({
      allowed: false,
    });
  });

  it('refuses with NOT_READY before the policies are read', async () => {
    const { gate } = gateOf({ policies: { current: () => undefined } });
    const { status } = await answerOf(gate, reviewOf(workloadOf('Pod', podSpec(['good.io/team/app:1']))));
    expect(status).toMatchObject({ code: 503 });
    expect(status?.message).toContain('[NOT_READY]');
  });

  it('refuses with BUG whatever a proof throws', async () => {
    const verify = async () => {
      throw new TypeError('boom');
    };
    const { answer, error } = await admit(
      gateOf({ verify }).gate,
      bytesOf(reviewOf(workloadOf('Pod', podSpec(['good.io/x:1'])))),
      signal,
    );
    expect(answer.response.allowed).toBe(false);
    expect(answer.response.status?.message).toContain('[BUG]');
    expect(answer.response.status?.message).not.toContain('boom');
    expect(error).toBeInstanceOf(TypeError);
  });

  it('approves a deletion and a workload without images', async () => {
    const { gate } = gateOf();
    const pod = workloadOf('Pod', podSpec(['good.io/evil:1']));
    expect(await answerOf(gate, reviewOf(pod, { operation: 'DELETE', oldObject: pod }))).toMatchObject({
      allowed: true,
    });
    expect(await answerOf(gate, reviewOf(workloadOf('Pod', podSpec(['', ' ']))))).toMatchObject({ allowed: true });
  });

  it('patches a running pod at its new ephemeral container alone, although the image is the same', async () => {
    const old = workloadOf('Pod', podSpec(['good.io/team/app:1']));
    const ephemeralContainers = [{ name: 'debug', image: 'good.io/team/app:1' }];
    const next = workloadOf('Pod', podSpec(['good.io/team/app:1'], { ephemeralContainers }));
    const review = reviewOf(next, { oldObject: old, subResource: 'ephemeralcontainers' });
    const { allowed, patch } = await answerOf(gateOf().gate, review);
    expect(allowed).toBe(true);
    expect(patchOf(patch).map(({ path }) => path)).toEqual(Array(2).fill('/spec/ephemeralContainers/0/image'));
  });

  it('lets go what is being deleted, even if it can no longer be read', async () => {
    const kinds = [...WORKLOAD_KINDS, ...parsed('example.com/Widget=spec.pod')];
    const widget = (metadata: JsonObject): JsonObject => ({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'team', ...metadata },
      spec: { pod: 'none' },
    });
    const { gate } = gateOf({ kinds });
    const deleted = widget({ deletionTimestamp: '2026-11-24T10:00:00Z', finalizers: ['a/b'] });
    expect(await answerOf(gate, reviewOf(widget({}), { oldObject: deleted }))).toMatchObject({ allowed: true });
    expect(await answerOf(gate, reviewOf(widget({}), { oldObject: widget({}) }))).toMatchObject({ allowed: false });
  });

  it('says what to do once for all images that are refused for the same reason', async () => {
    const images = Array.from({ length: 40 }, (_, index) => `good.io/evil/app:${index}`);
    const { status } = await answerOf(gateOf().gate, reviewOf(workloadOf('Pod', podSpec(images))));
    for (const [index, image] of images.entries()) {
      expect(status?.message).toContain(`spec.containers[${index}].image: image "${image}" is refused`);
    }
    expect(status?.message.split(remedyOf('TRUST_NOT_SIGNED')).length).toBe(2);
  });
});

describe('a gate that is not set to enforce', () => {
  const evil = (kind: 'Pod' | 'Deployment' = 'Pod') => reviewOf(workloadOf(kind, podSpec(['good.io/evil:1'])));

  it('says under audit what would be refused to nobody but log and audit log', async () => {
    const { gate } = gateOf({ mode: 'audit' });
    const other = reviewOf(workloadOf('Pod', podSpec(['other.io/app:1', '///'])));
    const { allowed, warnings, patch, auditAnnotations } = await answerOf(gate, other);
    expect([allowed, warnings, patch]).toEqual([true, undefined, undefined]);
    expect(auditAnnotations).toMatchObject({ decision: 'tolerated', codes: 'POLICY_NO_MATCH,IMAGE_INVALID' });
  });

  it('warns of what no policy covers, with field, reason and remedy, and pins what is signed beside it', async () => {
    const { gate } = gateOf({ mode: 'warn' });
    const mixed = reviewOf(workloadOf('Pod', podSpec(['good.io/team/app:1', 'other.io/app:1'])));
    const { allowed, warnings, patch } = await answerOf(gate, mixed);
    expect(allowed).toBe(true);
    expect(warnings).toHaveLength(1);
    expect(warnings?.[0]).toMatch(
      /^spec\.containers\[1\]\.image: image "other\.io\/app:1" would be refused \[POLICY_NO_MATCH\]: /,
    );
    expect(warnings?.[0]).toContain(remedyOf('POLICY_NO_MATCH'));
    expect(patchOf(patch).map(({ path }) => path)).toEqual(Array(2).fill('/spec/containers/0/image'));
  });

  it('lets a kind pass that it does not know, a pod spec that it can not read, and a review that came too early', async () => {
    const strange = reviewOf({ ...workloadOf('Pod', podSpec(['a'])), kind: 'Widget', apiVersion: 'example.com/v1' });
    const bad = reviewOf(workloadOf('Pod', { containers: 'none' }));
    for (const [review, more, code] of [
      [strange, {}, 'KIND_UNKNOWN'],
      [bad, {}, 'WORKLOAD_INVALID'],
      [evil(), { policies: { current: () => undefined } }, 'NOT_READY'],
    ] as const) {
      expect(await answerOf(gateOf(more).gate, review)).toMatchObject({ allowed: false });
      const { allowed, warnings, auditAnnotations } = await answerOf(gateOf({ ...more, mode: 'warn' }).gate, review);
      expect([allowed, auditAnnotations['codes']]).toEqual([true, code]);
      expect(warnings?.[0]).toMatch(/^This would be refused: /);
    }
  });

  it('lets a review pass at which the gate itself breaks, and keeps the error for the log', async () => {
    const owner = (): never => {
      throw new TypeError('broken');
    };
    const cluster = { secret: async () => undefined, pullSecretsOf: async () => [], owner };
    const pod = workloadOf('Pod', podSpec(['good.io/team/app:1']), owned('ReplicaSet', 'u'));
    const { answer, error } = await admit(gateOf({ cluster, mode: 'audit' }).gate, bytesOf(reviewOf(pod)), signal);
    expect(answer.response).toMatchObject({ allowed: true, auditAnnotations: { codes: 'BUG' } });
    expect(error).toBeInstanceOf(TypeError);
  });

  it('refuses what is no review all the same', async () => {
    const { gate } = gateOf({ mode: 'audit' });
    const { answer } = await admit(gate, bytesOf({ kind: 'AdmissionReview' }), signal);
    expect(answer.response.allowed).toBe(false);
  });
});
