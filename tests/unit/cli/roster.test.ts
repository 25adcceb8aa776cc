import { describe, expect, it } from 'vitest';
import { rosterOf } from '../../../functions/cli/roster.ts';
import type { JsonObject } from '../../../functions/json.ts';
import { WORKLOAD_KINDS } from '../../../functions/request/workload.ts';

interface Made {
  readonly kind: string;
  readonly name: string;
  readonly image?: string;
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly more?: JsonObject;
  readonly metadata?: JsonObject;
  readonly status?: JsonObject;
}

const apiVersionOf = (kind: string) => ({ Pod: 'v1', Job: 'batch/v1', CronJob: 'batch/v1' })[kind] ?? 'apps/v1';

function made({ kind, name, image = 'web:1', owner, more = {}, metadata = {}, status }: Made): JsonObject {
  const pod = { containers: [{ name: 'a', image }] };
  const spec: JsonObject = kind === 'Pod' ? pod : { ...more, template: { spec: pod } };
  const references =
    owner === undefined ? [] : [{ apiVersion: apiVersionOf(owner.kind), controller: true, uid: owner.name, ...owner }];
  return {
    apiVersion: apiVersionOf(kind),
    kind,
    metadata: { name, namespace: 'shop', uid: name, ownerReferences: references, ...metadata },
    spec,
    ...(status !== undefined && { status }),
  };
}

const roster = (...all: Made[]) => {
  const found = all.map((one) => ({ object: made(one), file: 'x', placeOf: () => ({ line: 1, column: 1 }) }));
  const { workloads, ...counts } = rosterOf(found, WORKLOAD_KINDS);
  const names = workloads.map(({ found: { object }, owner, alike }) => ({
    name: (object['metadata'] as JsonObject)['name'],
    owner: owner?.name,
    alike,
  }));
  return { names, counts };
};

const deployment: Made = { kind: 'Deployment', name: 'web' };
const set: Made = { kind: 'ReplicaSet', name: 'web-1', owner: deployment, more: { replicas: 2 } };
const podOf = (name: string, more: Partial<Made> = {}): Made => ({ kind: 'Pod', name, owner: set, ...more });

describe('the roster of workloads', () => {
  it('counts a Deployment once, not its ReplicaSets and pods', () => {
    expect(roster(deployment, set, podOf('a'), podOf('b'))).toEqual({
      names: [{ name: 'web', owner: undefined, alike: 0 }],
      counts: { vouched: 3, idle: 0 },
    });
  });

  it('shows pods with an image that is not in the template under their Deployment, those that are alike once', () => {
    const injected = { image: 'mesh:1' };
    const { names } = roster(deployment, set, podOf('a', injected), podOf('b', injected), podOf('c', { image: 'd' }));
    expect(names).toEqual([
      { name: 'web', owner: undefined, alike: 0 },
      { name: 'a', owner: 'web', alike: 1 },
      { name: 'c', owner: 'web', alike: 0 },
    ]);
  });

  it('shows a ReplicaSet of an older image while it has replicas, and not once it has none', () => {
    const old: Made = { ...set, name: 'web-0', image: 'web:0' };
    expect(roster(deployment, old).names).toContainEqual({ name: 'web-0', owner: 'web', alike: 0 });
    const gone = roster(deployment, { ...old, more: { replicas: 0 } });
    expect([gone.names.length, gone.counts.idle]).toEqual([1, 1]);
  });

  it('shows a Deployment of its own that has no replicas: it is looked at as in the gate', () => {
    expect(roster({ ...deployment, more: { replicas: 0 } }).names).toHaveLength(1);
  });

  it.each<[string, Made]>([
    ['a pod that has ended', { kind: 'Pod', name: 'a', status: { phase: 'Succeeded' } }],
    [
      'a Job that is complete',
      { kind: 'Job', name: 'a', status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    ],
    ['what is being deleted', { ...deployment, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }],
  ])('leaves out %s', (_, one) => {
    expect(roster(one)).toEqual({ names: [], counts: { vouched: 0, idle: 1 } });
  });

  it('keeps a Job that has not ended, and a pod of a finished owner', () => {
    const job: Made = { kind: 'Job', name: 'a', status: { conditions: [{ type: 'Complete', status: 'False' }] } };
    expect(roster(job).names).toHaveLength(1);
    const done: Made = { ...job, status: { conditions: [{ type: 'Failed', status: 'True' }] } };
    expect(roster(done, { kind: 'Pod', name: 'p', owner: done }).names).toEqual([{ name: 'p', owner: 'a', alike: 0 }]);
  });

  it('believes no owner of another UID, and none that is not there', () => {
    const forged = podOf('a', { owner: { ...set, uid: 'other' } });
    expect(roster(deployment, set, forged).names).toContainEqual({ name: 'a', owner: undefined, alike: 0 });
    expect(roster(podOf('a')).names).toHaveLength(1);
  });

  it('ends where controllers own each other in a circle', () => {
    const one: Made = { kind: 'ReplicaSet', name: 'one', owner: { kind: 'ReplicaSet', name: 'two' }, image: 'a' };
    const two: Made = { kind: 'ReplicaSet', name: 'two', owner: { kind: 'ReplicaSet', name: 'one' }, image: 'b' };
    expect(roster(one, two).names).toHaveLength(2);
  });
});
