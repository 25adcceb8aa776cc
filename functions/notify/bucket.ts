import { LRUCache } from 'lru-cache';

/** How much may pass: so many at once, and so many a minute in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perMinute: number;
}

interface Bucket {
  tokens: number;
  /** ms since the epoch. */
  at: number;
}

/** Namespaces that are told apart at once; one that was quiet longest begins anew with a full bucket, and the bucket of all still holds. */
const NAMESPACES = 4096;

function refill(bucket: Bucket, { burst, perMinute }: Rate, now: number): void {
  bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) * perMinute) / 60_000);
  bucket.at = now;
}

/** Token buckets: one for each namespace and one for all, so that a flood in one namespace leaves room for what is told of the others. */
export class Buckets {
  readonly #each: Rate;
  readonly #all: Rate;
  readonly #namespaces = new LRUCache<string, Bucket>({ max: NAMESPACES });
  readonly #whole: Bucket;

  constructor(each: Rate, all: Rate) {
    this.#each = each;
    this.#all = all;
    this.#whole = { tokens: all.burst, at: 0 };
  }

  /** Takes one token of the namespace and one of all, or none and false. `now` in ms since the epoch. */
  take(namespace: string, now: number): boolean {
    const bucket = this.#namespaces.get(namespace) ?? { tokens: this.#each.burst, at: now };
    this.#namespaces.set(namespace, bucket);
    refill(bucket, this.#each, now);
    refill(this.#whole, this.#all, now);
    if (bucket.tokens < 1 || this.#whole.tokens < 1) return false;
    bucket.tokens -= 1;
    this.#whole.tokens -= 1;
    return true;
  }
}
