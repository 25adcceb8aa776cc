import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv } from 'ajv';
import { type CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSink, type SinkOptions } from '../../../functions/io/sink.ts';
import type { RoleExpiry } from '../../../functions/metrics/trust.ts';
import type { Outcome } from '../../../functions/notify/channel.ts';
import { CloudEvents } from '../../../functions/notify/cloudevents.ts';
import { Foresight } from '../../../functions/notify/foresight.ts';
import { noticeOf } from '../../../functions/notify/notice.ts';
import { expiryEvent, imageEvent } from '../../../functions/notify/payload.ts';
import { admissionOf, controlledBy, type PodShape, podReview } from '../../support/admission.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-03-01T12:00:00.250Z');
const DOCS = resolve(import.meta.dirname, '../../../docs');
const schema = (name: string) =>
  new Ajv({ strict: true }).compile(JSON.parse(readFileSync(`${DOCS}/schemas/${name}`, 'utf8')));
const isImage = schema('image.v1.json');
const isExpiry = schema('expiry.v1.json');

let receiver: Receiver;
let outcomes: Outcome[];
let errors: unknown[];
let expiries: RoleExpiry[];
let now: number;

beforeEach(async () => {
  receiver = await startReceiver();
  [outcomes, errors, expiries, now] = [[], [], [], NOW];
});
afterEach(() => receiver.close());

async function openChannel(more: Partial<SinkOptions> = {}): Promise<CloudEvents> {
  const url = new URL(`${receiver.origin}/team/default`);
  const sink = await openSink({ url, source: '/clusters/demo', extensions: {}, pause: 1, ...more });
  const tally = (outcome: Outcome, error?: unknown) => {
    outcomes.push(outcome);
    if (error !== undefined) errors.push(error);
  };
  return new CloudEvents({ sink, tally, foresight: new Foresight(14 * DAY, () => expiries) });
}
async function tell(channel: CloudEvents, shape: PodShape = {}, message?: string): Promise<void> {
  const notice = noticeOf(await admissionOf(podReview(shape), message), now);
  if (notice !== undefined) channel.offer(notice);
  await channel.idle();
}
/** What arrived, read by the SDK. */
const arrived = (): CloudEvent<Record<string, unknown>>[] =>
  receiver.arrivals.map(({ headers, body }) => {
    const event = HTTP.toEvent<Record<string, unknown>>({ headers, body: body.toString() });
    if (Array.isArray(event)) throw new Error('a batch');
    return event as CloudEvent<Record<string, unknown>>;
  });

describe('a CloudEvent of a refused image', () => {
  it('arrives in binary mode, and carries what docs/alerts.md shows', async () => {
    await tell(await openChannel(), { metadata: controlledBy('ReplicaSet', 'web-5d', 'uid-1') });
    const [event] = arrived();
    expect(receiver.arrivals[0]).toMatchObject({
      url: '/team/default',
      headers: { 'ce-specversion': '1.0', 'content-type': 'application/json' },
    });
    expect(event).toMatchObject({
      type: 'dev.portieris.image.refused.v1',
      source: '/clusters/demo',
      subject: 'team/Pod/web',
      namespace: 'team',
      code: 'TRUST_NOT_SIGNED',
      time: '2026-03-01T12:00:00.250Z',
    });
    expect(isImage(event?.data), JSON.stringify(isImage.errors)).toBe(true);
    const page = readFileSync(`${DOCS}/alerts.md`, 'utf8');
    const shown = /```json refused\n(.*?)```/s.exec(page)?.[1] ?? '';
    expect(JSON.parse(shown)).toEqual(event?.data);
  });

  it('is of another type where a mode let the image pass', async () => {
    await tell(await openChannel(), { images: ['lax.io/a:1'] });
    const [event] = arrived();
    expect(event).toMatchObject({ type: 'dev.portieris.image.tolerated.v1', mode: 'warn', data: { mode: 'warn' } });
    expect(isImage(event?.data)).toBe(true);
  });

  it('bears the attributes that SinkBinding lays over it, but never another source, type or id', async () => {
    await tell(await openChannel({ extensions: { cluster: 'demo', code: 'mine' } }));
    expect(arrived()).toMatchObject([{ cluster: 'demo', code: 'mine', source: '/clusters/demo' }]);
  });

  it('is sent once while it goes on, and again after a quiet of six minutes', async () => {
    const channel = await openChannel();
    for (let round = 0; round < 5; round += 1) await tell(channel);
    now += 361_000;
    await tell(channel);
    expect([arrived().length, outcomes]).toEqual([2, ['sent', ...Array(4).fill('repeated'), 'sent']]);
  });

  it('is none for a dry run, nor for what is trusted', async () => {
    const channel = await openChannel();
    await tell(channel, { dryRun: true });
    await tell(channel, { images: ['good.io/a:1'] });
    expect(receiver.arrivals).toEqual([]);
  });

  it('fits its schema and the rules for headers, whatever names it is made of', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
        fc.string({ unit: 'binary' }),
        async (name, text) => {
          const review = podReview({ name, images: [`evil.io/${text}`], metadata: controlledBy('X', name, 'u') });
          const notice = noticeOf(await admissionOf(review, text), NOW);
          for (const image of notice?.images ?? []) {
            const { data, subject, extensions } = imageEvent(notice as NonNullable<typeof notice>, image);
            expect(isImage(data), JSON.stringify(isImage.errors)).toBe(true);
            for (const value of [subject, ...Object.values(extensions)]) expect(value).toMatch(/^[\x21-\x7e]+$/);
            expect(JSON.stringify(data).length).toBeLessThan(16_384);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('arrives with hostile names as they are, escaped', async () => {
    await tell(await openChannel(), { name: 'ü/\r\nx: y', images: ['evil.io/\r\nce-type: other'] });
    expect(errors).toEqual([]);
    expect(arrived()).toMatchObject([
      { type: 'dev.portieris.image.refused.v1', subject: expect.stringMatching(/^team\/Pod\/[\x21-\x7e]+$/) },
    ]);
  });
});

describe('a receiver', () => {
  it.each([503, 429, 404, -1])('that fails by %i is asked again, with the same event', async (answer) => {
    const channel = await openChannel();
    receiver.answers.push(answer, answer);
    await tell(channel);
    expect(outcomes).toEqual(['sent']);
    expect(new Set(arrived().map(({ id }) => id)).size).toBe(1);
    expect(receiver.arrivals).toHaveLength(3);
  });

  it('whose name a name service does not know for the moment is asked again', async () => {
    const again: NodeJS.ErrnoException = Object.assign(new Error('not now'), { code: 'EAI_AGAIN' });
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
      _: string,
      options: { all?: boolean },
      done: (error: Error | null, found?: unknown, family?: number) => void,
    ) => {
      if (lookup.mock.calls.length < 3) done(again);
      else if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
      else done(null, '127.0.0.1', 4);
    }) as unknown as typeof dns.lookup);
    await tell(await openChannel({ url: new URL(`http://receiver.test:${new URL(receiver.origin).port}/`) }));
    lookup.mockRestore();
    expect(outcomes).toEqual(['sent']);
    expect(receiver.arrivals).toHaveLength(1);
  });

  it('that goes on failing is let be, and said why; the next refusal is told again', async () => {
    const channel = await openChannel();
    receiver.answers.push(503, 503, 503, 503, 503);
    await tell(channel);
    expect([outcomes, receiver.arrivals.length]).toEqual([['failed'], 5]);
    expect(String(errors[0])).toMatch(
      /the receiver of CloudEvents at 127\.0\.0\.1:\d+ did not take an event: it answered 503/,
    );
    await tell(channel);
    expect(outcomes).toEqual(['failed', 'sent']);
  });

  it.each([400, 413, 307])('that refuses by %i is not asked again, nor followed elsewhere', async (answer) => {
    receiver.answers.push(answer);
    await tell(await openChannel());
    expect([outcomes, receiver.arrivals.map(({ url }) => url)]).toEqual([['failed'], ['/team/default']]);
  });

  it('that is not there costs an outcome and no more', async () => {
    const channel = await openChannel();
    await receiver.close();
    await tell(channel);
    expect(String(errors[0])).toMatch(/did not take an event: ECONNREFUSED/);
    receiver = await startReceiver();
  });
});

describe('what expires', () => {
  const expiry = (gun: string, role: string, days: number): RoleExpiry => ({
    server: 'https://notary.example',
    gun,
    role,
    expires: NOW + days * DAY,
  });

  it('is told once a day for each repository, by its first role, within the days that were set', async () => {
    const channel = await openChannel();
    expiries = [
      expiry('a.io/x', 'timestamp', 1),
      expiry('a.io/x', 'targets/releases', 3),
      expiry('a.io/x', 'targets', 5),
      expiry('b.io/y', 'root', 14.5),
    ];
    channel.tick(now);
    channel.tick(now + 700_000);
    await channel.idle();
    expect(arrived()).toMatchObject([
      { type: 'dev.portieris.trust.expiring.v1', subject: 'a.io/x', data: { role: 'targets/releases', daysLeft: 3 } },
    ]);
    expect(isExpiry(arrived()[0]?.data)).toBe(true);
    channel.tick(now + DAY);
    await channel.idle();
    expect(arrived().map(({ subject }) => subject)).toEqual(['a.io/x', 'a.io/x', 'b.io/y']);
  });

  it('is one event to whoever heeds IDs, though each of our pods tells of it', () => {
    const [one, other] = [expiry('a.io/x', 'targets', 3), expiry('a.io/x', 'targets', 3)];
    expect(expiryEvent(one, NOW).id).toBe(expiryEvent(other, NOW + 1000).id);
    expect(expiryEvent(one, NOW).id).not.toBe(expiryEvent(one, NOW + DAY).id);
  });

  it('is not looked for where it is switched off', () => {
    const foresight = new Foresight(0, () => {
      throw new Error('looked');
    });
    expect(foresight.due(NOW)).toEqual([]);
  });
});
