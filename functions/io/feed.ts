import { isObject, type JsonObject, own } from '../json.ts';
import { metadataOf, textOf } from './objects.ts';

/** What is followed, and who is told. None of the callbacks may throw; if one does, the list is read anew. */
export interface Feed {
  /** Path of the collection: `/api/v1/serviceaccounts`. */
  readonly path: string;
  /** The collection for people: `imagepolicies.portieris.cloud.ibm.com`. */
  readonly resource: string;
  /** Whether the cluster has the resource at all. */
  installed?(is: boolean): void;
  /** Every object there is, at once. */
  replace(objects: readonly JsonObject[]): void;
  put(object: JsonObject): void;
  drop(object: JsonObject): void;
}

/** Events of one watch, applied in order; `confused` when one could not be understood. */
export class Events {
  outcome: 'fine' | 'gone' | 'confused' | { readonly status: number | undefined } = 'fine';
  version: string;
  count = 0;
  readonly #feed: Feed;

  constructor(feed: Feed, version: string) {
    this.#feed = feed;
    this.version = version;
  }

  /** Takes one event as the watch gives it; events after one that was not fine are ignored. */
  take(type: unknown, object: unknown): void {
    if (this.outcome !== 'fine') return;
    this.count += 1;
    if (type === 'ERROR') this.#error(object);
    else this.#change(type, object);
  }

  #change(type: unknown, object: unknown): void {
    const version = isObject(object) ? textOf(metadataOf(object), 'resourceVersion') : undefined;
    if (version === undefined || !isObject(object) || !this.#apply(type, object)) {
      this.outcome = 'confused';
      return;
    }
    this.version = version;
  }

  #apply(type: unknown, object: JsonObject): boolean {
    if (type === 'BOOKMARK') return true;
    if (textOf(metadataOf(object), 'name') === undefined) return false;
    try {
      if (type === 'ADDED' || type === 'MODIFIED') this.#feed.put(object);
      else if (type === 'DELETED') this.#feed.drop(object);
      else return false;
      return true;
    } catch {
      return false;
    }
  }

  /** A Status in the stream; 410 says that the version is too old to go on from. */
  #error(object: unknown): void {
    const code = isObject(object) ? own(object, 'code') : undefined;
    this.outcome = code === 410 ? 'gone' : { status: typeof code === 'number' ? code : undefined };
  }
}
