import { describe, expect, it } from 'vitest';
import { Turns } from '../../../functions/io/turns.ts';

describe('turns', () => {
  it('are taken one after the other under one name, and beside each other under two, whatever became of the one before', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.take('a', async () => {
      await gate.promise;
      order.push('first');
      throw new Error('it failed');
    });
    const second = turns.take('a', async () => order.push('second'));
    await turns.take('b', async () => order.push('beside'));
    expect(order).toEqual(['beside']);
    gate.resolve();
    await expect(first).rejects.toThrow('it failed');
    expect(await second).toBe(3);
    expect(order).toEqual(['beside', 'first', 'second']);
    expect(await turns.take('a', async () => 'later')).toBe('later');
  });
});
