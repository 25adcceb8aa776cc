import { describe, expect, it } from 'vitest';
import type { RememberedTrust } from '../../../../functions/ports.ts';
import { checkFrozen, isBehind, isNews, isVouched, mergeTrust } from '../../../../functions/trust/notary/remembered.ts';

const DAY = 24 * 3600 * 1000;
const record = (
  versions: Record<string, number>,
  rootKeyIds = ['k1'],
  more: Partial<RememberedTrust> = {},
): RememberedTrust => ({
  server: 'https://notary.example',
  gun: 'host/app',
  rootKeyIds,
  versions: new Map(Object.entries(versions)),
  expires: 1,
  ...more,
});
const changed = expect.objectContaining({ code: 'TRUST_ROOT_CHANGED' });

describe('what is remembered of a repository', () => {
  it('never falls, role by role', () => {
    const known = record({ root: 1, timestamp: 9, snapshot: 2 });
    const merged = mergeTrust(known, known, record({ root: 1, timestamp: 3, targets: 5 }));
    expect(Object.fromEntries(merged.versions)).toEqual({ root: 1, timestamp: 9, snapshot: 2, targets: 5 });
  });

  it('follows a rotation away from the keys that it holds', () => {
    const known = record({ root: 1 });
    expect(mergeTrust(known, known, record({ root: 2 }, ['k2'])).rootKeyIds).toEqual(['k2']);
  });

  it('refuses a root that does not stand on the keys that it holds: another replica saw another one first', () => {
    expect(() => mergeTrust(record({ root: 1 }), undefined, record({ root: 1 }, ['k2']))).toThrow(changed);
    expect(() => mergeTrust(record({ root: 1 }), undefined, record({ root: 2 }, ['k2']))).toThrow(changed);
    expect(() => mergeTrust(record({ root: 2 }, ['k2']), record({ root: 1 }), record({ root: 1 }))).toThrow(changed);
  });

  it('is not written back by a look that began before an operator removed it', () => {
    expect(() => mergeTrust(undefined, record({ root: 1 }), record({ root: 1 }))).toThrow(changed);
    expect(mergeTrust(undefined, undefined, record({ root: 1 })).versions.get('root')).toBe(1);
  });

  it('refuses a second root of the same version', () => {
    const known = record({ root: 1 });
    expect(() => mergeTrust(known, known, record({ root: 1 }, ['k2']))).toThrow(changed);
  });

  it('lets no rotation change a frozen record, and names both keys', () => {
    const frozen = record({ root: 1 }, ['k1'], { frozen: true });
    expect(() => mergeTrust(frozen, frozen, record({ root: 2 }, ['k2']))).toThrow(/k2.*k1.*frozen/);
    expect(() => checkFrozen(frozen, ['k2'])).toThrow(changed);
    expect(() => checkFrozen(frozen, ['k1'])).not.toThrow();
    expect(() => checkFrozen(record({ root: 1 }), ['k2'])).not.toThrow();
    expect(() => checkFrozen(undefined, ['k2'])).not.toThrow();
  });

  it('is raised by pins of the cluster to pinned, for the very keys that they were held to, and never falls', () => {
    const first = record({ root: 1 }, ['k1'], { rootFrom: 'firstUse' });
    const pinned = record({ root: 1 }, ['k1'], { rootFrom: 'pinned' });
    const operator = record({ root: 1 }, ['k1'], { rootFrom: 'operator' });
    expect(mergeTrust(undefined, undefined, pinned).rootFrom).toBe('pinned');
    expect(mergeTrust(first, first, pinned).rootFrom).toBe('pinned');
    expect(mergeTrust(record({ root: 1 }), record({ root: 1 }), pinned).rootFrom).toBe('pinned');
    expect(mergeTrust(pinned, pinned, first).rootFrom).toBe('pinned');
    expect(mergeTrust(operator, operator, pinned).rootFrom).toBe('operator');
    const rotated = { ...first, rootKeyIds: ['k2'], versions: new Map([['root', 2]]) };
    expect(mergeTrust(pinned, pinned, rotated)).toMatchObject({ rootKeyIds: ['k2'], rootFrom: 'pinned' });
    expect(mergeTrust(first, first, { ...rotated, rootFrom: 'pinned' }).rootFrom).toBe('pinned');
  });

  it('of before the field says nothing of its root, and is not made to say it was a first use', () => {
    const old = record({ root: 1 });
    expect(mergeTrust(old, old, record({ root: 1 }, ['k1'], { rootFrom: 'firstUse' })).rootFrom).toBeUndefined();
    expect([undefined, old, { ...old, rootFrom: 'firstUse' as const }].map(isVouched)).toEqual([false, false, false]);
    expect(
      [
        { ...old, rootFrom: 'operator' as const },
        { ...old, rootFrom: 'pinned' as const },
      ].map(isVouched),
    ).toEqual([true, true]);
  });

  it('is news where pins vouch for it the first time, and not where they do so again', () => {
    const first = record({ root: 1 }, ['k1'], { rootFrom: 'firstUse' });
    const pinned = record({ root: 1 }, ['k1'], { rootFrom: 'pinned' });
    expect([isNews(first, pinned, 0), isNews(pinned, pinned, 0), isNews(pinned, first, 0)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(isNews({ ...first, frozen: true }, pinned, 0)).toBe(false);
  });

  it('is news where a version rises, a role is new or the root keys differ, and once a day', () => {
    const known = record({ root: 1, timestamp: 4 }, ['k1'], { lastSeen: 0 });
    expect(isNews(undefined, known, 0)).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4 }), 0)).toBe(false);
    expect(isNews(known, record({ root: 1, timestamp: 3 }), 0)).toBe(false);
    expect(isNews(known, record({ root: 1, timestamp: 5 }), 0)).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4, 'targets/a': 1 }), 0)).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4 }, ['k2']), 0)).toBe(true);
    expect(isNews(known, record({ root: 1, timestamp: 4 }), DAY)).toBe(true);
    expect(isNews({ ...known, frozen: true }, record({ root: 1, timestamp: 5 }), DAY)).toBe(false);
  });

  it('is behind where the record knows a later version of the same role; roles that were not asked for say nothing', () => {
    const known = record({ root: 1, timestamp: 4, 'targets/a': 3 });
    expect(isBehind(record({ root: 1, timestamp: 3 }), known)).toBe(true);
    expect(isBehind(record({ root: 1, timestamp: 4 }), known)).toBe(false);
    expect(isBehind(record({ root: 1, timestamp: 5, 'targets/b': 1 }), known)).toBe(false);
  });
});
