import { describe, expect, it } from 'vitest';
import { Buckets } from '../../../functions/notify/bucket.ts';

const times = (count: number, take: () => boolean): number =>
  Array.from({ length: count }, take).filter(Boolean).length;

describe('the buckets', () => {
  it('let a burst through, then so many a minute, and no more than a burst after a long quiet', () => {
    const buckets = new Buckets({ burst: 3, perMinute: 6 }, { burst: 100, perMinute: 100 });
    expect(times(10, () => buckets.take('a', 1_000))).toBe(3);
    expect(times(10, () => buckets.take('a', 11_000))).toBe(1);
    expect(times(10, () => buckets.take('a', 3_600_000))).toBe(3);
  });

  it('keep namespaces apart: what one may not, another still may', () => {
    const buckets = new Buckets({ burst: 2, perMinute: 1 }, { burst: 100, perMinute: 100 });
    expect(times(1000, () => buckets.take('flood', 0))).toBe(2);
    expect(buckets.take('other', 0)).toBe(true);
  });

  it('hold all namespaces together to one rate', () => {
    const buckets = new Buckets({ burst: 2, perMinute: 1 }, { burst: 5, perMinute: 60 });
    const names = Array.from({ length: 50 }, (_, index) => `ns-${index}`);
    expect(names.filter((name) => buckets.take(name, 0))).toHaveLength(5);
    expect(names.filter((name) => buckets.take(name, 2_000))).toHaveLength(2);
  });

  it('take nothing from the namespace where all together are at their end', () => {
    const buckets = new Buckets({ burst: 1, perMinute: 0 }, { burst: 1, perMinute: 60 });
    expect([buckets.take('a', 0), buckets.take('b', 0), buckets.take('b', 1_000)]).toEqual([true, false, true]);
  });

  it('give nothing for a clock that was set back', () => {
    const buckets = new Buckets({ burst: 1, perMinute: 60 }, { burst: 10, perMinute: 60 });
    expect([buckets.take('a', 100_000), buckets.take('a', 0), buckets.take('a', 500)]).toEqual([true, false, false]);
  });
});
