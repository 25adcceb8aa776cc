import type { JsonObject } from '../json.ts';
import { snapshotOf } from '../policy/snapshot.ts';
import { clusterOf } from './lookup.ts';
import { settled } from './manifest.ts';
import {
  groupOf,
  type Identity,
  isClusterKind,
  isPolicy,
  keyOf,
  metadataOf,
  type ObjectSource,
  textOf,
} from './objects.ts';

/** What names an object as it is written: namespaced kinds without a namespace are in `default`. */
export function identityOf(object: JsonObject): Identity {
  const kind = textOf(object, 'kind') ?? '';
  const metadata = metadataOf(object);
  return {
    group: groupOf(textOf(object, 'apiVersion') ?? ''),
    kind,
    namespace: isClusterKind(kind) ? '' : (textOf(metadata, 'namespace') ?? 'default'),
    name: textOf(metadata, 'name') ?? '',
  };
}

/** Objects by identity, each as an API server would store it; of two with one identity the later counts. */
export function objectsByIdentity(objects: Iterable<JsonObject>): ReadonlyMap<string, JsonObject> {
  return new Map(
    [...objects].map((object) => {
      const identity = identityOf(object);
      return [keyOf(identity), settled(object, identity)];
    }),
  );
}

/** A source of these very objects, which never change. */
export function objectSet(objects: Iterable<JsonObject>): ObjectSource {
  const held = objectsByIdentity(objects);
  const snapshot = snapshotOf([...held.values()].filter((object) => isPolicy(identityOf(object))));
  return {
    ...clusterOf((identity) => held.get(keyOf(identity))),
    current: () => snapshot,
    readiness: () => ({ ready: true, problems: [] }),
    close: () => Promise.resolve(),
  };
}
