import type { Result } from '../codes.ts';
import type { JsonObject } from '../json.ts';
import type { OwnerReference } from '../ports.ts';

/** One place in a workload that names an image. */
export interface WorkloadImage {
  /** The image name as it stands there; never blank. */
  readonly written: string;
  /** JSON pointer (RFC 6901) to the name: `/spec/template/spec/containers/0/image`. */
  readonly pointer: string;
  /** The same for people: `spec.template.spec.containers[0].image`. */
  readonly field: string;
}

/** What the gate reads of a workload. */
export interface Workload {
  readonly kind: string;
  /** Every image-carrying place: containers, initContainers, ephemeralContainers, image volumes. */
  readonly images: readonly WorkloadImage[];
  /** Names of `imagePullSecrets` of the pod spec. */
  readonly pullSecrets: readonly string[];
  /** `serviceAccountName` of the pod spec (or the old `serviceAccount`), else `default`. */
  readonly serviceAccount: string;
  /** The reference with `controller: true`, if any. */
  readonly controller: OwnerReference | undefined;
  /** The pod spec itself, for comparison. */
  readonly podSpec: JsonObject;
  /** Whether this is a running pod (kind Pod), as opposed to a template. */
  readonly isPod: boolean;
}

/** Where a kind keeps its pod spec: group (empty for core), kind, and the path of fields. */
export interface WorkloadKind {
  readonly group: string;
  readonly kind: string;
  readonly podSpec: readonly string[];
}

/** The kinds of Kubernetes that hold a pod spec. Any version of the group counts. */
export declare const WORKLOAD_KINDS: readonly WorkloadKind[];
/** Parses one line of EXTRA_WORKLOADS: `group/Kind=spec.template.spec`; a sentence where it can't be. */
export declare function parseWorkloadKind(line: string): WorkloadKind | string;
/** The table entry of a kind, or undefined. */
export declare function workloadKind(
  kinds: readonly WorkloadKind[],
  group: string,
  kind: string,
): WorkloadKind | undefined;
/** Reads a workload out of an object. Refuses with WORKLOAD_INVALID (every bad field named) or IMAGES_TOO_MANY. */
export declare function readWorkload(kind: WorkloadKind, object: JsonObject): Result<Workload>;
