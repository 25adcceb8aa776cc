import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../functions/cache/entries.ts';
import { Expiries, soonest } from '../../../functions/cache/expiry.ts';
import type { TrustFacts } from '../../../functions/trust/notary/facts.ts';
import { updateTrust } from '../../../functions/trust/notary/update.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY = 24 * 3600 * 1000;
const signal = new AbortController().signal;

const factsOf = (repository: TestRepository, roles: readonly string[] = []): Promise<TrustFacts> => {
  const address = { server: 'https://notary.example', gun: repository.gun, registry: 'host', credential: undefined };
  return updateTrust({ address, roles, remembered: undefined, previous: undefined }, filesOf(repository), NOW, signal);
};
const entryOf = (facts: TrustFacts, verified = NOW): Entry => ({
  facts,
  verified: { now: verified, epoch: 0 },
  record: undefined,
  written: true,
  stands: true,
  behind: false,
});
const facts = await factsOf(new TestRepository({ gun: 'host/team/app', now: NOW }).tag('v1', 'a'.repeat(64)).publish());
/** The same facts of another repository, whose targets expire then. */
const named = (gun: string, expires: number): TrustFacts => ({ ...facts, gun, targets: { ...facts.targets, expires } });

describe('expiries for a scrape', () => {
  it('are those of each role, and of the certificate of the root key', () => {
    const { expiries, omitted } = soonest([entryOf(facts)], NOW);
    const byRole = Object.fromEntries(expiries.map(({ role, expires }) => [role, expires]));
    expect(byRole).toMatchObject({
      root: facts.root.expires,
      timestamp: facts.timestamp.expires,
      snapshot: facts.snapshot.expires,
      targets: facts.targets.expires,
    });
    expect(Object.keys(byRole)).toContain('root-certificate');
    expect(expiries.map(({ expires }) => expires)).toEqual(
      expiries.map(({ expires }) => expires).toSorted((a, b) => a - b),
    );
    expect(omitted).toBe(0);
  });

  it('tell of the delegations that were asked for', async () => {
    const repository = new TestRepository({ gun: 'host/team/app', now: NOW });
    repository.addSigner('alice');
    repository.tag('v1', 'a'.repeat(64), 'targets/alice').publish();
    const { expiries } = soonest([entryOf(await factsOf(repository, ['targets/alice']))], NOW);
    expect(expiries.map(({ role }) => role)).toContain('targets/alice');
  });

  it('are of what was looked at last, where a repository is held twice', () => {
    const signedAnew = entryOf(named('a', NOW + 300 * DAY), NOW);
    const before = entryOf(named('a', NOW + DAY), NOW - 1000);
    for (const entries of [
      [signedAnew, before],
      [before, signedAnew],
    ]) {
      const { expiries } = soonest(entries, NOW);
      expect(expiries.filter(({ role }) => role === 'targets').map(({ expires }) => expires)).toEqual([
        NOW + 300 * DAY,
      ]);
    }
  });

  it('leave out what nobody asked for within a day: it may have been signed anew', () => {
    expect(soonest([entryOf(facts, NOW - DAY - 1)], NOW)).toEqual({ expiries: [], omitted: 0 });
    expect(soonest([entryOf(facts, NOW - DAY)], NOW).expiries).not.toEqual([]);
  });

  it('are bounded: of many repositories those that expire soonest are shown, and the others counted', () => {
    const entries = Array.from({ length: 1200 }, (_, index) =>
      entryOf(named(`team/${index}`, NOW + (1200 - index) * DAY)),
    );
    const { expiries, omitted } = soonest(entries, NOW);
    const shown = new Set(expiries.map(({ gun }) => gun));
    expect(shown.size).toBe(200);
    expect(shown).toContain('team/1199');
    expect(omitted).toBe(1000);
    expect(expiries.length).toBeLessThanOrEqual(200 * 16);
  });

  it('are walked through once in five seconds, however often they are asked for', () => {
    const expiries = new Expiries();
    let walks = 0;
    const entries: Iterable<Entry> = {
      [Symbol.iterator]() {
        walks += 1;
        return [entryOf(facts)][Symbol.iterator]();
      },
    };
    const first = expiries.of(entries, NOW);
    expect(first.expiries).not.toEqual([]);
    expect(expiries.of(entries, NOW + 4_999)).toBe(first);
    expect(walks).toBe(1);
    expiries.of(entries, NOW + 5_000);
    expect(walks).toBe(2);
    // A clock that is set back keeps nothing alive.
    expiries.of(entries, NOW);
    expect(walks).toBe(3);
  });
});
