import { describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import type { RememberedTrust } from '../../../functions/ports.ts';

const record = (gun: string): RememberedTrust => ({
  server: 'https://notary.example',
  gun,
  rootKeyIds: ['k1'],
  versions: new Map([['root', 1]]),
  expires: 1,
});

describe('what is remembered within the process', () => {
  it('is kept apart by server and repository, and bounded', async () => {
    const memory = new MemoryTrust(2);
    for (const gun of ['a/a', 'b/b', 'c/c']) await memory.remember(record(gun), undefined);
    expect(await memory.read('https://notary.example', 'a/a')).toBeUndefined();
    expect((await memory.read('https://notary.example', 'c/c'))?.gun).toBe('c/c');
    expect(await memory.read('https://other.example', 'c/c')).toBeUndefined();
  });
});
