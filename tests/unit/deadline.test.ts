import { describe, expect, it } from 'vitest';
import { timed } from '../../functions/deadline.ts';

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
