import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../codes.ts';
import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import type { Log } from '../log.ts';
import type { KnowsServer } from '../policy/clash.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { Finding } from '../policy/finding.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { Rule } from '../policy/policy.ts';
import { identify, identityKey, type PolicyIdentity } from '../policy/resource.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';
import { statusOf } from '../policy/status.ts';
import type { Clock, Cluster, PolicySource, PolicyStatuses } from '../ports.ts';
import { equalJson } from '../request/equal.ts';
import { lintSecrets, type SecretLook } from '../trust/lint.ts';

/** What keeping statuses needs. */
export interface KeeperContext {
  readonly policies: PolicySource;
  readonly statuses: PolicyStatuses;
  readonly cluster: Pick<Cluster, 'secret'>;
  readonly knowsServer: KnowsServer;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: (outcome: 'written' | 'late' | 'failed') => void;
}

/** From one pass to the next (ms). */
const PASS = 1000;
/** Statuses written in one pass at most: a thousand policies of a first installation are told of within a minute. */
const WRITES = 20;
/** A status is not written again within this time (ms) for the same state of its object: replicas that disagree, as in a rollout, don't wear etcd out. */
const REST = 10_000;
/** Secrets are read again after this time (ms): soon where one is amiss, for it may just be made. */
const SECRETS = { amiss: 30_000, fine: 300_000 } as const;

/** What is known of an object. */
interface Known {
  readonly spec: JsonValue | undefined;
  readonly floor: boolean;
  readonly ranked: readonly Rule[];
  readonly findings: readonly Finding[];
  readonly secrets: SecretLook;
  readonly secretsAt: number;
}

interface Lesson {
  readonly object: JsonObject;
  readonly identity: PolicyIdentity;
  readonly snapshot: PolicySnapshot;
  readonly signal: AbortSignal;
}

interface Pass {
  readonly signal: AbortSignal;
  /** Writes that may still be made. */
  left: number;
  trouble: string | undefined;
}

interface Written {
  readonly generation: JsonValue | undefined;
  readonly at: number;
}

/** Keeps `status` of every policy as the policy is: looks once a second at what changed, and writes what differs. */
export class StatusKeeper {
  readonly #context: KeeperContext;
  readonly #known = new Map<string, Known>();
  readonly #written = new Map<string, Written>();
  #trouble: string | undefined;

  constructor(context: KeeperContext) {
    this.#context = context;
  }

  /** Looks until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal).catch((error: unknown) => this.#tell(error, signal));
      await sleep(PASS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One pass: learns what changed of each policy, and writes the statuses that differ. Throws bugs alone. */
  async look(signal: AbortSignal): Promise<void> {
    const { policies, statuses } = this.#context;
    const snapshot = policies.current();
    if (snapshot === undefined) return;
    const held = new Set<string>();
    const pass = { signal, left: WRITES, trouble: undefined as string | undefined };
    for (const object of statuses.objects()) {
      const identity = identify(object);
      if (identity === undefined || signal.aborted) continue;
      const key = identityKey(identity);
      held.add(key);
      const known = await this.#learn(key, { object, identity, snapshot, signal });
      this.#known.set(key, known);
      await this.#put(key, object, { known, pass });
    }
    if (signal.aborted) return;
    this.#forget(held);
    if (this.#trouble !== undefined && pass.trouble === undefined && pass.left < WRITES) this.#mended();
  }

  /** Forgets what is no longer there. */
  #forget(held: ReadonlySet<string>): void {
    for (const key of [...this.#known.keys()]) if (!held.has(key)) this.#known.delete(key);
    for (const key of [...this.#written.keys()]) if (!held.has(key)) this.#written.delete(key);
  }

  /** The findings on an object: those that are known, as far as what they rest on still stands. */
  async #learn(key: string, { object, identity, snapshot, signal }: Lesson): Promise<Known> {
    const { cluster, clock, knowsServer } = this.#context;
    const spec = own(object, 'spec');
    const before = this.#known.get(key);
    const same = before !== undefined && equalJson(before.spec, spec) ? before : undefined;
    const { rules, floor } = snapshot.rulesFor(identity.namespace ?? '');
    const now = clock.now();
    const fresh = same !== undefined && now - same.secretsAt < ageOf(same.secrets);
    if (fresh && same.ranked === (same.floor ? floor : rules)) return same;
    // A pass over many policies must let reviews through.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const policy = compilePolicy(object, identity);
    const ranked = policy.floor ? floor : rules;
    const findings = lintPolicy(policy, object, { ranked, knowsServer });
    const secrets = fresh ? same.secrets : await lintSecrets(policy, object, cluster, signal);
    return { spec, floor: policy.floor, ranked, findings, secrets, secretsAt: fresh ? same.secretsAt : now };
  }

  /** Writes the status of an object where it differs and may be written now. */
  async #put(
    key: string,
    object: JsonObject,
    { known, pass }: { readonly known: Known; readonly pass: Pass },
  ): Promise<void> {
    const { findings, secrets } = known;
    const now = this.#context.clock.now();
    const generation = own(metadataOf(object), 'generation');
    const last = this.#written.get(key);
    const resting = last !== undefined && last.generation === generation && now - last.at < REST;
    // Of a Secret that can't be read now, what was told before stands.
    if (resting || secrets.unread.length > 0 || pass.left === 0) return;
    const state = { findings: [...findings, ...secrets.findings].sort(refusedFirst), rules: rulesIn(known.spec) };
    const status = statusOf(object, state, now);
    if (status === undefined) return;
    pass.left -= 1;
    // A write that lost a race is tried again when the newer object is seen; one that failed rests, so that it doesn't keep others from theirs.
    if ((await this.#write(object, status, pass)) !== 'late') this.#written.set(key, { generation, at: now });
  }

  async #write(object: JsonObject, status: JsonObject, pass: Pass): Promise<'written' | 'late' | 'failed'> {
    const { statuses, observe } = this.#context;
    try {
      const outcome = (await statuses.write(object, status, pass.signal)) ? 'written' : 'late';
      observe(outcome);
      return outcome;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      pass.trouble = error.message;
      observe('failed');
      this.#tell(error, pass.signal);
      return 'failed';
    }
  }

  /** What keeps statuses from being written is said once. */
  #tell(error: unknown, signal: AbortSignal): void {
    const trouble = error instanceof Fault ? error.message : 'a fault in the function that looks at policies';
    if (signal.aborted || trouble === this.#trouble) return;
    this.#trouble = trouble;
    const bug = error instanceof Fault ? {} : { err: error };
    this.#context.log.warn({ trouble, ...bug }, 'the status of a policy is not written');
  }

  #mended(): void {
    this.#trouble = undefined;
    this.#context.log.info({}, 'statuses of policies are written again');
  }
}

const ageOf = ({ findings, unread }: SecretLook): number =>
  findings.length > 0 || unread.length > 0 ? SECRETS.amiss : SECRETS.fine;

const refusedFirst = (left: Finding, right: Finding): number =>
  Number(right.severity === 'refused') - Number(left.severity === 'refused');

const metadataOf = (object: JsonObject): JsonObject => {
  const metadata = own(object, 'metadata');
  return isObject(metadata) ? metadata : {};
};

function rulesIn(spec: JsonValue | undefined): number {
  const entries = isObject(spec) ? own(spec, 'repositories') : undefined;
  return Array.isArray(entries) ? entries.length : 0;
}
