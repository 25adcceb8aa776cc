import type { NotaryFiles, RememberedTrust } from '../../ports.ts';
import { checkExpiry } from './chain.ts';
import { descend, withParents } from './descend.ts';
import { RELEASES } from './descent.ts';
import { TrustError } from './error.ts';
import type { TrustFacts } from './facts.ts';
import { isUsable } from './facts.ts';
import { FIRST, fetchAhead, fetchFile, LATEST_ROOT } from './fetch.ts';
import { isVouched, sameRoot } from './remembered.ts';
import type { TrustRequest, Update } from './request.ts';
import { trustRoot } from './rotation.ts';

/** Delegations that are asked for before root; to send the requests of more would take longer than the answer to root comes earlier. */
const BEFORE_ROOT = 4;

/**
 * The roles of a repository of which nothing is verified yet: every file of them will be needed, if it has trust data. Root, which is verified first, is asked for
 * last: of requests that arrive together a server in Go (Notary's is one) turns first to the one that came last.
 */
export const rolesWanted = (roles: readonly string[]): readonly string[] => {
  const delegations = withParents([RELEASES, ...roles]);
  const four = ['targets', 'snapshot', 'timestamp', 'root'];
  return [...delegations.slice(0, BEFORE_ROOT), ...four, ...delegations.slice(BEFORE_ROOT)];
};

const fromScratch = async (update: Update): Promise<TrustFacts> => {
  const { previous, roles } = update.request;
  const ahead = update.request.ahead ?? fetchAhead(update, previous === undefined ? rolesWanted(roles) : FIRST);
  const rootBytes = await ahead.get('root');
  const root = await trustRoot(update, rootBytes);
  const timestamp = await ahead.get('timestamp');
  try {
    return await descend({ ...update, ahead }, root, timestamp);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    // Notary's client looks at root once more: a publication between the two reads is no attack.
    const again = await fetchFile(update, LATEST_ROOT);
    if (again === undefined || rootBytes === undefined || again.equals(rootBytes)) throw error;
    return descend(update, await trustRoot({ ...update, root }, again), undefined);
  }
};

/**
 * Facts of before, unless the memory of the cluster tells of another root: then that is where trust starts, whether other replicas went
 * ahead or an operator reset the record.
 */
const previousOf = ({ previous, remembered, address, onlyVouched }: TrustRequest): TrustFacts | undefined => {
  if (onlyVouched === true && !isVouched(remembered)) return undefined;
  if (previous === undefined || previous.server !== address.server || previous.gun !== address.gun) return undefined;
  if (remembered === undefined) return previous;
  return sameRoot(remembered, rememberedRoot(previous, previous.root)) ? previous : undefined;
};

/**
 * Fetches and verifies the trust data of a repository (TUF 5.3 to 5.6, as Notary v0.7 does it). With `previous`, starts from its root: one
 * timestamp where nothing changed, else the changed roles alone; if that does not hold, root is read anew and rotated to. Throws
 * `TrustError` where the data does not hold, and the `Fault`s of the port. A delegation that cannot be used is a fact, not an error.
 */
export async function updateTrust(
  request: TrustRequest,
  files: NotaryFiles,
  now: number,
  signal: AbortSignal,
): Promise<TrustFacts> {
  const previous = previousOf(request);
  const update: Update = { request: { ...request, previous }, files, now, signal };
  // Pins may name a CA, whose certificates expire: with pins, root is looked at every time.
  if (previous === undefined || request.pins !== undefined || previous.state.root.certifiedUntil < now)
    return fromScratch(update);
  try {
    checkExpiry(previous.root, now);
    return await descend(update, previous.state.root, undefined);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return fromScratch(update);
  }
}

/** What is to be remembered of a root that is trusted: its keys and whether pins of the cluster vouch for them, its version, its expiry. */
export function rememberedRoot(
  { server, gun }: Pick<RememberedTrust, 'server' | 'gun'>,
  { keyIds, version, expires }: TrustFacts['root'],
  vouches = false,
): RememberedTrust {
  const rootFrom = vouches ? 'pinned' : 'firstUse';
  return { server, gun, rootKeyIds: [...keyIds].toSorted(), rootFrom, versions: new Map([['root', version]]), expires };
}

/** What is to be remembered of verified facts: the same of their root, the version of every role that was verified, the earliest expiry. */
export function rememberedOf(facts: TrustFacts, vouches = false): RememberedTrust {
  const usable = [...facts.delegations.values()].filter(isUsable);
  const roles = [facts.root, facts.timestamp, facts.snapshot, facts.targets, ...usable];
  const versions = new Map(roles.map(({ role, version }) => [role, version]));
  return { ...rememberedRoot(facts, facts.root, vouches), versions, expires: facts.expires };
}
