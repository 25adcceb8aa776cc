import { Fault } from '../codes.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Clock, RecordListener, RememberedTrust, TrustMemory } from '../ports.ts';
import {
  parseRecord,
  RECORD_GROUP,
  RECORD_PLURAL,
  RECORD_VERSION,
  recordedRepository,
  recordName,
  recordObject,
} from '../trust/notary/record.ts';
import { invalidRecord, mergeTrust } from '../trust/notary/remembered.ts';
import type { Feed } from './feed.ts';
import type { Answer, Kube } from './kubeconfig.ts';
import { metadataOf, textOf } from './objects.ts';

/** Times that a write is tried again because another replica was faster; each time one of them gets on. */
const ATTEMPTS = 16;
const PATH = `/apis/${RECORD_GROUP}/${RECORD_VERSION}/${RECORD_PLURAL}`;
const RESOURCE = `${RECORD_PLURAL}.${RECORD_GROUP}`;

/** What the records of a cluster need of their surroundings. */
export interface RecordsContext {
  readonly kube: Kube;
  readonly clock: Clock;
  /** Milliseconds for one call. */
  readonly timeout: number;
}

/** The TrustRecords of the cluster: one memory for all replicas, read at each look at a trust server and written by compare-and-swap on `resourceVersion`. */
export class ClusterRecords implements TrustMemory {
  readonly #context: RecordsContext;
  readonly #listeners: RecordListener[] = [];
  /** Repository by name of its record, so that a list tells what was removed. */
  readonly #known = new Map<string, { readonly server: string; readonly gun: string }>();
  #installed = true;

  constructor(context: RecordsContext) {
    this.#context = context;
  }

  /** A sentence where the cluster can't remember at all. */
  problems(): readonly string[] {
    return this.#installed
      ? []
      : [`${RESOURCE} is not installed, so no repository can be trusted for the first time; apply policies/crds`];
  }

  async read(server: string, gun: string, signal: AbortSignal): Promise<RememberedTrust | undefined> {
    const object = await this.#get(server, gun, signal);
    return object === undefined ? undefined : parseOf(object, server, gun);
  }

  async remember(
    seen: RememberedTrust,
    base: RememberedTrust | undefined,
    signal: AbortSignal,
  ): Promise<RememberedTrust> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      // What was not there a moment ago is made without another look: that it is there by now the API server says itself (409).
      const isNew = attempt === 0 && base === undefined;
      const object = isNew ? undefined : await this.#get(seen.server, seen.gun, signal);
      const record = object === undefined ? undefined : parseOf(object, seen.server, seen.gun);
      const merged = mergeTrust(record, base, seen);
      if (record?.frozen === true) return record;
      const now = this.#context.clock.now();
      if (await this.#put(recordObject(merged, now, object && metadataOf(object)), object !== undefined, signal))
        return { ...merged, lastSeen: now };
    }
    throw new Fault(
      'CLUSTER_UNREACHABLE',
      `TrustRecord ${recordName(seen.server, seen.gun)} changed at each of ${ATTEMPTS} attempts to write it.`,
    );
  }

  listen(listener: RecordListener): void {
    this.#listeners.push(listener);
  }

  /** Where the follower of the resource tells what it sees. */
  feed(): Feed {
    return {
      path: PATH,
      resource: RESOURCE,
      installed: (is) => {
        this.#installed = is;
      },
      replace: (objects) => this.#replace(objects),
      put: (object) => this.#seen(object),
      drop: (object) => this.#drop(nameOf(object)),
    };
  }

  #replace(objects: readonly JsonObject[]): void {
    const listed = new Set(objects.map(nameOf));
    for (const name of [...this.#known.keys()]) if (!listed.has(name)) this.#drop(name);
    for (const object of objects) this.#seen(object);
  }

  #seen(object: JsonObject): void {
    const repository = recordedRepository(object);
    if (repository === undefined) this.#drop(nameOf(object));
    else {
      this.#known.set(nameOf(object), repository);
      this.#tell(repository, understood(object, repository));
    }
  }

  #drop(name: string): void {
    const repository = this.#known.get(name);
    this.#known.delete(name);
    if (repository !== undefined) this.#tell(repository, undefined);
  }

  #tell({ server, gun }: { server: string; gun: string }, record: RememberedTrust | undefined): void {
    for (const listener of this.#listeners) listener(server, gun, record);
  }

  async #get(server: string, gun: string, signal: AbortSignal): Promise<JsonObject | undefined> {
    const name = recordName(server, gun);
    const answer = await this.#ask((kube, timed) => kube.get(`${PATH}/${name}`, {}, timed), signal);
    if (answer.status === 404) return undefined;
    if (answer.status === 200 && isObject(answer.body)) return answer.body;
    throw refusalOf(answer, 'get', name);
  }

  /** False where another replica was faster. */
  async #put(object: JsonObject, replaces: boolean, signal: AbortSignal): Promise<boolean> {
    const name = nameOf(object);
    const [method, path] = replaces ? (['PUT', `${PATH}/${name}`] as const) : (['POST', PATH] as const);
    const answer = await this.#ask((kube, timed) => kube.send(method, path, object, timed), signal);
    if (answer.status === 200 || answer.status === 201) return true;
    if (answer.status === 409 || (replaces && answer.status === 404)) return false;
    throw refusalOf(answer, replaces ? 'update' : 'create', name);
  }

  async #ask(call: (kube: Kube, signal: AbortSignal) => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    const { kube, timeout } = this.#context;
    const timed = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    try {
      const answer = await call(kube, timed);
      if (answer.status !== 401) return answer;
      kube.renew();
      return await call(kube, timed);
    } catch (error) {
      throw new Fault('CLUSTER_UNREACHABLE', 'The API server gave no answer about TrustRecords.', { cause: error });
    }
  }
}

const nameOf = (object: JsonObject): string => textOf(metadataOf(object), 'name') ?? '';

/** The record, which must be of the repository that its name stands for. */
function parseOf(object: JsonObject, server: string, gun: string): RememberedTrust {
  const where = `TrustRecord ${nameOf(object)}`;
  const record = parseRecord(object, where);
  if (record.server === server && record.gun === gun) return record;
  throw invalidRecord(
    where,
    `says that it is of ${record.gun} on ${record.server}, not of ${gun} on ${server}; correct or delete it.`,
  );
}

/** What listeners are told of a record that can't be understood: nothing, so that the next look reads and refuses it. */
function understood(object: JsonObject, { server, gun }: { server: string; gun: string }): RememberedTrust | undefined {
  try {
    return parseOf(object, server, gun);
  } catch {
    return undefined;
  }
}

function refusalOf({ status, retryAfter }: Answer, verb: string, name: string): Fault {
  if (status === 403)
    return new Fault(
      'CLUSTER_FORBIDDEN',
      `The gate may not ${verb} TrustRecord ${name}; apply the RBAC of knative/ again.`,
    );
  if (status === 404)
    return new Fault(
      'CLUSTER_FORBIDDEN',
      `The cluster knows no TrustRecords, so ${name} cannot be written; apply policies/crds.`,
    );
  const message = `The API server answered ${status} to ${verb} TrustRecord ${name}.`;
  return new Fault('CLUSTER_UNREACHABLE', message, retryAfter === undefined ? {} : { retryAfter });
}
