import type { ImagePattern } from '../image/pattern.ts';
import type { PolicyGroup, PolicyKind } from './resource.ts';

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
  /** Secrets that name required signers, all of them, each once. */
  readonly signerSecrets: readonly SecretName[];
}

/** Where a signer Secret is. A ClusterImagePolicy names none: there it is the namespace of the workload, as in Portieris. */
export interface SecretName {
  /** Undefined: the namespace of the workload. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** One rule of a policy, compiled. No requirements: allowed without proof. */
export interface Rule {
  readonly source: RuleSource;
  readonly pattern: ImagePattern;
  readonly requirements: readonly Requirement[];
  /** Whether the digest is written into the workload. */
  readonly mutateImage: boolean;
}
