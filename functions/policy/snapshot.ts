import { isObject, type JsonObject, own } from '../json.ts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import type { Rule } from './policy.ts';
import type { FieldProblem } from './problem.ts';
import { precedes } from './rank.ts';
import { identify, identityKey, type PolicyIdentity } from './resource.ts';

/** What is amiss with a policy object, for readiness, logs and the CLI. */
export interface PolicyProblem {
  /** `ImagePolicy team/default`. */
  readonly object: string;
  /** `spec.repositories[0].policy.trust.trustServer`. */
  readonly field: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** The rules that apply to a namespace, and the objects they come from. */
export interface ApplicableRules {
  readonly scope: 'namespace' | 'cluster';
  /** By rank: the first one that matches an image decides on it. */
  readonly rules: readonly Rule[];
  /** `ImagePolicy team/default`, sorted. */
  readonly objects: readonly string[];
  /** By rank: rules of the ClusterImagePolicies with `spec.floor`, which hold in every namespace beside the one that decides. */
  readonly floor: readonly Rule[];
  /** Whether any of these rules says `mode: enforce`. */
  readonly enforced: boolean;
}

/** Objects that came or changed, and objects that went, by their identity. */
export interface PolicyChange {
  readonly put?: Iterable<JsonObject>;
  readonly drop?: Iterable<JsonObject>;
}

/** All policies at one moment; immutable. `change`, `with` and `without` give a new one, compile what they are given alone, and leave this one as it was. */
export interface PolicySnapshot {
  /** Rises with each change within a process. */
  readonly version: number;
  /** Rules that apply to a namespace: its own if it has any ImagePolicy (valid or not), else the cluster's. */
  rulesFor(namespace: string): ApplicableRules;
  /** Every problem of every object, by object. */
  readonly problems: readonly PolicyProblem[];
  /** What is valid, but not as most would want it, by object. */
  readonly warnings: readonly PolicyProblem[];
  /** After all of these changes at once; this very snapshot where none of them is of a policy. */
  change(change: PolicyChange): PolicySnapshot;
  /** With this object added, or put in place of its older state; this very snapshot where it is no policy. */
  with(object: JsonObject): PolicySnapshot;
  /** Without the object of this identity; this very snapshot where it is not held. */
  without(object: JsonObject): PolicySnapshot;
}

/** Objects of one namespace by identity. Namespaces are shared between snapshots; none is altered once it is in one. */
type Objects = ReadonlyMap<string, CompiledPolicy>;

/** Key of the cluster's own objects among the namespaces; no namespace has an empty name. */
const CLUSTER = '';
/** Key of objects whose namespace can't be read; no namespace has this name, so they only show in `problems`. */
const NOWHERE = '?';

/** Key of an object in its namespace. Names that can't be read are told apart by what stands there: one object must not go with another. */
function keyOf(identity: PolicyIdentity, object: JsonObject): string {
  const key = identityKey(identity);
  if (identity.name !== undefined && identity.namespace !== undefined) return key;
  const metadata = own(object, 'metadata');
  const { namespace, name } = isObject(metadata) ? metadata : {};
  return JSON.stringify([key, ...[namespace, name].map((text) => (typeof text === 'string' ? text : ''))]);
}

let versions = 0;

/** A snapshot of these objects (ImagePolicy and ClusterImagePolicy of either API group; others are ignored). */
export function snapshotOf(objects: Iterable<JsonObject>): PolicySnapshot {
  return new Snapshot(new Map()).change({ put: objects });
}

class Snapshot implements PolicySnapshot {
  readonly version = ++versions;
  readonly #scopes: ReadonlyMap<string, Scope>;
  #problems: readonly PolicyProblem[] | undefined;
  #warnings: readonly PolicyProblem[] | undefined;

  constructor(scopes: ReadonlyMap<string, Scope>) {
    this.#scopes = scopes;
  }

  rulesFor(namespace: string): ApplicableRules {
    const own = namespace === CLUSTER || namespace === NOWHERE ? undefined : this.#scopes.get(namespace);
    const cluster = this.#scopes.get(CLUSTER) ?? EMPTY;
    const { rules, labels: objects } = own ?? cluster;
    const enforced = (own ?? cluster).enforces || cluster.floorEnforces;
    return { scope: own === undefined ? 'cluster' : 'namespace', rules, objects, floor: cluster.floor, enforced };
  }

  get problems(): readonly PolicyProblem[] {
    this.#problems ??= this.#told((scope) => scope.problems);
    return this.#problems;
  }

  get warnings(): readonly PolicyProblem[] {
    this.#warnings ??= this.#told((scope) => scope.warnings);
    return this.#warnings;
  }

  #told(what: (scope: Scope) => readonly PolicyProblem[]): readonly PolicyProblem[] {
    const told = [...this.#scopes.values()].flatMap(what);
    return Object.freeze(told.sort(byObject));
  }

  with(object: JsonObject): PolicySnapshot {
    return this.change({ put: [object] });
  }

  without(object: JsonObject): PolicySnapshot {
    return this.change({ drop: [object] });
  }

  change({ put = [], drop = [] }: PolicyChange): PolicySnapshot {
    const edit = new Edit(this.#scopes);
    for (const object of drop) edit.drop(object);
    for (const object of put) edit.put(object);
    return edit.changed.size === 0 ? this : new Snapshot(edit.scopes());
  }
}

/** Namespaces in change: each is copied once, when the first object of it changes. */
class Edit {
  readonly changed = new Map<string, Map<string, CompiledPolicy>>();
  readonly #scopes: ReadonlyMap<string, Scope>;

  constructor(scopes: ReadonlyMap<string, Scope>) {
    this.#scopes = scopes;
  }

  put(object: JsonObject): void {
    const identity = identify(object);
    if (identity !== undefined) this.#held(identity).set(keyOf(identity, object), compilePolicy(object, identity));
  }

  drop(object: JsonObject): void {
    const identity = identify(object);
    if (identity === undefined) return;
    const key = keyOf(identity, object);
    const place = identity.namespace ?? NOWHERE;
    if ((this.changed.get(place) ?? this.#scopes.get(place)?.held)?.has(key) === true) this.#held(identity).delete(key);
  }

  scopes(): ReadonlyMap<string, Scope> {
    const scopes = new Map(this.#scopes);
    for (const [place, held] of this.changed) {
      if (held.size > 0) scopes.set(place, new Scope(held));
      else scopes.delete(place);
    }
    return scopes;
  }

  #held({ namespace = NOWHERE }: PolicyIdentity): Map<string, CompiledPolicy> {
    const held = this.changed.get(namespace) ?? new Map(this.#scopes.get(namespace)?.held);
    this.changed.set(namespace, held);
    return held;
  }
}

/** The objects of one namespace, or of the cluster, with what is read off them once and then kept. */
class Scope {
  readonly held: Objects;
  #rules: readonly Rule[] | undefined;
  #floor: readonly Rule[] | undefined;
  #labels: readonly string[] | undefined;
  #enforces: boolean | undefined;
  #floorEnforces: boolean | undefined;
  #problems: readonly PolicyProblem[] | undefined;
  #warnings: readonly PolicyProblem[] | undefined;

  constructor(held: Objects) {
    this.held = held;
  }

  get rules(): readonly Rule[] {
    this.#rules ??= ranked([...this.held.values()]);
    return this.#rules;
  }

  get floor(): readonly Rule[] {
    this.#floor ??= ranked([...this.held.values()].filter(({ floor }) => floor));
    return this.#floor;
  }

  get enforces(): boolean {
    this.#enforces ??= this.rules.some(({ mode }) => mode === 'enforce');
    return this.#enforces;
  }

  get floorEnforces(): boolean {
    this.#floorEnforces ??= this.floor.some(({ mode }) => mode === 'enforce');
    return this.#floorEnforces;
  }

  get labels(): readonly string[] {
    this.#labels ??= Object.freeze([...this.held.values()].map(({ label }) => label).sort());
    return this.#labels;
  }

  get problems(): readonly PolicyProblem[] {
    this.#problems ??= told(this.held, ({ problems }) => problems);
    return this.#problems;
  }

  get warnings(): readonly PolicyProblem[] {
    this.#warnings ??= told(this.held, ({ warnings }) => warnings);
    return this.#warnings;
  }
}

/** What is told of each object of a namespace, with its name. */
const told = (held: Objects, what: (policy: CompiledPolicy) => readonly FieldProblem[]): readonly PolicyProblem[] =>
  [...held.values()].flatMap((policy) =>
    what(policy).map(({ field, message }) => ({ object: policy.label, field, message })),
  );

const ranked = (policies: readonly CompiledPolicy[]): readonly Rule[] =>
  Object.freeze(policies.flatMap(({ rules }) => rules).sort(precedes));

const EMPTY = new Scope(new Map());

/** Stable, so that the problems of one object stay in the order of its fields. */
function byObject(left: PolicyProblem, right: PolicyProblem): number {
  if (left.object === right.object) return 0;
  return left.object < right.object ? -1 : 1;
}
