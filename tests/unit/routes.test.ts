import { describe, expect, it } from 'vitest';
import { timeoutOf } from '../../functions/routes.ts';

const of = (query: string): number => timeoutOf(new URL(`http://gate/admit${query}`));

describe('timeoutOf', () => {
  it.each([
    ['?timeout=10s', 10_000],
    ['?timeout=1s', 1_000],
    ['?timeout=250ms', 250],
    ['?timeout=0.5m', 30_000],
    ['?timeout=99m', 30_000],
    ['', 10_000],
    ['?timeout=', 10_000],
    ['?timeout=-5s', 10_000],
    ['?timeout=soon', 10_000],
    ['?timeout=10s10s', 10_000],
  ])('reads %s as %i ms', (query, milliseconds) => {
    expect(of(query)).toBe(milliseconds);
  });
});
