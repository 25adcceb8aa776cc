import { describe, expect, it } from 'vitest';
import { type Admission, admit, type Gate } from '../../../functions/admit.ts';
import { Fault } from '../../../functions/codes.ts';
import type { JsonObject } from '../../../functions/json.ts';
import { snapshotOf } from '../../../functions/policy/snapshot.ts';
import { WORKLOAD_KINDS } from '../../../functions/request/workload.ts';
import { bytesOf, podSpec, type ReviewOptions, reviewOf, workloadOf } from '../../support/review.ts';

const IMAGE = 'good.io/team/app:1';
const MARK = { deletionTimestamp: '2026-06-01T00:00:00Z' };
const signal = new AbortController().signal;
const owned = (kind: string): JsonObject => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web', uid: 'uid-web', controller: true }],
});
const pod = (metadata: JsonObject): JsonObject =>
  workloadOf('Pod', podSpec([IMAGE]), { name: 'web-1', uid: 'p', ...metadata });

/** What the gate finds suspicious in a review, where the cluster holds this owner. */
async function suspicionsOf(
  object: JsonObject,
  owner: JsonObject | undefined | Fault = undefined,
  options: ReviewOptions = {},
): Promise<Admission['suspicions']> {
  const policies = snapshotOf([]);
  const gate: Gate = {
    policies: { current: () => policies },
    cluster: {
      secret: async () => undefined,
      pullSecretsOf: async () => [],
      owner: async () => {
        if (owner instanceof Fault) throw owner;
        return owner;
      },
    },
    clock: { now: () => 0 },
    kinds: WORKLOAD_KINDS,
    mode: 'enforce',
    verify: async () => ({ outcome: 'trusted', digest: undefined, evidence: [] }),
  };
  return (await admit(gate, bytesOf(reviewOf(object, options)), signal)).suspicions;
}

describe('a claim that would spare a workload its proof', () => {
  it('is none where the controller vouches, or none is named', async () => {
    expect(await suspicionsOf(pod({}))).toEqual([]);
    expect(await suspicionsOf(pod(owned('ReplicaSet')), workloadOf('ReplicaSet', podSpec([IMAGE])))).toEqual([]);
  });

  it('is told of where the controller does not exist, or is another one of that name', async () => {
    expect(await suspicionsOf(pod(owned('ReplicaSet')))).toEqual(['owner_unknown']);
    const other = workloadOf('ReplicaSet', podSpec([IMAGE]), { uid: 'another' });
    expect(await suspicionsOf(pod(owned('ReplicaSet')), other)).toEqual(['owner_unknown']);
  });

  it('is told of where the controller has other images, or is being deleted', async () => {
    const others = workloadOf('ReplicaSet', podSpec(['good.io/team/other:1']));
    expect(await suspicionsOf(pod(owned('ReplicaSet')), others)).toEqual(['owner_unfit']);
    const leaving = workloadOf('ReplicaSet', podSpec([IMAGE]), MARK);
    expect(await suspicionsOf(pod(owned('ReplicaSet')), leaving)).toEqual(['owner_unfit']);
  });

  it('is none where the controller is of a kind that the gate does not check, or cannot be read', async () => {
    expect(await suspicionsOf(pod(owned('Rollout')))).toEqual([]);
    expect(await suspicionsOf(pod(owned('ReplicaSet')), new Fault('CLUSTER_UNREACHABLE', 'down'))).toEqual([]);
  });

  it('is told of where an object says of itself that it is being deleted', async () => {
    expect(await suspicionsOf(pod(MARK))).toEqual(['deletion_claimed']);
    const before = workloadOf('Pod', podSpec(['good.io/team/app:0']));
    expect(await suspicionsOf(pod(MARK), undefined, { oldObject: before })).toEqual(['deletion_claimed']);
    const marked = workloadOf('Pod', podSpec(['good.io/team/app:0']), MARK);
    expect(await suspicionsOf(pod(MARK), undefined, { oldObject: marked })).toEqual([]);
  });
});
