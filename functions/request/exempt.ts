import { parseReference } from '../image/reference.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isObject, own } from '../json.ts';
import { equalJson } from './equal.ts';
import type { AdmissionRequest } from './review.ts';
import type { Workload, WorkloadImage } from './workload.ts';

const metadataOf = (object: JsonObject | undefined): JsonObject => {
  const metadata = object === undefined ? undefined : own(object, 'metadata');
  return isObject(metadata) ? metadata : {};
};

/** Whether a stored object is being deleted. The mark is set by the API server alone, once an object is being deleted; in an object that somebody sends it is a mere claim. */
export const isBeingDeleted = (stored: JsonObject | undefined): boolean => {
  const at = own(metadataOf(stored), 'deletionTimestamp');
  return typeof at === 'string' && at !== '';
};

const sameKind = (one: Workload, other: Workload): boolean => one.kind === other.kind && one.isPod === other.isPod;

/**
 * Why nothing of what is being deleted needs proof: a sentence, or null. So it is for a DELETE, and for an UPDATE of what was marked for
 * deletion before (by the *old* object): such an object is not even read, for one that the gate can't read must go as well.
 */
export function exemptDeletion({
  operation,
  oldObject,
}: Pick<AdmissionRequest, 'operation' | 'oldObject'>): string | null {
  if (operation === 'DELETE') return 'The object is being deleted, and nothing of it will run.';
  if (operation !== 'UPDATE' || !isBeingDeleted(oldObject)) return null;
  return 'The object was marked for deletion before, and no new pod comes of it.';
}

/**
 * Why nothing of an object that stays needs proof now: a sentence, or null. So it is where its pod template stays as it is. `old` is the workload of
 * `oldObject` of an UPDATE, and undefined otherwise.
 * A template counts with its labels and annotations: a change there rolls out new pods, which may pull something else by a tag.
 */
export function exemptObject(request: AdmissionRequest, workload: Workload, old: Workload | undefined): string | null {
  if (request.operation !== 'UPDATE') return null;
  if (old === undefined || !sameKind(workload, old) || !equalJson(workload.template, old.template)) return null;
  return `The pod ${workload.isPod ? 'spec' : 'template'} is the same as before.`;
}

/** The container or volume that holds an image, found by the last three parts of the pointer before the field. */
function holderOf(workload: Workload, image: WorkloadImage): JsonValue | undefined {
  const parts = image.pointer.split('/');
  const volume = parts.at(-1) === 'reference';
  const [list = '', index = ''] = parts.slice(volume ? -4 : -3);
  const holders = own(workload.podSpec, list);
  return Array.isArray(holders) ? holders[Number(index)] : undefined;
}

const nameOf = (holder: JsonValue | undefined): JsonValue | undefined =>
  isObject(holder) ? own(holder, 'name') : undefined;

/** A running container stays what it is only in its place and under its name; elsewhere the name is pulled anew. */
function standsAsBefore(image: WorkloadImage, workload: Workload, old: Workload): boolean {
  const before = old.images.find(({ pointer }) => pointer === image.pointer);
  return before?.written === image.written && nameOf(holderOf(workload, image)) === nameOf(holderOf(old, before));
}

/**
 * The places that ask for proof, and may be patched. In a pod those are left out where the same image stood before in the same container: it runs
 * already, and the API server lets nobody change it. An ephemeral container with the tag of a running one pulls that tag anew and stays in.
 */
export function openPlaces(
  places: readonly WorkloadImage[],
  workload: Workload,
  old: Workload | undefined,
): readonly WorkloadImage[] {
  if (old === undefined || !sameKind(workload, old) || !workload.isPod) return places;
  return places.filter((image) => !standsAsBefore(image, workload, old));
}

const isPinned = (written: string): boolean => {
  const reference = parseReference(written);
  return reference.ok && reference.value.digest !== undefined;
};

/**
 * Why one image needs no proof now: a sentence, or null. `old` is the workload of `oldObject` of an UPDATE, and undefined otherwise. In a pod an image
 * passes where no place of it is open. In a template a name with a digest passes if it stood anywhere in the old template, a tag never: a rollout
 * may pull something else under it.
 */
export function exemptImage(written: string, workload: Workload, old: Workload | undefined): string | null {
  if (old === undefined || !sameKind(workload, old)) return null;
  const named = (image: WorkloadImage): boolean => image.written === written;
  if (workload.isPod) {
    const places = workload.images.filter(named);
    const unchanged = places.length > 0 && openPlaces(places, workload, old).length === 0;
    return unchanged ? 'The image is unchanged in a pod that has it already.' : null;
  }
  const known = old.images.some(named);
  return known && isPinned(written) ? 'The image is pinned by digest and stood in the template before.' : null;
}

const groupOf = (apiVersion: JsonValue | undefined): string =>
  typeof apiVersion === 'string' ? apiVersion.slice(0, Math.max(apiVersion.indexOf('/'), 0)) : '';

/** Whether the stored object is the one that the reference claims: UID, name, kind and group. */
export function isOwner(workload: Workload, owner: JsonObject): boolean {
  const reference = workload.controller;
  const metadata = metadataOf(owner);
  return (
    reference !== undefined &&
    reference.uid !== '' &&
    own(metadata, 'uid') === reference.uid &&
    own(metadata, 'name') === reference.name &&
    own(owner, 'kind') === reference.kind &&
    groupOf(own(owner, 'apiVersion')) === groupOf(reference.apiVersion)
  );
}

/**
 * Why the stored owner vouches for all images of the workload: a sentence, or null. `owner` is the object as stored *in the
 * namespace of the request*, read by the controller reference; `ownerWorkload` is what `readWorkload` makes of it, undefined where
 * its kind is none that the gate checks. A pod vouches for nothing (it has no template), nor does an owner that is being deleted:
 * its updates pass without proof, so its template may hold anything, and no controller makes pods for it.
 */
export function exemptByOwner(
  workload: Workload,
  owner: JsonObject | undefined,
  ownerWorkload: Workload | undefined,
): string | null {
  if (owner === undefined || ownerWorkload === undefined || ownerWorkload.isPod) return null;
  if (!isOwner(workload, owner) || ownerWorkload.kind !== own(owner, 'kind') || isBeingDeleted(owner)) return null;
  const vouched = new Set(ownerWorkload.images.map(({ written }) => written));
  if (!workload.images.every(({ written }) => vouched.has(written))) return null;
  return `Its controller ${ownerWorkload.kind} ${workload.controller?.name ?? ''} exists and has all its images in its template.`;
}
