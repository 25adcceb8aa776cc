import type { RoleExpiry } from '../metrics/trust.ts';

const DAY = 86_400_000;
/** How often it is looked (ms). */
const PACE = 600_000;
/** Repositories told of in one day; more of them are one alarm of another kind. */
const REPOSITORIES = 1000;

/** What expires soon: each repository once a day (UTC), by the role that expires first. A timestamp is left out: Notary servers sign it anew by themselves when it expires. */
export class Foresight {
  readonly #ahead: number;
  readonly #look: () => readonly RoleExpiry[];
  readonly #told = new Set<string>();
  #day = Number.NaN;
  #looked = Number.NEGATIVE_INFINITY;

  /** `ahead`: how long before its end (ms) it is told of a role. `look`: the roles that are known, the soonest first. */
  constructor(ahead: number, look: () => readonly RoleExpiry[]) {
    this.#ahead = ahead;
    this.#look = look;
  }

  /** What is to be told now (ms since the epoch); mostly nothing. */
  due(now: number): readonly RoleExpiry[] {
    if (this.#ahead === 0 || now - this.#looked < PACE) return [];
    this.#looked = now;
    const day = Math.floor(now / DAY);
    if (day !== this.#day) this.#told.clear();
    this.#day = day;
    return this.#look().filter((expiry) => this.#isNew(expiry, now));
  }

  #isNew({ server, gun, role, expires }: RoleExpiry, now: number): boolean {
    const repository = JSON.stringify([server, gun]);
    if (role === 'timestamp' || expires - now > this.#ahead) return false;
    if (this.#told.has(repository) || this.#told.size >= REPOSITORIES) return false;
    this.#told.add(repository);
    return true;
  }
}
