import { beforeEach, describe, expect, it } from 'vitest';
import { EVENT_RATES } from '../../functions/notify/events.ts';
import { noticeOf } from '../../functions/notify/notice.ts';
import { imageEvent } from '../../functions/notify/payload.ts';
import { admissionOf, controlledBy, podReview } from '../support/admission.ts';
import { TellingEvents } from '../support/told.ts';

/** Attacks on what the gate tells of refusals: by whoever may create workloads, and so chooses what is refused, how often, and under which names. */

let told: TellingEvents;
beforeEach(() => {
  told = new TellingEvents();
});

const NAMESPACE = EVENT_RATES.namespace.burst;

describe('who has workloads refused on purpose', () => {
  it('fills no cluster with Events: a namespace has so many, whatever the names', async () => {
    for (let count = 0; count < 500; count += 1)
      await told.offer({ name: `p-${count}`, images: [`evil.io/${count}:1`] });
    await told.events.idle();
    expect(told.store.list).toHaveLength(NAMESPACE);
    expect(told.outcomes.filter((outcome) => outcome === 'limited')).toHaveLength(500 - NAMESPACE);
  });

  it('keeps no other namespace from being told', async () => {
    for (let count = 0; count < 500; count += 1) await told.offer({ images: [`evil.io/${count}:1`] });
    await told.offer({ namespace: 'victim' });
    await told.events.idle();
    expect(told.store.list.filter(({ metadata }) => JSON.stringify(metadata).includes('victim'))).toHaveLength(1);
  });

  it('makes no write of each repetition', async () => {
    for (let count = 0; count < 500; count += 1) await told.offer();
    await told.after(10_000);
    expect([told.store.list.length, told.store.counts]).toEqual([1, [expect.objectContaining({ count: 500 })]]);
  });

  it('writes no line of his own into what is shown: controls and turned writing come out as escapes', async () => {
    await told.pod({ images: ['evil.io/a\u001b[2K\u202e\nWarning: all is well'], name: 'x\u001b]0;title\u0007' });
    const [event] = told.store.list;
    expect(event?.['note']).toContain('evil.io/a\\u{1b}[2K\\u{202e} Warning');
    expect(event?.['related']).toMatchObject({ name: 'x\\u{1b}]0;title\\u{7}' });
    expect(String(event?.['note'])).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('has no Event made about an owner that is not his: it must be stored under the UID that he names', async () => {
    told.owners.set('uid-1', { metadata: { name: 'payments', uid: 'uid-2' } });
    await told.pod({ metadata: controlledBy('Deployment', 'payments', 'uid-1') });
    await told.pod({ metadata: controlledBy('Deployment', 'payments', 'uid-3') });
    expect(told.store.list.map(({ regarding }) => regarding)).toEqual(
      Array(2).fill(expect.objectContaining({ kind: 'Namespace', name: 'team' })),
    );
  });

  it('holds no memory by names without end', async () => {
    const long = 'a'.repeat(2_000_000);
    const metadata = controlledBy('Deployment', long, long);
    const images = Array.from({ length: 400 }, (_, index) => `evil.io/${index}${'/b'.repeat(1000)}`);
    const notice = noticeOf(await admissionOf(podReview({ images, metadata }), long), 0);
    expect(notice).toMatchObject({ total: 400, controller: undefined });
    expect(JSON.stringify(notice).length).toBeLessThan(100_000);
  });

  it('leaves nothing behind by a dry run', async () => {
    await told.pod({ dryRun: true });
    expect(told.store.list).toEqual([]);
  });

  it('puts no header, no type and no other address into a CloudEvent, nor an object or a Secret of his', async () => {
    const metadata = { annotations: { token: 'sesame' }, ...controlledBy('ReplicaSet', 'x\r\nce-type: y', 'u') };
    const images = ['evil.io/a\r\nce-source: elsewhere'];
    const notice = noticeOf(await admissionOf(podReview({ images, metadata, name: 'w\r\nhost: h' })), 0);
    const [image] = notice?.images ?? [];
    if (notice === undefined || image === undefined) throw new Error('nothing was refused');
    const { type, subject, extensions, data } = imageEvent(notice, image);
    for (const value of [type, subject, ...Object.values(extensions)]) expect(value).toMatch(/^[\x21-\x7e]+$/);
    expect(type).toBe('dev.portieris.image.refused.v1');
    expect(JSON.stringify(data)).not.toMatch(/sesame|\\r|\\n/);
  });
});
