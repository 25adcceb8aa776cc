import { beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { isObject, type JsonObject } from '../../../functions/json.ts';
import { silentLog } from '../../../functions/log.ts';
import { snapshotOf } from '../../../functions/policy/snapshot.ts';
import type { PolicyStatuses, SecretObject } from '../../../functions/ports.ts';
import { StatusKeeper } from '../../../functions/validate/keeper.ts';
import { policyOf, trusting } from '../../support/policies.ts';

const signal = new AbortController().signal;

/** Policies in memory, written as an API server does: a write that names an older version changes nothing. */
class Store implements PolicyStatuses {
  readonly held = new Map<string, JsonObject>();
  readonly writes: string[] = [];
  refuse: string | undefined;
  version = 0;
  snapshot = snapshotOf([]);

  put(object: JsonObject): void {
    this.version += 1;
    const name = nameOf(object);
    const generation = Number(metadataOf(this.held.get(name) ?? {})['generation'] ?? 0) + 1;
    const metadata = { ...metadataOf(object), generation, resourceVersion: String(this.version) };
    this.held.set(name, { ...object, metadata });
    this.snapshot = snapshotOf(this.held.values());
  }
  remove(name: string): void {
    this.held.delete(name);
    this.snapshot = snapshotOf(this.held.values());
  }
  objects(): Iterable<JsonObject> {
    return [...this.held.values()];
  }
  async write(object: JsonObject, status: JsonObject): Promise<boolean> {
    const name = nameOf(object);
    if (name === this.refuse) throw new Fault('CLUSTER_UNREACHABLE', 'answered 422');
    const now = this.held.get(name);
    if (now === undefined || metadataOf(now)['resourceVersion'] !== metadataOf(object)['resourceVersion']) return false;
    this.version += 1;
    this.held.set(name, { ...now, status, metadata: { ...metadataOf(now), resourceVersion: String(this.version) } });
    this.writes.push(name);
    return true;
  }
  /** `Valid` of a policy: `True Valid`. */
  valid(name: string): string {
    const status = this.held.get(name)?.['status'];
    const [condition] = (isObject(status) ? status['conditions'] : []) as JsonObject[];
    return `${condition?.['status']} ${condition?.['reason']}`;
  }
}
const metadataOf = (object: JsonObject): JsonObject => (object['metadata'] ?? {}) as JsonObject;
const nameOf = (object: JsonObject): string => String(metadataOf(object)['name']);

let store: Store;
let now: number;
let secrets: Map<string, SecretObject | Fault>;
let asked: number;
let outcomes: string[];
const keeper = (of: PolicyStatuses = store): StatusKeeper =>
  new StatusKeeper({
    policies: { current: () => store.snapshot },
    statuses: of,
    cluster: {
      secret: async (namespace, name) => {
        asked += 1;
        const found = secrets.get(`${namespace}/${name}`);
        if (found instanceof Fault) throw found;
        return found;
      },
    },
    knowsServer: () => true,
    clock: { now: () => now },
    log: silentLog,
    observe: (outcome) => outcomes.push(outcome),
  });
beforeEach(() => {
  [store, now, secrets, asked, outcomes] = [new Store(), Date.parse('2026-11-24T10:00:00Z'), new Map(), 0, []];
});

describe('the keeper of statuses', () => {
  it('tells each policy of itself, and writes nothing where nothing changed', async () => {
    store.put(policyOf('good', [{ name: 'docker.io/acme/*' }]));
    store.put(policyOf('bad', [{ name: 'a b' }]));
    const one = keeper();
    await one.look(signal);
    expect([store.valid('good'), store.valid('bad')]).toEqual(['True Valid', 'False Invalid']);
    for (let pass = 0; pass < 3; pass++) {
      now += 60_000;
      await one.look(signal);
    }
    expect(store.writes).toHaveLength(2);
  });

  it('follows a policy that changes, and one that another policy makes idle', async () => {
    store.put(policyOf('b', [{ name: 'a b' }]));
    const one = keeper();
    await one.look(signal);
    store.put(policyOf('b', [{ name: 'nginx' }]));
    await one.look(signal);
    expect(store.valid('b')).toBe('True Valid');
    store.put(policyOf('a', [{ name: 'nginx' }]));
    now += 10_000;
    await one.look(signal);
    expect(store.valid('b')).toBe('True DuplicatePattern');
    store.remove('a');
    now += 10_000;
    await one.look(signal);
    expect(store.valid('b')).toBe('True Valid');
  });

  it('is one of several that agree: what one wrote, no other writes again', async () => {
    for (let index = 0; index < 5; index++) store.put(policyOf(`p${index}`, [{ name: `docker.io/p${index}x*` }]));
    const [one, two] = [keeper(), keeper()];
    for (let pass = 0; pass < 3; pass++) {
      await Promise.all([one.look(signal), two.look(signal)]);
      now += 60_000;
    }
    expect(store.writes.toSorted()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
  });

  it('gives way to a newer state of the object, and writes what is true of that one', async () => {
    store.put(policyOf('one', [{ name: 'a b' }]));
    const stale = [...store.objects()];
    store.put(policyOf('one', [{ name: 'nginx' }]));
    const late = keeper({ objects: () => stale, write: (object, status) => store.write(object, status) });
    await late.look(signal);
    expect(outcomes).toEqual(['late']);
    await keeper().look(signal);
    expect(store.valid('one')).toBe('True Valid');
  });

  it('writes no more than is bounded in one pass, and all in a few', async () => {
    for (let index = 0; index < 50; index++) store.put(policyOf(`p${index}`, [{ name: `docker.io/p${index}/*` }]));
    const one = keeper();
    await one.look(signal);
    expect(store.writes.length).toBe(20);
    await one.look(signal);
    await one.look(signal);
    expect(new Set(store.writes).size).toBe(50);
  });

  it('does not fight: the same state of an object is written again after a rest only', async () => {
    store.put(policyOf('one', [{ name: 'nginx' }]));
    const one = keeper();
    await one.look(signal);
    const object = store.held.get('one') as JsonObject;
    store.held.set('one', { ...object, status: { rules: 7 } });
    await one.look(signal);
    expect(store.writes).toHaveLength(1);
    now += 10_000;
    await one.look(signal);
    expect(store.writes).toHaveLength(2);
  });

  it('goes on with the others where one status is not taken', async () => {
    for (const name of ['a', 'b', 'c']) store.put(policyOf(name, [{ name: `docker.io/${name}/*` }]));
    store.refuse = 'a';
    const one = keeper();
    await one.look(signal);
    await one.look(signal);
    expect(store.writes.toSorted()).toEqual(['b', 'c']);
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(1);
    store.refuse = undefined;
    now += 10_000;
    await one.look(signal);
    expect(store.valid('a')).toBe('True Valid');
  });

  it('looks at Secrets again after a while, sooner where one is amiss, and not at each pass', async () => {
    const signers = { signerSecrets: [{ name: 'alice' }] };
    store.put(policyOf('one', [trusting('docker.io/acme/*', signers)], { namespace: 'team' }));
    const one = keeper();
    await one.look(signal);
    await one.look(signal);
    expect(store.valid('one')).toBe('True SecretUnusable');
    expect(asked).toBe(1);
    now += 30_000;
    await one.look(signal);
    expect(asked).toBe(2);
  });

  it('leaves a status as it is while a Secret cannot be read', async () => {
    secrets.set('team/alice', new Fault('CLUSTER_UNREACHABLE', 'no answer'));
    store.put(
      policyOf('one', [trusting('docker.io/a/*', { signerSecrets: [{ name: 'alice' }] })], { namespace: 'team' }),
    );
    await keeper().look(signal);
    expect(store.writes).toEqual([]);
  });
});
