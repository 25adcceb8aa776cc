import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCluster } from '../../functions/io/cluster.ts';
import type { ObjectSource } from '../../functions/io/objects.ts';
import { silentLog } from '../../functions/log.ts';
import type { Outcome } from '../../functions/notify/channel.ts';
import { Events } from '../../functions/notify/events.ts';
import { noticeOf } from '../../functions/notify/notice.ts';
import { admissionOf, controlledBy, podReview } from '../support/admission.ts';
import { podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';

/** Events as a real API server takes them, and as kubectl asks for them: `describe` and `get events` read core/v1, where they have the old names. */

interface CoreEvent {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

let folder: TemporaryFolder;
let kube: KubeServer;
let source: ObjectSource;
let events: Events;
const outcomes: Outcome[] = [];
const errors: unknown[] = [];

beforeAll(async () => {
  folder = await temporaryFolder('events');
  kube = await startKube({ authority: makeAuthority('events test'), folder: join(folder.path, 'kube') });
  await kube.client.namespace('team');
  const clock = { now: () => Date.now() };
  source = await openCluster({ kubeconfig: kube.kubeconfig, log: silentLog, clock });
  if (source.events === undefined) throw new Error('a cluster takes Events');
  const tally = (outcome: Outcome, error?: unknown) => {
    outcomes.push(outcome);
    if (error !== undefined) errors.push(error);
  };
  events = new Events({ store: source.events, cluster: source, tally, instance: 'x'.repeat(300) });
});
afterAll(async () => {
  await source?.close();
  await kube?.stop();
  await folder?.remove();
});

const tell = async (review: Parameters<typeof admissionOf>[0], message?: string): Promise<void> => {
  const notice = noticeOf(await admissionOf(review, message), Date.now());
  if (notice !== undefined) events.offer(notice);
  await events.idle();
};
/** What `kubectl get events -n team` and, with a UID, `kubectl describe` ask for. */
const listed = async (uid?: string): Promise<readonly CoreEvent[]> => {
  const query = uid === undefined ? '' : `?fieldSelector=involvedObject.uid%3D${uid}`;
  const { items } = (await kube.client.read(`${collectionPath('v1', 'events', 'team')}${query}`)) as {
    items: CoreEvent[];
  };
  return items;
};
const stored = async (kind: 'Deployment' | 'ReplicaSet', name: string): Promise<KubeObject & { uid: string }> => {
  const { metadata, ...object } = workloadOf(kind, podSpec(['good.io/a:1']), { name });
  const made = { ...object, metadata: { name, namespace: 'team', ...(metadata as object), uid: undefined } };
  const path = collectionPath('apps/v1', `${kind.toLowerCase()}s`, 'team');
  const answer = (await kube.client.create(path, made as unknown as KubeObject)) as KubeObject;
  return { ...answer, uid: String(answer.metadata['uid']) };
};

describe('Events, at a real API server', () => {
  it('of a workload that does not exist stand in its namespace', async () => {
    await tell(podReview({ images: ['evil.io/new:1'] }));
    expect(errors).toEqual([]);
    expect(await listed()).toMatchObject([
      {
        type: 'Warning',
        reason: 'TRUST_NOT_SIGNED',
        involvedObject: { kind: 'Namespace', name: 'team' },
        message: expect.stringContaining('image "evil.io/new:1"'),
      },
    ]);
  });

  it('of a pod are shown by kubectl describe of the ReplicaSet that it belongs to', async () => {
    const { uid } = await stored('ReplicaSet', 'web-5d');
    await tell(podReview({ metadata: controlledBy('ReplicaSet', 'web-5d', uid) }));
    expect(errors).toEqual([]);
    expect(await listed(uid)).toMatchObject([{ involvedObject: { kind: 'ReplicaSet', name: 'web-5d' } }]);
  });

  it('of a change are shown by kubectl describe of the Deployment that was to be changed', async () => {
    const { uid } = await stored('Deployment', 'web');
    const before = workloadOf('Deployment', podSpec(['good.io/a:1']), { uid });
    await tell(reviewOf(workloadOf('Deployment', podSpec(['evil.io/a:1'])), { oldObject: before }));
    expect(errors).toEqual([]);
    expect(await listed(uid)).toMatchObject([{ involvedObject: { kind: 'Deployment', name: 'web' } }]);
  });

  it('count what goes on', async () => {
    for (let round = 0; round < 3; round += 1) await tell(podReview({ images: ['evil.io/again:1'] }));
    events.tick(Date.now(), true);
    await events.idle();
    const found = (await listed()).filter(({ message }) => message.includes('evil.io/again'));
    expect(errors).toEqual([]);
    expect(found).toMatchObject([{ series: { count: 3 } }]);
  });

  it('take texts of any length and any characters', async () => {
    const images = [`evil.io/\u001b[2J\u202e${'é'.repeat(5000)}`, '\ud800', 'evil.io/🙂'];
    await tell(podReview({ images, name: 'n'.repeat(253) }), '🙂'.repeat(5000));
    expect(errors).toEqual([]);
    expect((await listed()).filter(({ reason }) => reason === 'IMAGE_INVALID')).toHaveLength(3);
  });

  it('say what is wrong where the namespace does not take them', async () => {
    await tell(podReview({ namespace: 'nowhere' }));
    expect(outcomes.at(-1)).toBe('failed');
    expect(String(errors.at(-1))).toMatch(/answered 404 to create an Event in nowhere: .*"nowhere" not found/);
  });
});
