import type { JsonObject } from '../json.ts';
import type { Rule } from './policy.ts';

/** A policy object that is not valid, for readiness, logs and the CLI. */
export interface PolicyProblem {
  /** `ImagePolicy team/default`. */
  readonly object: string;
  /** `spec.repositories[0].policy.trust.trustServer`. */
  readonly field: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** All policies at one moment; immutable. `with` and `without` give a new one and leave this one as it was. */
export interface PolicySnapshot {
  /** Rises with each change within a process. */
  readonly version: number;
  /** Rules that apply to a namespace: its own if it has any ImagePolicy (valid or not), else the cluster's. */
  rulesFor(namespace: string): {
    readonly scope: 'namespace' | 'cluster';
    readonly rules: readonly Rule[];
    readonly objects: readonly string[];
  };
  readonly problems: readonly PolicyProblem[];
  with(object: JsonObject): PolicySnapshot;
  without(object: JsonObject): PolicySnapshot;
}
/** A snapshot of these objects (ImagePolicy and ClusterImagePolicy of either API group; others are ignored). */
export declare function snapshotOf(objects: Iterable<JsonObject>): PolicySnapshot;
