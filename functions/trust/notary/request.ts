import type { NotaryFiles, RememberedTrust, RepositoryAddress } from '../../ports.ts';
import type { TrustFacts } from './facts.ts';
import type { RootPins } from './pins.ts';
import type { TrustedRoot } from './root.ts';

/** What trust data is wanted. */
export interface TrustRequest {
  readonly address: RepositoryAddress;
  /** Delegations wanted beside `targets/releases`, which is always looked at. */
  readonly roles: readonly string[];
  /** What is remembered of the repository beyond this process. */
  readonly remembered?: RememberedTrust | undefined;
  readonly pins?: RootPins | undefined;
  /** False: without pins, a repository that is not remembered is refused (Notary's `disable_tofu`). */
  readonly firstUse?: boolean | undefined;
  /** True: without pins, a repository whose root nobody vouched for is refused also where it is remembered. */
  readonly onlyVouched?: boolean | undefined;
  /** Facts of an earlier update of the same repository, to start from. */
  readonly previous?: TrustFacts | undefined;
  /** Files that were asked for before it was known what is remembered. */
  readonly ahead?: Ahead | undefined;
  /** Told of the root of a first use as soon as it is trusted, so that it can be persisted before anything else is looked at (TUF 5.3.8). */
  readonly trusted?: ((root: TrustedRoot) => void) | undefined;
}

/** Files by role that were asked for by their latest names, ahead of what leads to them. */
export type Ahead = ReadonlyMap<string, Promise<Buffer | undefined>>;

/** One update: the request and what it is carried out with. */
export interface Update {
  readonly request: TrustRequest;
  readonly files: NotaryFiles;
  /** ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  /** What was asked for ahead of its parents. */
  readonly ahead?: Ahead;
  /** The root that this update trusted at its first look; a later one has to follow from it. */
  readonly root?: TrustedRoot;
}
