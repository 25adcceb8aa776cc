import { describe, expect, it } from 'vitest';
import type { Log } from '../../../functions/log.ts';
import type { Channel, Tally } from '../../../functions/notify/channel.ts';
import type { Notice } from '../../../functions/notify/notice.ts';
import { openNotifier } from '../../../functions/notify/notifier.ts';
import { Pump } from '../../../functions/notify/pump.ts';
import { admissionOf, podReview } from '../../support/admission.ts';

/** A log that keeps its lines. */
function logOf(): { readonly log: Log; readonly lines: unknown[] } {
  const lines: unknown[] = [];
  const write = (fields: object, message: string) => void lines.push({ ...fields, message });
  return { lines, log: { debug: write, info: write, warn: write, error: write } as unknown as Log };
}

/** A channel whose every part can be told what to do. */
class Listed implements Channel {
  readonly name = 'events';
  readonly notices: Notice[] = [];
  readonly ticks: boolean[] = [];
  tally: Tally = () => undefined;
  onOffer = (): void => undefined;
  wait = Promise.resolve();

  offer(notice: Notice): void {
    this.onOffer();
    this.notices.push(notice);
  }
  tick(_now: number, last = false): void {
    this.ticks.push(last);
  }
  idle(): Promise<void> {
    return this.wait;
  }
}

function opened() {
  const channel = new Listed();
  const { log, lines } = logOf();
  const observed: string[] = [];
  const notifier = openNotifier({
    log,
    clock: { now: () => 0 },
    observe: (name, outcome) => void observed.push(`${name} ${outcome}`),
    channels: [
      (tally) => {
        channel.tally = tally;
        return channel;
      },
    ],
  });
  return { channel, lines, observed, notifier };
}

describe('a notifier', () => {
  it('tells each channel of refusals, and of nothing else', async () => {
    const { channel, notifier } = opened();
    notifier.admission(await admissionOf(podReview()), 5);
    notifier.admission(await admissionOf(podReview({ images: ['good.io/a:1'] })), 6);
    expect(channel.notices).toMatchObject([{ time: 5, refused: true, namespace: 'team' }]);
    await notifier.close();
  });

  it('throws nothing at whoever tells it, whatever a channel does', async () => {
    const { channel, notifier, lines } = opened();
    channel.onOffer = () => {
      throw new Error('broken');
    };
    notifier.admission(await admissionOf(podReview()), 5);
    expect(lines).toMatchObject([{ message: 'an admission could not be told', err: { message: 'broken' } }]);
    await notifier.close();
  });

  it('counts every outcome, and says in one line what was lost and why', async () => {
    const { channel, notifier, lines, observed } = opened();
    for (const outcome of ['sent', 'repeated', 'limited', 'limited', 'dropped'] as const) channel.tally(outcome);
    channel.tally('failed', new Error('no answer'));
    await notifier.close();
    expect(observed).toHaveLength(6);
    expect(lines).toEqual([
      {
        channel: 'events',
        limited: 2,
        dropped: 1,
        failed: 1,
        reason: 'no answer',
        message: 'not everything could be told',
      },
    ]);
  });

  it('sends what is left at its end, and waits for a hanging channel no longer than a moment', async () => {
    const { channel, notifier } = opened();
    channel.wait = new Promise(() => undefined);
    await notifier.close();
    expect(channel.ticks).toEqual([true]);
  });

  it('without channels does nothing at all', async () => {
    const { log, lines } = logOf();
    const notifier = openNotifier({ log, clock: { now: () => 0 }, observe: () => undefined, channels: [] });
    notifier.admission({} as never, 0);
    await notifier.close();
    expect(lines).toEqual([]);
  });
});

describe('a pump', () => {
  it('drops what finds no room, begins after what runs now, and goes on after a failure', async () => {
    const done: string[] = [];
    const pump = new Pump<string>({
      room: 3,
      work: async (item) => {
        if (item === 'b') throw new Error('no');
        done.push(item);
      },
      dropped: (item) => void done.push(`dropped ${item}`),
      failed: (item) => void done.push(`failed ${item}`),
    });
    for (const item of ['a', 'b', 'c', 'd']) pump.offer(item);
    expect(done).toEqual(['dropped d']);
    await pump.idle();
    pump.offer('e');
    await pump.idle();
    expect(done).toEqual(['dropped d', 'a', 'failed b', 'c', 'e']);
  });
});
