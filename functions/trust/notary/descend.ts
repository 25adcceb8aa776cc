import { turn } from '../../awaitable.ts';
import { LIMITS } from '../../limits.ts';
import type { TrustedList } from './chain.ts';
import { checkRoot, verifySnapshot, verifyTimestamp } from './chain.ts';
import { Descent, RELEASES } from './descent.ts';
import { TrustError } from './error.ts';
import type { TrustFacts } from './facts.ts';
import { isUsable } from './facts.ts';
import { fetchFile, fetchStated, LATEST_TIMESTAMP } from './fetch.ts';
import { isSameFile } from './hashes.ts';
import type { FileMeta } from './metadata.ts';
import { stated } from './metadata.ts';
import type { Update } from './request.ts';
import { arrivalOf, checkKept, unchangedSince } from './reuse.ts';
import type { TrustedRoot } from './root.ts';

const timestampOf = async (update: Update, root: TrustedRoot, bytes: Buffer | undefined): Promise<TrustedList> => {
  const arrived = bytes ?? (await fetchFile(update, LATEST_TIMESTAMP));
  if (arrived === undefined)
    throw new TrustError('TRUST_INCONSISTENT', 'the trust server has a root for the repository, but no timestamp');
  return verifyTimestamp(arrivalOf(update, 'timestamp', arrived), root);
};

const snapshotOf = async (update: Update, root: TrustedRoot, meta: FileMeta): Promise<TrustedList> => {
  const old = unchangedSince(update, root);
  if (old !== undefined && isSameFile(old.state.snapshot, meta)) {
    checkKept(update, old.snapshot);
    return { facts: old.snapshot, meta: old.state.files };
  }
  return verifySnapshot(arrivalOf(update, 'snapshot', await fetchStated(update, 'snapshot', meta)), root, meta);
};

/** These delegations and those above them; parents first. */
export const withParents = (asked: Iterable<string>): readonly string[] => {
  const all = new Set<string>();
  for (const role of asked) {
    const steps = role.split('/');
    for (let end = 2; end <= Math.min(steps.length, LIMITS.delegationDepth + 1); end += 1)
      all.add(steps.slice(0, end).join('/'));
  }
  return [...all].toSorted((one, other) => one.split('/').length - other.split('/').length);
};

/** Text in memory takes two bytes a character, and a Map as much again. */
const MEMORY_FACTOR = 4;

/**
 * From a trusted root to the facts: timestamp, snapshot, targets, delegations (TUF 5.4 to 5.6). What did not change since `previous` is
 * neither fetched nor verified again, but its expiry counts. `timestamp`: its bytes, where they were fetched already. A chain takes a
 * millisecond and more of the one thread, so others have their turn between its files. Throws `TrustError` and `Fault`.
 */
export async function descend(update: Update, root: TrustedRoot, timestamp: Buffer | undefined): Promise<TrustFacts> {
  const { request } = update;
  const stamp = await timestampOf(update, root, timestamp);
  await turn();
  const snapshotMeta = stated(stamp.meta, 'snapshot');
  const snapshot = await snapshotOf(update, root, snapshotMeta);
  checkRoot(root, snapshot.meta);
  await turn();
  const asked = new Set([RELEASES, ...request.roles, ...(request.previous?.state.asked ?? [])]);
  const roles = withParents(asked);
  const descent = new Descent(update, snapshot.meta, unchangedSince(update, root));
  await descent.fetch(['targets', ...roles]);
  const targets = descent.targets(root);
  await turn();
  for (const role of roles) descent.delegation(role);
  const usable = [...descent.delegations.values()].filter(isUsable);
  const all = [root.facts, stamp.facts, snapshot.facts, targets, ...usable];
  return {
    server: request.address.server,
    gun: request.address.gun,
    root: root.facts,
    timestamp: stamp.facts,
    snapshot: snapshot.facts,
    targets,
    delegations: descent.delegations,
    expires: Math.min(root.certifiedUntil, ...all.map(({ expires }) => expires)),
    bytes: all.reduce((sum, { length }) => sum + length * MEMORY_FACTOR, 0),
    state: { root, snapshot: snapshotMeta, files: snapshot.meta, delegations: descent.listed, asked },
  };
}
