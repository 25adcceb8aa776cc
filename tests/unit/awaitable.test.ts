import { describe, expect, it } from 'vitest';
import { type Awaitable, all, proceed, rescue } from '../../functions/awaitable.ts';

describe('a value that is at hand or promised', () => {
  it('is gone on with at once where it is at hand, and when it comes where it is promised', async () => {
    const half = (value: number) => value / 2;
    expect(proceed(4, half)).toBe(2);
    expect(proceed(Promise.resolve(4), half)).toBeInstanceOf(Promise);
    expect(await proceed(Promise.resolve(4), half)).toBe(2);
    await expect(proceed(Promise.reject(new Error('broken')), half)).rejects.toThrow('broken');
  });

  it('is made of an error by whoever rescues it, thrown or promised, and nothing else is', async () => {
    const broken = new Error('broken');
    const otherwise = (error: unknown) => (error === broken ? 'rescued' : 'other');
    expect(rescue(() => 'well', otherwise)).toBe('well');
    const works: (() => Awaitable<string>)[] = [
      () => Promise.reject(broken),
      () => {
        throw broken;
      },
    ];
    for (const work of works) {
      expect(await rescue(work, otherwise)).toBe('rescued');
      const again = rescue(work, () => {
        throw new Error('worse');
      });
      await expect(again).rejects.toThrow('worse');
    }
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
