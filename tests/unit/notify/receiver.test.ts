import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSink } from '../../../functions/io/sink.ts';
import type { EventSink } from '../../../functions/notify/cloudevents.ts';
import { noticeOf } from '../../../functions/notify/notice.ts';
import { expiryEvent, imageEvent, type Outgoing } from '../../../functions/notify/payload.ts';
import { admissionOf, type PodShape, podReview } from '../../support/admission.ts';
import { type Started, startNode } from '../../support/process.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

/** The example of knative/components/alerts, between the gate's sender and what stands for Slack. */

const PROGRAM = join(resolve(import.meta.dirname, '../../..'), 'knative/components/alerts/slack.mjs');
let slack: Receiver;
let program: Started;
let sink: EventSink;

beforeEach(async () => {
  slack = await startReceiver();
  program = startNode([PROGRAM], { PORT: '0', ALERT_URL: `${slack.origin}/services/x` });
  const [, port] = await program.until(/listening on (\d+)/);
  sink = await openSink({ url: new URL(`http://127.0.0.1:${port}`), source: '/x', extensions: {}, pause: 1 });
});
afterEach(async () => {
  await program.kill();
  await slack.close();
});

async function refusal(shape: PodShape = {}): Promise<Outgoing> {
  const notice = noticeOf(await admissionOf(podReview(shape)), 0);
  const [image] = notice?.images ?? [];
  if (notice === undefined || image === undefined) throw new Error('nothing was refused');
  return imageEvent(notice, image);
}
const texts = (): unknown[] => slack.arrivals.map(({ body }) => JSON.parse(body.toString()).text);

describe('the receiver of the example', () => {
  it('posts a refusal, what is let pass, and what expires as texts', async () => {
    await sink.send(await refusal());
    await sink.send(await refusal({ images: ['lax.io/a:1'] }));
    await sink.send(expiryEvent({ server: 'https://n', gun: 'a.io/x', role: 'root', expires: 86_400_000 }, 0));
    expect(texts()).toEqual([
      expect.stringMatching(/^:no_entry: refused in \*team\*: Pod web, image evil\.io\/app:1 \[TRUST_NOT_SIGNED\]\n/),
      expect.stringMatching(/^:warning: would be refused in \*team\*: Pod web, image lax\.io\/a:1/),
      ':hourglass: *a.io/x*: root expires in 1 days (1970-01-02T00:00:00.000Z) on https://n',
    ]);
  });

  it('lets no name call people or make links', async () => {
    await sink.send(await refusal({ images: ['<!channel> <https://evil.example|click>'] }));
    expect(String(texts()[0])).not.toMatch(/[<>]/);
  });

  it('has the sender try again where the post failed', async () => {
    slack.answers.push(500);
    await sink.send(await refusal());
    expect(slack.arrivals).toHaveLength(2);
  });
});
