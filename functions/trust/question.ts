import type { ImageReference } from '../image/reference.ts';
import type { Mode, NotaryRequirement, RootPin, Rule } from '../policy/policy.ts';
import type { AdmittedMemory, Clock, Cluster, CredentialSource, TrustSource } from '../ports.ts';
import type { Workload } from '../request/workload.ts';

/** One image under the rule that decides on it. */
export interface ImageQuestion {
  readonly reference: ImageReference;
  readonly rule: Rule;
  /** Namespace of the workload. */
  readonly namespace: string;
  readonly workload: Pick<Workload, 'pullSecrets' | 'serviceAccount'>;
  readonly dryRun: boolean;
  /** The mode of rules that name none. */
  readonly mode: Mode;
}

/** What a proof needs of the outside. */
export interface Prover {
  readonly trust: TrustSource;
  readonly cluster: Pick<Cluster, 'secret'>;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** TRUST_SERVERS: trust server by registry host. */
  readonly trustServers: ReadonlyMap<string, string>;
  /** TRUST_ROOTS_FILE: root pins of the whole cluster, for repositories that the policy's own do not cover. */
  readonly roots?: readonly RootPin[];
  /** TRUST_FIRST_USE: false where no policy may take a root at first sight. */
  readonly firstUse?: boolean;
  /** What was admitted before, and may be for a while after it left the trust data. */
  readonly admitted?: AdmittedMemory | undefined;
}

/** An image and one demand of Notary v1. */
export type NotaryQuestion = ImageQuestion & { readonly requirement: NotaryRequirement };
