import type { Result } from '../codes.ts';
import { accept, refuse } from '../codes.ts';
import type { JsonObject } from '../json.ts';
import { own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { OwnerReference } from '../ports.ts';
import { below, joinProblems, type Place, Reader, ROOT, type Spot } from './fields.ts';
import type { WorkloadKind } from './kinds.ts';

export { parseWorkloadKind, WORKLOAD_KINDS, type WorkloadKind, workloadKind } from './kinds.ts';

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
  /** The reference with `controller: true`, if any; undefined also where several claim to be it. */
  readonly controller: OwnerReference | undefined;
  /** The pod spec itself, for comparison; empty where the kind may be without and is. */
  readonly podSpec: JsonObject;
  /** What a change of brings new pods: the pod spec of a pod, else the whole template with its labels and annotations. */
  readonly template: JsonObject;
  /** Whether this is a running pod (kind Pod), as opposed to a template. */
  readonly isPod: boolean;
}

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'];

/** Blank in the sense of Kubernetes' own defaults: nothing but ASCII white space. Anything else is a name, good or bad. */
const BLANK = /^[ \t\r\n]*$/;

function imageAt(reader: Reader, spot: Spot, name: string): WorkloadImage | undefined {
  const written = reader.string(spot, name);
  if (written === undefined || BLANK.test(written)) return undefined;
  return { written, ...below(spot, name) };
}

function imagesOf(reader: Reader, podSpec: Spot): readonly WorkloadImage[] {
  const images: WorkloadImage[] = [];
  const add = (spot: Spot | undefined, name: string): void => {
    const image = spot && imageAt(reader, spot, name);
    if (image !== undefined) images.push(image);
  };
  for (const list of CONTAINER_LISTS) for (const container of reader.list(podSpec, list)) add(container, 'image');
  for (const volume of reader.list(podSpec, 'volumes')) add(reader.object(volume, 'image'), 'reference');
  return images;
}

function readController(reader: Reader, root: Spot): OwnerReference | undefined {
  const metadata = reader.object(root, 'metadata');
  const owners = metadata === undefined ? [] : reader.list(metadata, 'ownerReferences');
  const controllers = owners.filter((owner) => own(owner.value, 'controller') === true);
  const [owner] = controllers;
  if (owner === undefined || controllers.length > 1) return undefined;
  const text = (name: string): string => reader.string(owner, name) ?? '';
  return { apiVersion: text('apiVersion'), kind: text('kind'), name: text('name'), uid: text('uid') };
}

/** The owner that an object names as its controller, as `Workload.controller`, of an object that may be no workload at all. */
export const controllerOf = (object: JsonObject): OwnerReference | undefined =>
  readController(new Reader(), { ...ROOT, value: object });

/** The pod spec and its template: the object above it, where the path ends in `template.spec`. */
function descend(
  reader: Reader,
  kind: WorkloadKind,
  root: Spot,
): { podSpec: Spot | undefined; template: Spot | undefined } {
  let above: Spot | undefined;
  let spot: Spot | undefined = root;
  for (const name of kind.podSpec) {
    above = spot;
    spot = spot && reader.object(spot, name);
  }
  const templated = kind.podSpec.at(-1) === 'spec' && kind.podSpec.at(-2)?.toLowerCase().endsWith('template');
  return { podSpec: spot, template: templated ? above : spot };
}

/**
 * Reads a workload out of an object. Refuses with WORKLOAD_INVALID, naming every field that is missing or of the wrong type, or
 * with IMAGES_TOO_MANY where more distinct images are named than one admission checks. Lists and fields that are null count as
 * absent, as they do to Kubernetes.
 */
export function readWorkload(kind: WorkloadKind, object: JsonObject): Result<Workload> {
  const reader = new Reader();
  const root: Spot = { ...ROOT, value: object };
  const { podSpec, template } = descend(reader, kind, root);
  const place = podSpec ?? kind.podSpec.reduce<Place>(below, ROOT);
  if (podSpec === undefined && kind.optional !== true && reader.problems.length === 0)
    reader.problems.push(`${place.field}: is missing`);
  const spec: Spot = { value: {}, ...place };
  const workload: Workload = {
    kind: kind.kind,
    images: imagesOf(reader, spec),
    pullSecrets: reader.list(spec, 'imagePullSecrets').flatMap((secret) => reader.string(secret, 'name') || []),
    serviceAccount: reader.string(spec, 'serviceAccountName') || reader.string(spec, 'serviceAccount') || 'default',
    controller: readController(reader, root),
    podSpec: spec.value,
    template: template?.value ?? {},
    isPod: kind.group === '' && kind.kind === 'Pod',
  };
  if (reader.problems.length > 0) return refuse('WORKLOAD_INVALID', `${kind.kind}: ${joinProblems(reader.problems)}.`);
  if (workload.images.length <= LIMITS.imagesPerReview) return accept(workload);
  const distinct = new Set(workload.images.map(({ written }) => written)).size;
  if (distinct <= LIMITS.imagesPerReview) return accept(workload);
  return refuse(
    'IMAGES_TOO_MANY',
    `${kind.kind}: it names ${distinct} distinct images, and at most ${LIMITS.imagesPerReview} are checked at once.`,
  );
}
