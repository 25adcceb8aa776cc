import type { Arrival } from './chain.ts';
import { checkExpiry, checkVersion } from './chain.ts';
import type { TrustFacts } from './facts.ts';
import { isUsable } from './facts.ts';
import type { Update } from './request.ts';
import type { RoleFacts } from './rolefacts.ts';
import type { TrustedRoot } from './root.ts';

const before = (facts: TrustFacts | undefined, role: string): RoleFacts | undefined => {
  if (role === 'timestamp' || role === 'snapshot' || role === 'targets') return facts?.[role];
  const found = facts?.delegations.get(role);
  return found !== undefined && isUsable(found) ? found : undefined;
};

/** A file that arrived, with the lowest version that it may have: that of the memory of the cluster and of this process (TUF 5.4.3, 5.5.5, 5.6.4). */
export function arrivalOf(update: Update, role: string, bytes: Buffer): Arrival {
  const { previous, remembered } = update.request;
  const minVersion = Math.max(1, remembered?.versions.get(role) ?? 1, before(previous, role)?.version ?? 1);
  return { bytes, minVersion, now: update.now };
}

/** Facts of before, where root has not changed since; else the keys of every role may be others. */
export function unchangedSince(update: Update, root: TrustedRoot): TrustFacts | undefined {
  const { previous } = update.request;
  return previous?.root.sha256 === root.facts.sha256 ? previous : undefined;
}

/** A role that is kept as it was may have expired since, or another replica may have seen a newer one. Throws `TrustError`. */
export function checkKept(update: Update, facts: RoleFacts): void {
  checkVersion(facts.role, facts.version, update.request.remembered?.versions.get(facts.role) ?? 1);
  checkExpiry(facts, update.now);
}
