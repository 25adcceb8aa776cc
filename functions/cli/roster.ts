import type { Gate } from '../admit.ts';
import { groupOf, keyOf, metadataOf, textOf } from '../io/objects.ts';
import { identityOf } from '../io/objectset.ts';
import { isObject, type JsonObject, own } from '../json.ts';
import type { OwnerReference } from '../ports.ts';
import { exemptByOwner, isBeingDeleted, isOwner } from '../request/exempt.ts';
import { readWorkload, type Workload, workloadKind } from '../request/workload.ts';
import type { FoundObject } from './manifests.ts';

/** A workload that is to be looked at. */
export interface Listed {
  readonly found: FoundObject;
  /** The highest of its controllers that is among the workloads: the Deployment of a pod. */
  readonly owner?: { readonly kind: string; readonly name: string };
  /** How many others of the same controller name the same images with the same credentials: they are not looked at again. */
  readonly alike: number;
}

/** Workloads as the gate would meet them, each once. */
export interface Roster {
  readonly workloads: readonly Listed[];
  /** How many need no proof of their own: their controller is looked at, and has all their images in its template. */
  readonly vouched: number;
  /** How many run nothing, and will not: finished, being deleted, or of a controller and without replicas (a Deployment's old ReplicaSets). */
  readonly idle: number;
}

interface Entry {
  readonly found: FoundObject;
  readonly object: JsonObject;
  /** Undefined where it can't be read; the gate says why. */
  readonly workload: Workload | undefined;
}

/** Controllers above controllers; deeper than any that makes sense, so that a circle ends. */
const DEPTH = 8;

const finished = (condition: unknown): boolean =>
  isObject(condition) &&
  ['Complete', 'Failed'].includes(textOf(condition, 'type') ?? '') &&
  own(condition, 'status') === 'True';

/** Whether an object as stored has run its course (Kubernetes: `status.phase` of a Pod, `status.conditions` of a Job). */
function isDone(object: JsonObject): boolean {
  const status = own(object, 'status');
  if (!isObject(status)) return false;
  const kind = textOf(object, 'kind');
  if (kind === 'Pod') return ['Succeeded', 'Failed'].includes(textOf(status, 'phase') ?? '');
  const conditions = own(status, 'conditions');
  return kind === 'Job' && Array.isArray(conditions) && conditions.some(finished);
}

const hasNoReplicas = (object: JsonObject): boolean => {
  const spec = own(object, 'spec');
  return isObject(spec) && own(spec, 'replicas') === 0;
};

const namedBy = ({ apiVersion, kind, name }: OwnerReference, namespace: string) => ({
  group: groupOf(apiVersion),
  kind,
  namespace,
  name,
});

class Tree {
  readonly #entries = new Map<string, Entry>();

  constructor(objects: readonly FoundObject[], kinds: Gate['kinds']) {
    for (const found of objects) {
      const { object } = found;
      const kind = workloadKind(kinds, groupOf(textOf(object, 'apiVersion') ?? ''), textOf(object, 'kind') ?? '');
      if (kind === undefined) continue;
      const read = readWorkload(kind, object);
      // What has no name (generateName) is nobody's owner, and never the same as another.
      const key =
        textOf(metadataOf(object), 'name') === undefined ? `${this.#entries.size}` : keyOf(identityOf(object));
      this.#entries.set(key, { found, object, workload: read.ok ? read.value : undefined });
    }
  }

  entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  /** The controller of an entry, where it is here under its very UID. */
  ownerOf({ object, workload }: Entry): Entry | undefined {
    const reference = workload?.controller;
    if (workload === undefined || reference === undefined) return undefined;
    const owner = this.#entries.get(keyOf(namedBy(reference, identityOf(object).namespace)));
    return owner !== undefined && isOwner(workload, owner.object) ? owner : undefined;
  }

  isIdle(entry: Entry): boolean {
    if (isBeingDeleted(entry.object) || isDone(entry.object)) return true;
    return hasNoReplicas(entry.object) && this.ownerOf(entry) !== undefined;
  }

  /** Whether an entry needs no proof of its own, for its controller is looked at in its place. */
  isVouched(entry: Entry): boolean {
    const owner = this.ownerOf(entry);
    if (owner === undefined || entry.workload === undefined || this.isIdle(owner)) return false;
    return exemptByOwner(entry.workload, owner.object, owner.workload) !== null;
  }

  topOf(entry: Entry): Listed['owner'] {
    let top: Entry | undefined;
    let next = this.ownerOf(entry);
    for (let depth = 0; next !== undefined && depth < DEPTH; depth += 1) {
      top = next;
      next = this.ownerOf(next);
    }
    if (top === undefined) return undefined;
    const { kind, name } = identityOf(top.object);
    return { kind, name };
  }
}

/** What the gate would be asked alike about two objects of one controller. */
const likeness = ({ object, workload }: Entry): string | undefined => {
  if (workload?.controller === undefined) return undefined;
  const { images, pullSecrets, serviceAccount, controller, kind } = workload;
  const places = images.map(({ field, written }) => [field, written]);
  return JSON.stringify([identityOf(object).namespace, kind, controller.uid, places, pullSecrets, serviceAccount]);
};

/** Puts in order what is to be looked at: each workload once, under its highest owner, and only what runs or will. Objects of other kinds are left out. */
export function rosterOf(objects: readonly FoundObject[], kinds: Gate['kinds']): Roster {
  const tree = new Tree(objects, kinds);
  const all = tree.entries();
  const running = all.filter((entry) => !tree.isIdle(entry));
  const open = running.filter((entry) => !tree.isVouched(entry));
  const groups = Map.groupBy(open, (entry) => likeness(entry) ?? entry);
  const workloads = [...groups.values()].flatMap(([entry, ...others]): Listed[] => {
    if (entry === undefined) return [];
    const owner = tree.topOf(entry);
    return [{ found: entry.found, ...(owner !== undefined && { owner }), alike: others.length }];
  });
  return { workloads, vouched: running.length - open.length, idle: all.length - running.length };
}
