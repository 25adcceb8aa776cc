import type { TrustedTargets } from './chain.ts';
import { verifyDelegation, verifyTargets } from './chain.ts';
import { TrustError } from './error.ts';
import type { TargetsFacts, TrustFacts, UnusableRole } from './facts.ts';
import { isUsable } from './facts.ts';
import { fetchStated } from './fetch.ts';
import { isSameFile } from './hashes.ts';
import type { Delegation, FileMeta } from './metadata.ts';
import { stated } from './metadata.ts';
import type { Update } from './request.ts';
import { arrivalOf, checkKept } from './reuse.ts';
import type { TrustedRoot } from './root.ts';

/** The role whose tags docker and Portieris take as released. */
export const RELEASES = 'targets/releases';

type Fetched = { readonly bytes: Buffer } | { readonly error: TrustError };

/** The way below one snapshot: files are fetched side by side, then verified parents first. */
export class Descent {
  readonly #update: Update;
  readonly #files: ReadonlyMap<string, FileMeta>;
  readonly #old: TrustFacts | undefined;
  readonly #fetched = new Map<string, Fetched>();
  /** What each verified role delegates. */
  readonly listed = new Map<string, readonly Delegation[]>();
  /** Each delegation that was asked for and is listed. */
  readonly delegations = new Map<string, TargetsFacts | UnusableRole>();

  constructor(update: Update, files: ReadonlyMap<string, FileMeta>, old: TrustFacts | undefined) {
    this.#update = update;
    this.#files = files;
    this.#old = old;
  }

  #unchanged(role: string): TrustedTargets | undefined {
    const facts = role === 'targets' ? this.#old?.targets : this.#old?.delegations.get(role);
    const delegations = this.#old?.state.delegations.get(role);
    const parent = role.slice(0, role.lastIndexOf('/'));
    const same = isSameFile(this.#old?.state.files.get(role), this.#files.get(role));
    const keysStayed = role === 'targets' || this.#unchanged(parent) !== undefined;
    if (!same || !keysStayed || facts === undefined || delegations === undefined || !isUsable(facts)) return undefined;
    return { facts, delegations };
  }

  /** Fetches what changed of these roles and stands in the snapshot. Throws the faults of the port alone. */
  async fetch(roles: readonly string[]): Promise<void> {
    const due = roles.filter((role) => this.#unchanged(role) === undefined && this.#files.has(role));
    await Promise.all(due.map((role) => this.#fetch(role)));
  }

  async #fetch(role: string): Promise<void> {
    try {
      const bytes = await fetchStated(this.#update, role, stated(this.#files, role));
      this.#fetched.set(role, { bytes });
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      this.#fetched.set(role, { error });
    }
  }

  #bytes(role: string): Buffer {
    const fetched = this.#fetched.get(role);
    if (fetched === undefined)
      throw new TrustError(
        'TRUST_NOT_SIGNED',
        `${role} is delegated, but nothing was published in it: the snapshot does not list it`,
      );
    if ('error' in fetched) throw fetched.error;
    return fetched.bytes;
  }

  /** The role as it was before, or verified anew from what was fetched. */
  #role(role: string, verify: (bytes: Buffer) => TrustedTargets): TargetsFacts {
    const unchanged = this.#unchanged(role);
    if (unchanged !== undefined) checkKept(this.#update, unchanged.facts);
    const found = unchanged ?? verify(this.#bytes(role));
    this.listed.set(role, found.delegations);
    return found.facts;
  }

  /** The top-level targets. Throws `TrustError`. */
  targets(root: TrustedRoot): TargetsFacts {
    return this.#role('targets', (bytes) =>
      verifyTargets(arrivalOf(this.#update, 'targets', bytes), root, stated(this.#files, 'targets')),
    );
  }

  /** One delegation, after its parent; one that cannot be used is noted as such, one that is not listed is left out. */
  delegation(role: string): void {
    const parent = role.slice(0, role.lastIndexOf('/'));
    const above = this.delegations.get(parent);
    if (above !== undefined && !isUsable(above)) this.delegations.set(role, { ...above, role });
    const listed = this.listed.get(parent)?.find(({ name }) => name === role);
    if (listed === undefined) return;
    try {
      const verify = (bytes: Buffer): TrustedTargets =>
        verifyDelegation(arrivalOf(this.#update, role, bytes), listed, stated(this.#files, role));
      this.delegations.set(role, this.#role(role, verify));
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      this.delegations.set(role, { role, code: error.code, message: error.message });
    }
  }
}
