import type { ImagePattern } from '../image/pattern.ts';
import type { Mode } from './mode.ts';
import type { PolicyGroup, PolicyKind } from './resource.ts';

export { MODES, type Mode } from './mode.ts';

/** Where a rule comes from, for messages: `ClusterImagePolicy default, spec.repositories[0]`. */
export interface RuleSource {
  readonly kind: PolicyKind;
  readonly group: PolicyGroup;
  /** Empty for a ClusterImagePolicy. */
  readonly namespace: string;
  readonly name: string;
  /** `spec.repositories[0]`; `spec` where the object as a whole is not valid. */
  readonly field: string;
  /** Place in `spec.repositories`; -1 where the object as a whole is not valid. */
  readonly index: number;
}

/** What a rule demands of an image. All requirements of a rule must hold. */
export type Requirement =
  | NotaryRequirement
  | { readonly type: 'reject' }
  /** A proof this gate can't check (simple signing, vulnerability): refused. `what` names the field. */
  | { readonly type: 'unsupported'; readonly what: string }
  /** The rule is not valid; `problems` are sentences with field paths. */
  | { readonly type: 'invalid'; readonly problems: readonly string[] };

/** Signed by Notary v1. */
export interface NotaryRequirement {
  readonly type: 'notary';
  /** Origin of the trust server, or undefined: by the table of hosts. */
  readonly trustServer: string | undefined;
  /** Secrets that name required signers, each once. */
  readonly signerSecrets: readonly SecretName[];
  /** How many of them must have signed, with as many distinct keys; undefined: all of them. */
  readonly signerThreshold?: number | undefined;
  /** Root pins; one that covers the repository goes before those of the whole cluster. */
  readonly roots?: readonly RootPin[];
  /** Whether a root that no pin covers may be taken at first sight; undefined: as the cluster has it. */
  readonly firstUse?: boolean | undefined;
  /** Under which other name the images carry their trust data. */
  readonly repository?: RepositoryMap | undefined;
}

/** Where a Secret is that a policy names. */
export interface SecretName {
  /** Undefined: the namespace of the workload, as Portieris has it for a ClusterImagePolicy that writes none. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** The namespace of an ImagePolicy that names a Secret of another one: that Secret must allow it. */
  readonly asker?: string;
}

/** Keys that may be root of some repositories, as the policy writes them. */
export interface RootPin {
  /** `spec.repositories[0].policy.trust.roots[0]`, for messages. */
  readonly field: string;
  /** A GUN, or the beginning of GUNs and `*`. */
  readonly gun: string;
  /** Lower-case hex: what Notary calls certificate IDs. */
  readonly keyIds: readonly string[];
  /** PEM of a public key or certificate each. */
  readonly publicKeys: readonly string[];
  /** PEM of certificates that issue root certificates. */
  readonly certificateAuthority: string | undefined;
  readonly secret: SecretName | undefined;
}

/** Repositories at `prefix` or below it are signed under the same path at `signedPrefix`; both are whole parts of a name. */
export interface RepositoryMap {
  readonly prefix: string;
  readonly signedPrefix: string;
}

/** One rule of a policy, compiled. No requirements: allowed without proof. */
export interface Rule {
  readonly source: RuleSource;
  readonly pattern: ImagePattern;
  readonly requirements: readonly Requirement[];
  /** Whether the digest is written into the workload. */
  readonly mutateImage: boolean;
  /** Undefined: as the cluster has it (ENFORCEMENT_MODE). */
  readonly mode?: Mode | undefined;
  /** A rule of the cluster's floor, whose requirements must hold as well. */
  readonly floor?: Rule;
}
