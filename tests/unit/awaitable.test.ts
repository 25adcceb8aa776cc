import { describe, expect, it } from 'vitest';
import { all, proceed } from '../../functions/awaitable.ts';

describe('a value that is at hand or promised', () => {
  it('is gone on with at once where it is at hand, and when it comes where it is promised', async () => {
    const half = (value: number) => value / 2;
    expect(proceed(4, half)).toBe(2);
    expect(proceed(Promise.resolve(4), half)).toBeInstanceOf(Promise);
    expect(await proceed(Promise.resolve(4), half)).toBe(2);
    await expect(proceed(Promise.reject(new Error('broken')), half)).rejects.toThrow('broken');
  });

  it('is one of many at once where all are at hand, and none before the last is', async () => {
    expect(all([1, 2])).toEqual([1, 2]);
    expect(all([])).toEqual([]);
    const promised = all([1, Promise.resolve(2)]);
    expect(promised).toBeInstanceOf(Promise);
    expect(await promised).toEqual([1, 2]);
    await expect(all([1, Promise.reject(new Error('broken'))])).rejects.toThrow('broken');
  });
});
