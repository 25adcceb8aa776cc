import { LIMITS } from '../../limits.ts';
import { checkExpiry } from './chain.ts';
import { TrustError } from './error.ts';
import { fetchFile, LATEST_ROOT } from './fetch.ts';
import { checkFrozen, isVouched } from './remembered.ts';
import type { Update } from './request.ts';
import type { RootRules, TrustedRoot } from './root.ts';
import { rootChanged, verifyOldRoot, verifyRoot, verifySuccessor } from './root.ts';

/** Root as it is known already: its version and keys, and the root itself where this process verified it. */
interface Known {
  readonly version: number;
  readonly keyIds: readonly string[];
  readonly root: TrustedRoot | undefined;
}

const knownOf = ({ request, root }: Update): Known | undefined => {
  const { previous, remembered } = request;
  const held = root ?? previous?.state.root;
  if (held !== undefined) return { version: held.facts.version, keyIds: [...held.facts.keyIds], root: held };
  if (remembered === undefined) return undefined;
  return { version: remembered.versions.get('root') ?? 1, keyIds: remembered.rootKeyIds, root: undefined };
};

/** Whether both hold the same key IDs. */
const isSameSet = (one: readonly string[], other: ReadonlySet<string>): boolean =>
  new Set(one).size === other.size && one.every((id) => other.has(id));

const oldRoot = async (update: Update, known: Known, latest: TrustedRoot): Promise<TrustedRoot> => {
  if (known.root !== undefined) return known.root;
  const { gun } = update.request.address;
  const seen = [...latest.facts.keyIds];
  const bytes = await fetchFile(update, { ...LATEST_ROOT, version: known.version });
  if (bytes === undefined)
    throw rootChanged(gun, known.keyIds, seen, `the server does not have version ${known.version} of root`);
  const old = verifyOldRoot(bytes, gun);
  if (old.facts.version !== known.version || !isSameSet(known.keyIds, old.facts.keyIds))
    throw rootChanged(
      gun,
      known.keyIds,
      seen,
      `version ${known.version} of root on the server is not the one that was seen`,
    );
  return old;
};

/** TUF 5.3.3 to 5.3.8: every version between, each by the threshold of the one before and its own; their expiry does not count. */
const walk = async (update: Update, from: TrustedRoot, latest: TrustedRoot, rules: RootRules): Promise<TrustedRoot> => {
  const last = latest.facts.version - 1;
  if (last - from.facts.version > LIMITS.rootRotations)
    throw new TrustError(
      'TRUST_TOO_LARGE',
      `root went from version ${from.facts.version} to ${last + 1}; at most ${LIMITS.rootRotations} are followed`,
    );
  let root = from;
  for (let version = from.facts.version + 1; version <= last; version += 1) {
    const bytes = await fetchFile(update, { ...LATEST_ROOT, version });
    if (bytes === undefined)
      throw rootChanged(
        rules.gun,
        [...from.facts.keyIds],
        [...latest.facts.keyIds],
        `the server does not have version ${version} of root`,
      );
    root = verifySuccessor(bytes, root, { ...rules, pins: undefined });
    if (root.facts.version !== version)
      throw new TrustError(
        'TRUST_INCONSISTENT',
        `the file of root's version ${version} has version ${root.facts.version}`,
      );
  }
  return root;
};

/**
 * Verifies the root the server serves: by itself and the pins on first use, else as the one known, or its successor by a signed rotation
 * N → N+1. `bytes` undefined: the server has no root. Throws `TrustError` (TRUST_NO_DATA, TRUST_ROOT_CHANGED, TRUST_ROLLBACK, …).
 */
export async function trustRoot(update: Update, bytes: Buffer | undefined): Promise<TrustedRoot> {
  const { address, pins } = update.request;
  if (bytes === undefined)
    throw new TrustError('TRUST_NO_DATA', `${address.server} has no trust data for ${address.gun}`);
  const rules: RootRules = { gun: address.gun, now: update.now, pins };
  const latest = verifyRoot(bytes, rules);
  const known = knownOf(update);
  if (pins === undefined) checkUnpinned(update.request, latest, known !== undefined);
  const root = known === undefined ? latest : await follow(update, known, { latest, bytes, rules });
  checkFrozen(update.request.remembered, [...root.facts.keyIds]);
  checkExpiry(root.facts, update.now);
  if (known === undefined) update.request.trusted?.(root);
  return root;
}

/** A root that no pin covers: refused at first sight where first use is off, and after it where somebody has to have vouched for it. */
function checkUnpinned(request: Update['request'], { facts }: TrustedRoot, isKnown: boolean): void {
  const { address, firstUse, onlyVouched, remembered } = request;
  const why =
    !isKnown && firstUse === false
      ? 'is seen for the first time'
      : isKnown && onlyVouched === true && !isVouched(remembered)
        ? 'is remembered by a first use alone'
        : undefined;
  if (why === undefined) return;
  throw new TrustError(
    'TRUST_ROOT_UNPINNED',
    `the root of ${address.gun} ${why} and no pin covers it, and first use is switched off; it has the keys ${[...facts.keyIds].join(', ')}`,
  );
}

type Candidate = { readonly latest: TrustedRoot; readonly bytes: Buffer; readonly rules: RootRules };

const follow = async (update: Update, known: Known, { latest, bytes, rules }: Candidate): Promise<TrustedRoot> => {
  const { version, keyIds } = latest.facts;
  if (version <= known.version) {
    if (!isSameSet(known.keyIds, keyIds))
      throw rootChanged(rules.gun, known.keyIds, [...keyIds], `its version is ${version}, seen was ${known.version}`);
    if (version < known.version)
      throw new TrustError(
        'TRUST_ROLLBACK',
        `root has version ${version}, but version ${known.version} was seen before`,
      );
    return known.root === undefined ? latest : verifySuccessor(bytes, known.root, rules);
  }
  const from = await oldRoot(update, known, latest);
  return verifySuccessor(bytes, await walk(update, from, latest, rules), rules);
};
