import { describe, expect, it } from 'vitest';
import { isNews, MemoryTrust, mergeTrust } from '../../../functions/cache/memory.ts';
import type { RememberedTrust } from '../../../functions/ports.ts';

const record = (versions: Record<string, number>, rootKeyIds = ['k1'], gun = 'host/app'): RememberedTrust => ({
  server: 'https://notary.example',
  gun,
  rootKeyIds,
  versions: new Map(Object.entries(versions)),
  expires: 1,
});

describe('what is remembered', () => {
  it('never falls, role by role', () => {
    const merged = mergeTrust(
      record({ root: 1, timestamp: 9, snapshot: 2 }),
      record({ root: 1, timestamp: 3, targets: 5 }),
    );
    expect(Object.fromEntries(merged.versions)).toEqual({ root: 1, timestamp: 9, snapshot: 2, targets: 5 });
  });

  it('follows the root keys of a later root, and keeps them against an earlier one', () => {
    const later = mergeTrust(record({ root: 1 }), record({ root: 2 }, ['k2']));
    expect(later.rootKeyIds).toEqual(['k2']);
    expect(mergeTrust(later, record({ root: 1 })).rootKeyIds).toEqual(['k2']);
  });

  it('refuses a second root of the same version', () => {
    expect(() => mergeTrust(record({ root: 1 }), record({ root: 1 }, ['k2']))).toThrow(
      expect.objectContaining({ code: 'TRUST_ROOT_CHANGED' }),
    );
  });

  it('is news only where a version rises, a role is new or the root keys differ', () => {
    const known = record({ root: 1, timestamp: 4 });
    expect(isNews(undefined, known)).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4 }))).toBe(false);
    expect(isNews(known, record({ root: 1, timestamp: 3 }))).toBe(false);
    expect(isNews(known, record({ root: 1, timestamp: 5 }))).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4, 'targets/a': 1 }))).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4 }, ['k2']))).toBe(true);
  });

  it('is kept apart by server and repository, and bounded', async () => {
    const memory = new MemoryTrust(2);
    for (const gun of ['a/a', 'b/b', 'c/c']) await memory.remember(record({ root: 1 }, ['k1'], gun));
    expect(await memory.read('https://notary.example', 'a/a')).toBeUndefined();
    expect((await memory.read('https://notary.example', 'c/c'))?.gun).toBe('c/c');
    expect(await memory.read('https://other.example', 'c/c')).toBeUndefined();
  });
});
