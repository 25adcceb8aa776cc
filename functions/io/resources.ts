import { isObject, type JsonObject, own } from '../json.ts';
import type { Kube } from './kubeconfig.ts';
import { ListError, refusalOf } from './list.ts';
import { metadataOf, textOf } from './objects.ts';

/** Where a kind is read. */
export interface Resource {
  /** For people, as kubectl writes it: `deployments.apps`. */
  readonly name: string;
  /** Path of the collection, in one namespace or in all. */
  path(namespace: string | undefined): string;
}

const objectsOf = (object: JsonObject, name: string): readonly JsonObject[] => {
  const list = own(object, name);
  return Array.isArray(list) ? list.filter(isObject) : [];
};

/** Finds where kinds are read by what the API server says of itself (Kubernetes API discovery: `/apis`, `/apis/<group>/<version>`). */
export class Resources {
  readonly #kube: Kube;
  readonly #timeout: number;
  readonly #answers = new Map<string, Promise<JsonObject | undefined>>();

  /** Takes the API server, and milliseconds for one answer. */
  constructor(kube: Kube, timeout: number) {
    this.#kube = kube;
    this.#timeout = timeout;
  }

  /** Where a kind is read, in the version that the server prefers of those that have it; undefined where it is served in none. Throws `ListError`, and what `Kube.get` throws. */
  async find(group: string, kind: string): Promise<Resource | undefined> {
    for (const version of await this.#versions(group)) {
      const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
      const served = objectsOf((await this.#ask(base)) ?? {}, 'resources');
      const found = served.find((one) => textOf(one, 'kind') === kind && textOf(one, 'name')?.includes('/') === false);
      const plural = textOf(found, 'name');
      if (found === undefined || plural === undefined) continue;
      const within = (namespace: string | undefined) =>
        namespace === undefined || own(found, 'namespaced') === false
          ? ''
          : `/namespaces/${encodeURIComponent(namespace)}`;
      return {
        name: group === '' ? plural : `${plural}.${group}`,
        path: (namespace) => `${base}${within(namespace)}/${plural}`,
      };
    }
    return undefined;
  }

  async #versions(group: string): Promise<readonly string[]> {
    if (group === '') return ['v1'];
    const groups = objectsOf((await this.#ask('/apis')) ?? {}, 'groups');
    const found = groups.find((one) => textOf(one, 'name') === group);
    if (found === undefined) return [];
    const preferred = own(found, 'preferredVersion');
    const versions = [...(isObject(preferred) ? [preferred] : []), ...objectsOf(found, 'versions')];
    return [...new Set(versions.map((one) => textOf(one, 'version')).filter((version) => version !== undefined))];
  }

  #ask(path: string): Promise<JsonObject | undefined> {
    const asked = this.#answers.get(path) ?? this.#get(path);
    this.#answers.set(path, asked);
    return asked;
  }

  async #get(path: string): Promise<JsonObject | undefined> {
    const answer = await this.#kube.get(path, {}, AbortSignal.timeout(this.#timeout));
    if (answer.status === 404) return undefined;
    if (answer.status === 200 && isObject(answer.body)) return answer.body;
    throw new ListError(refusalOf('get', path, answer.status), answer);
  }
}

/** Labels of an object, as pairs that are texts. */
export function labelsOf(object: JsonObject): ReadonlyMap<string, string> {
  const labels = own(metadataOf(object) ?? {}, 'labels');
  const entries = isObject(labels) ? Object.entries(labels) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
