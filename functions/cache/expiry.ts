import type { RoleExpiry } from '../metrics/trust.ts';
import { isUsable, type TrustFacts } from '../trust/notary/facts.ts';
import type { Entry } from './entries.ts';

/** Repositories that one scrape shows, and roles of each: what a scrape costs does not grow with what tenants ask for. */
const REPOSITORIES = 200;
const ROLES = 16;
/** What was verified longer ago may have been signed anew since: nobody asked for it (ms). */
const LOOKED_AT = 24 * 3600 * 1000;

interface Seen {
  readonly expiry: RoleExpiry;
  readonly verified: number;
}

/** Every role of the facts with its expiry, and the certificate of the root key where that ends. */
function rolesOf({ server, gun, root, timestamp, snapshot, targets, delegations, state }: TrustFacts): RoleExpiry[] {
  const files = [root, timestamp, snapshot, targets, ...[...delegations.values()].filter(isUsable)];
  const roles = files.map(({ role, expires }) => ({ server, gun, role, expires }));
  const { certifiedUntil: expires } = state.root;
  return Number.isFinite(expires) ? [...roles, { server, gun, role: 'root-certificate', expires }] : roles;
}

const bySoonest = (one: RoleExpiry, other: RoleExpiry): number => one.expires - other.expires;

/** What Notary signs anew by itself does not say how soon a person has to. */
const isLasting = ({ role }: RoleExpiry): boolean => role !== 'timestamp';

/**
 * The roles of repositories that admissions asked for within the last day, by the expiry that was seen last. Of many repositories those of which a role
 * expires soonest are shown (the timestamp aside, which every Notary server signs anew by itself), and `omitted` says how many are not. `now`: ms since the epoch.
 */
export function soonest(
  entries: Iterable<Entry>,
  now: number,
): { readonly expiries: readonly RoleExpiry[]; readonly omitted: number } {
  const repositories = new Map<string, Map<string, Seen>>();
  for (const { facts, verified } of entries) {
    if (now - verified.now > LOOKED_AT) continue;
    const name = JSON.stringify([facts.server, facts.gun]);
    const roles = repositories.get(name) ?? new Map<string, Seen>();
    repositories.set(name, roles);
    for (const expiry of rolesOf(facts)) {
      // One repository may be in the cache by several credentials: what was looked at last is what holds.
      if ((roles.get(expiry.role)?.verified ?? Number.NEGATIVE_INFINITY) <= verified.now)
        roles.set(expiry.role, { expiry, verified: verified.now });
    }
  }
  const ranked = [...repositories.values()]
    .map((roles) => [...roles.values()].map(({ expiry }) => expiry).toSorted(bySoonest))
    .map((roles) => ({ roles, first: roles.find(isLasting)?.expires ?? Number.POSITIVE_INFINITY }))
    .toSorted((one, other) => one.first - other.first);
  const shown = ranked.slice(0, REPOSITORIES).flatMap(({ roles }) => roles.slice(0, ROLES));
  return { expiries: shown.toSorted(bySoonest), omitted: Math.max(0, ranked.length - REPOSITORIES) };
}

/** A walk over all entries serves every scrape for this long (ms): /metrics can be asked by whoever reaches the pod, as often as he likes. */
const KEPT = 5_000;

/** What a scrape shows of expiries, walked through anew every few seconds at most. */
export class Expiries {
  #shown: ReturnType<typeof soonest> = { expiries: [], omitted: 0 };
  #walked = Number.NEGATIVE_INFINITY;

  /** As `soonest`, as it was a few seconds ago at most. */
  of(entries: Iterable<Entry>, now: number): ReturnType<typeof soonest> {
    if (now < this.#walked || now - this.#walked >= KEPT) {
      this.#shown = soonest(entries, now);
      this.#walked = now;
    }
    return this.#shown;
  }
}
