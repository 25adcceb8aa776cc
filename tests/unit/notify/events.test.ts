import { beforeEach, describe, expect, it } from 'vitest';
import { remedyOf } from '../../../functions/answer/decision.ts';
import { CONTROLLER } from '../../../functions/notify/event.ts';
import { noticeOf } from '../../../functions/notify/notice.ts';
import { admissionOf, controlledBy } from '../../support/admission.ts';
import { podSpec, reviewOf, workloadOf } from '../../support/review.ts';
import { TellingEvents } from '../../support/told.ts';

const MINUTE = 60_000;
let told: TellingEvents;
beforeEach(() => {
  told = new TellingEvents();
});

describe('an Event of a refused image', () => {
  it('says what, which image, why and what to do, in the terms of events.k8s.io/v1', async () => {
    await told.pod();
    expect(told.store.list).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: {
          name: expect.stringMatching(/^portieris\.[0-9a-f]{20}$/),
          namespace: 'team',
          labels: { 'app.kubernetes.io/managed-by': 'portieris' },
        },
        eventTime: '2026-03-01T12:00:00.250000Z',
        reportingController: CONTROLLER,
        reportingInstance: 'gate-0',
        action: 'Refuse',
        reason: 'TRUST_NOT_SIGNED',
        regarding: { apiVersion: 'v1', kind: 'Namespace', namespace: 'team', name: 'team' },
        related: { apiVersion: 'v1', kind: 'Pod', namespace: 'team', name: 'web' },
        note: `Pod web was refused: spec.containers[0].image: image "evil.io/app:1" [TRUST_NOT_SIGNED]: Nobody signed it. (policy: ClusterImagePolicy default, spec.repositories[0]) ${remedyOf('TRUST_NOT_SIGNED')}`,
        type: 'Warning',
      },
    ]);
  });

  it('is about the controller that is stored under the UID that the pod names', async () => {
    const metadata = controlledBy('ReplicaSet', 'web-5d', 'uid-1');
    told.owners.set('uid-1', { kind: 'ReplicaSet', metadata: { name: 'web-5d', uid: 'uid-1' } });
    await told.pod({ metadata });
    expect(told.store.list[0]).toMatchObject({
      regarding: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'team', name: 'web-5d', uid: 'uid-1' },
      related: { kind: 'Pod', name: 'web' },
    });
  });

  it('is about the object itself where that stands and was to be changed', async () => {
    const before = workloadOf('Deployment', podSpec(['good.io/a:1']), { uid: 'uid-web' });
    const review = reviewOf(workloadOf('Deployment', podSpec(['evil.io/a:1'])), { oldObject: before });
    const notice = noticeOf(await admissionOf(review), told.now);
    if (notice !== undefined) told.events.offer(notice);
    await told.events.idle();
    expect(told.store.list[0]).toMatchObject({
      regarding: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web' },
      note: expect.stringContaining('the change of Deployment web was refused'),
    });
    expect(told.store.list[0]).not.toHaveProperty('related');
  });

  it('is one for each refused image, and none for those that are trusted', async () => {
    await told.pod({ images: ['evil.io/a:1', 'good.io/b:1', 'evil.io/c:1'] });
    expect(told.store.list.map(({ note }) => /image "([^"]+)"/.exec(String(note))?.[1])).toEqual([
      'evil.io/a:1',
      'evil.io/c:1',
    ]);
  });

  it('is a Normal one where a mode let the image pass, and says what would be', async () => {
    await told.pod({ images: ['lax.io/a:1', 'good.io/b:1'] });
    expect(told.store.list).toMatchObject([
      {
        type: 'Normal',
        action: 'Admit',
        reason: 'TRUST_NOT_SIGNED',
        note: expect.stringMatching(/^Pod web was admitted in mode warn and would be refused: .*"lax.io\/a:1"/),
      },
    ]);
  });

  it('tells of a review that is refused as a whole', async () => {
    const review = reviewOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' } });
    const notice = noticeOf(await admissionOf(review), told.now);
    if (notice !== undefined) told.events.offer(notice);
    await told.events.idle();
    expect(told.store.list).toMatchObject([
      { reason: 'KIND_UNKNOWN', note: expect.stringMatching(/^ConfigMap web was refused: \[KIND_UNKNOWN\]/) },
    ]);
  });

  it('holds the remedy whole where the reason has to be cut', async () => {
    await told.pod({}, 'é'.repeat(5_000));
    const note = String(told.store.list[0]?.['note']);
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note.endsWith(`… ${remedyOf('TRUST_NOT_SIGNED')}`)).toBe(true);
  });
});

describe('what goes on', () => {
  it('is counted on the first Event: soon at first, then once a minute, and when it is over', async () => {
    await told.pod();
    await told.pod();
    await told.pod();
    expect(told.store.list).toHaveLength(1);
    await told.after(10_000);
    expect(told.store.counts).toEqual([{ count: 3, lastObservedTime: '2026-03-01T12:00:00.250000Z' }]);
    await told.pod();
    await told.after(10_000);
    expect(told.store.counts).toHaveLength(1);
    await told.after(MINUTE);
    expect(told.store.counts).toHaveLength(2);
    await told.pod();
    await told.after(7 * MINUTE);
    expect(told.store.counts.at(-1)).toMatchObject({ count: 5 });
    expect(told.outcomes.filter((outcome) => outcome === 'repeated')).toHaveLength(4);
  });

  it('is a new Event after six minutes of quiet, for another image, reason, namespace or owner', async () => {
    await told.pod();
    told.now += 6 * MINUTE + 1;
    await told.pod();
    await told.pod({ images: ['evil.io/app:2'] });
    await told.pod({ namespace: 'other' });
    await told.pod({ metadata: controlledBy('ReplicaSet', 'a', 'uid-a') });
    expect(told.store.list).toHaveLength(5);
  });

  it('is one for all pods that a controller tries to make, whatever they are called', async () => {
    for (const name of ['web-a', 'web-b', 'web-c'])
      await told.pod({ name, metadata: controlledBy('ReplicaSet', 'web', 'uid-1') });
    expect(told.store.list).toHaveLength(1);
  });

  it('is written whole when the process ends', async () => {
    for (let round = 0; round < 4; round += 1) await told.pod();
    await told.after(10_000);
    await told.pod();
    await told.after(0, true);
    expect(told.store.counts.at(-1)).toMatchObject({ count: 5 });
  });

  it('begins anew where the API server let the Event go', async () => {
    await told.pod();
    await told.pod();
    told.store.events.clear();
    await told.after(10_000);
    await told.pod();
    expect(told.store.list).toHaveLength(1);
  });
});

describe('what is not told', () => {
  it('is what was admitted, what is no review, and a dry run', async () => {
    await told.pod({ images: ['good.io/a:1'] });
    await told.pod({ dryRun: true });
    expect(noticeOf(await admissionOf({}), 0)).toBeUndefined();
    expect(told.outcomes).toEqual([]);
  });

  it('is counted where it could not be written, and tried again at the next refusal', async () => {
    told.store.broken = new Error('the API server gave no answer about Events');
    await told.pod();
    expect([told.outcomes, told.errors]).toEqual([['failed'], [told.store.broken]]);
    told.store.broken = undefined;
    await told.pod();
    expect(told.store.list).toHaveLength(1);
  });
});
