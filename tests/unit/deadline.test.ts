import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { detached, GivenUp, timed, within } from '../../functions/deadline.ts';

describe('work within a signal', () => {
  const late = { code: 'DEADLINE', message: 'too late' };

  it('gives what it gives, good or bad, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await within(signal, Promise.resolve(7), 'too late')).toBe(7);
    await expect(within(signal, Promise.reject(new Error('broken')), 'too late')).rejects.toThrow('broken');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is a fault when the signal aborts first, and what comes of it later troubles nobody', async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<number>();
    const told = within(controller.signal, work.promise, 'too late');
    controller.abort();
    await expect(told).rejects.toMatchObject(late);
    work.reject(new Error('after the end'));
    await expect(work.promise).rejects.toThrow('after the end');
  });

  it('counts by what is there already where the signal has aborted before', async () => {
    const signal = AbortSignal.abort();
    expect(await within(signal, Promise.resolve(7), 'too late')).toBe(7);
    await expect(within(signal, new Promise(() => undefined), 'too late')).rejects.toMatchObject(late);
  });
});

describe('detached work', () => {
  it('gives what it gives, and is a fault when its time is over', async () => {
    expect(await detached(60_000, async ({ aborted }) => aborted, 'too late')).toBe(false);
    const never = detached(1, () => new Promise(() => undefined), 'too late');
    await expect(never).rejects.toMatchObject({ code: 'DEADLINE', message: 'too late' });
  });

  it('gives up what it left under way when it fails', async () => {
    const left: AbortSignal[] = [];
    const broken = new Error('broken');
    const work = async (signal: AbortSignal): Promise<never> => {
      left.push(signal);
      throw broken;
    };
    await expect(detached(60_000, work, 'too late')).rejects.toBe(broken);
    await new Promise((done) => setImmediate(done));
    expect(left.map(({ reason }) => reason)).toEqual([new GivenUp(broken)]);
  });

  it('keeps no process alive by its timer, and leaves none behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const work = Promise.withResolvers<number>();
    const told = detached(60_000, () => work.promise, 'too late');
    expect(timers()).toBe(before);
    work.resolve(7);
    expect(await told).toBe(7);
  });
});

describe('timed work', () => {
  it('is told when its time is over', async () => {
    const told = timed(1, (signal) => new Promise((done) => signal.addEventListener('abort', () => done('late'))));
    expect(await told).toBe('late');
  });

  it('leaves no timer behind, whether it ends well or not', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    expect(await timed(60_000, async (signal) => signal.aborted)).toBe(false);
    await expect(timed(60_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(timers()).toBe(before);
  });
});
