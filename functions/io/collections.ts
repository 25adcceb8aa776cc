import type { JsonObject } from '../json.ts';
import { type PolicySnapshot, snapshotOf } from '../policy/snapshot.ts';
import { equalJson } from '../request/equal.ts';
import type { Feed } from './feed.ts';
import { metadataOf, pullSecretNames, textOf } from './objects.ts';

const keyOf = (object: JsonObject): string => {
  const metadata = metadataOf(object);
  return `${textOf(metadata, 'namespace') ?? ''}/${textOf(metadata, 'name') ?? ''}`;
};

/** All policies of a cluster, kept by resource; a snapshot exists once each resource was listed. */
export class Policies {
  snapshot: PolicySnapshot | undefined;
  readonly #objects = new Map<string, Map<string, JsonObject>>();
  readonly #resources: number;

  /** Takes how many resources must be listed before there is a snapshot. */
  constructor(resources: number) {
    this.#resources = resources;
  }

  /** Every policy as it was last seen. */
  *all(): Iterable<JsonObject> {
    for (const objects of this.#objects.values()) yield* objects.values();
  }

  /** Where the follower of one resource tells what it sees. */
  feed(path: string, resource: string): Feed {
    const objects = () => this.#objects.get(path) ?? new Map<string, JsonObject>();
    return {
      path,
      resource,
      replace: (listed) => this.#replace(path, listed),
      put: (object) => {
        const before = objects().get(keyOf(object));
        objects().set(keyOf(object), object);
        // What a policy is told of itself changes nothing of what it asks.
        if (before === undefined || !sameRules(before, object)) this.snapshot = this.snapshot?.with(object);
      },
      drop: (object) => {
        objects().delete(keyOf(object));
        this.snapshot = this.snapshot?.without(object);
      },
    };
  }

  #replace(path: string, listed: readonly JsonObject[]): void {
    const before = this.#objects.get(path);
    this.#objects.set(path, new Map(listed.map((object) => [keyOf(object), object])));
    if (this.#objects.size < this.#resources) return;
    // A list read for safety that brings nothing new is no new snapshot.
    if (this.snapshot !== undefined && before !== undefined && sameVersions(before, this.#objects.get(path))) return;
    this.snapshot = snapshotOf([...this.#objects.values()].flatMap((objects) => [...objects.values()]));
  }
}

/** Equal but for `metadata` and `status`; the two are of one name. */
const sameRules = (before: JsonObject, now: JsonObject): boolean => equalJson(asked(before), asked(now));
const asked = ({ metadata: _, status: __, ...rest }: JsonObject): JsonObject => rest;

function sameVersions(
  before: ReadonlyMap<string, JsonObject>,
  now: ReadonlyMap<string, JsonObject> | undefined,
): boolean {
  if (before.size !== now?.size) return false;
  const version = (object: JsonObject | undefined) => textOf(object && metadataOf(object), 'resourceVersion');
  return [...before].every(
    ([key, object]) => version(object) !== undefined && version(object) === version(now.get(key)),
  );
}

/** imagePullSecrets of ServiceAccounts, by `namespace/name`; nothing else of them is kept. */
export class Accounts {
  readonly names = new Map<string, readonly string[]>();

  feed(): Feed {
    const put = (account: JsonObject) => void this.names.set(keyOf(account), pullSecretNames(account));
    return {
      path: '/api/v1/serviceaccounts',
      resource: 'serviceaccounts',
      replace: (accounts) => {
        this.names.clear();
        for (const account of accounts) put(account);
      },
      put,
      drop: (account) => void this.names.delete(keyOf(account)),
    };
  }
}
