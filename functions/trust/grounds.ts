import { type Awaitable, proceed } from '../awaitable.ts';
import type { NotaryRequirement, RootPin, Rule } from '../policy/policy.ts';
import type { Credential, TrustQuery } from '../ports.ts';
import type { Signer } from './notary/signers.ts';
import type { NotaryQuestion, Prover } from './question.ts';
import { resolvePins } from './roots.ts';
import { findSecret, readSigner } from './secret.ts';

/** What a look at the trust data goes by, beside the question. */
export interface Grounds {
  readonly signers: readonly Signer[];
  readonly credentials: readonly Credential[];
  readonly root: RootWanted;
}

/** Signers, credentials and pins, asked for side by side; the credentials alone where neither Secrets nor roots are named. */
export function groundsOf(
  prover: Prover,
  question: NotaryQuestion,
  { registry, repository, gun }: { readonly registry: string; readonly repository: string; readonly gun: string },
  signal: AbortSignal,
): Awaitable<Grounds> {
  const { requirement, namespace, workload } = question;
  const { pullSecrets, serviceAccount } = workload;
  const query = { namespace, pullSecrets, serviceAccount, registry, repository };
  const credentials = prover.credentials.credentials(query, signal);
  const named = requirement.signerSecrets.length + (requirement.roots?.length ?? 0) + (prover.roots?.length ?? 0);
  if (named === 0)
    return proceed(credentials, (held) => ({ signers: [], credentials: held, root: unpinned(prover, requirement) }));
  const pins = rootOf(prover, question, gun, signal);
  return Promise.all([readSigners(prover, question, signal), credentials, pins]).then(([signers, held, root]) => {
    return { signers, credentials: held, root };
  });
}

async function readSigners(prover: Prover, question: NotaryQuestion, signal: AbortSignal): Promise<readonly Signer[]> {
  const { requirement, namespace } = question;
  return Promise.all(
    requirement.signerSecrets.map(async (named) =>
      readSigner(await findSecret(prover.cluster, named, namespace, signal)),
    ),
  );
}

/** What root the repository may have. */
type RootWanted = Pick<TrustQuery, 'pins' | 'firstUse' | 'onlyVouched' | 'vouches'>;

/** Whether first sight is enough, where no roots are named. The cluster's no stands; what was let in before it counts on. */
function unpinned(prover: Prover, { firstUse, roots = [] }: NotaryRequirement): RootWanted {
  const allowed = firstUse ?? roots.length === 0;
  return { pins: undefined, firstUse: prover.firstUse !== false && allowed, onlyVouched: !allowed, vouches: false };
}

/**
 * By the pins of the policy, else by those of the cluster, else whether first sight is enough. A policy that writes roots means them: what they
 * do not cover is not taken at first sight unless it says so, nor because another policy let it in.
 */
async function rootOf(
  prover: Prover,
  { requirement, rule, namespace }: NotaryQuestion,
  gun: string,
  signal: AbortSignal,
): Promise<RootWanted> {
  const roots = requirement.roots ?? [];
  const pinned = async (from: readonly RootPin[]) =>
    from.length === 0 ? undefined : resolvePins({ roots: from, gun, namespace }, prover.cluster, signal);
  const own = await pinned(roots);
  const pins = own ?? (await pinned(prover.roots ?? []));
  const vouches = pins !== undefined && (own === undefined ? isOfCluster(prover.roots) : isOfCluster(roots, rule));
  return { ...unpinned(prover, requirement), pins, vouches };
}

/** Whether roots are written by who speaks for the cluster: not in a tenant's policy, and not in a Secret of the workload's own namespace. */
const isOfCluster = (roots: readonly RootPin[] = [], rule?: Rule): boolean =>
  (rule?.source.namespace ?? '') === '' &&
  roots.every(({ secret }) => secret === undefined || secret.namespace !== undefined);
