import type { Gate } from '../admit.ts';
import type { Awaitable } from '../awaitable.ts';
import { clusterOf } from '../io/lookup.ts';
import { keyOf, POLICY_GROUPS } from '../io/objects.ts';
import { identityOf, objectsByIdentity } from '../io/objectset.ts';
import type { JsonObject } from '../json.ts';
import type { Mode } from '../policy/policy.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';
import type { Verdict } from '../trust/verdict.ts';
import { checkManifests } from './check.ts';
import { findingsOf, type ObjectFinding, type Reason, type Status } from './findings.ts';
import type { FoundObject } from './manifests.ts';
import { CommandError, type Outside } from './outside.ts';
import { type Listed, type Roster, rosterOf } from './roster.ts';
import type { Session } from './session.ts';

/** What is to be changed in the policies. */
export interface Change {
  /** Policies that are added, or put in place of those of the same name. */
  readonly policies: readonly JsonObject[];
  /** Policies that are taken out: `name` of a ClusterImagePolicy, `namespace/name` of an ImagePolicy. */
  readonly without: readonly string[];
  /** ENFORCEMENT_MODE as it would be; undefined: as it is. */
  readonly mode: Mode | undefined;
}

/** One workload under the present policies and the changed ones, as JSON shows it. */
export interface Simulated {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** The highest of its controllers that is among the workloads. */
  readonly owner?: Listed['owner'];
  /** How many others of its controller are like it; absent: none. */
  readonly alike?: number;
  readonly before: Status;
  readonly after: Status;
  /** Every place of an image whose verdict is not the same, or that would be refused. */
  readonly images: readonly SimulatedImage[];
}

/** One place of an image. `field` and `image` are empty where the workload as a whole is meant. */
export interface SimulatedImage {
  readonly field: string;
  readonly image: string;
  readonly before: Status;
  readonly after: Status;
  /** Why it would not be admitted, or is not now. */
  readonly reason?: Reason;
}

/** The policies with the change made. Throws `CommandError` where a policy that is to be taken out is not there. */
export function changedPolicies(present: PolicySnapshot, { policies, without }: Change): PolicySnapshot {
  let snapshot = present;
  for (const named of without) {
    const before = snapshot;
    const [name = '', namespace] = named.split('/').toReversed();
    const kind = namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy';
    const metadata: JsonObject = namespace === undefined ? { name } : { name, namespace };
    for (const { group, version } of POLICY_GROUPS)
      snapshot = snapshot.without({ apiVersion: `${group}/${version}`, kind, metadata });
    if (snapshot === before) throw new CommandError(`--without ${named}: there is no ${kind} of that name`);
  }
  for (const policy of objectsByIdentity(policies).values()) snapshot = snapshot.with(policy);
  return snapshot;
}

/** A gate that asks for each distinct image, namespace and credentials once. */
function remembering(gate: Gate): Gate {
  const verdicts = new Map<string, Awaitable<Verdict>>();
  return {
    ...gate,
    verify(question, signal) {
      const { reference, namespace, workload } = question;
      const key = JSON.stringify([reference.written, namespace, workload.pullSecrets, workload.serviceAccount]);
      const verdict = verdicts.get(key) ?? gate.verify({ ...question, dryRun: true }, signal);
      verdicts.set(key, verdict);
      return verdict;
    },
  };
}

const statusesOf = ({ images, status, reason }: ObjectFinding): ReadonlyMap<string, SimulatedImage> => {
  const all = images.flatMap(({ places, image, status: after, reason: why }) =>
    places.map(({ field }) => ({ field, image, before: after, after, ...(why !== undefined && { reason: why }) })),
  );
  const whole = { field: '', image: '', before: status, after: status, ...(reason !== undefined && { reason }) };
  return new Map((all.length === 0 ? [whole] : all).map((one) => [one.field, one]));
};

function compared({ owner, alike }: Listed, before: ObjectFinding, after: ObjectFinding): Simulated {
  const { namespace, kind, name } = after;
  const like = { ...(owner !== undefined && { owner }), ...(alike > 0 && { alike }) };
  const old = statusesOf(before);
  const images = [...statusesOf(after).values()].map((one) => {
    const was = old.get(one.field);
    const reason = one.reason ?? was?.reason;
    return { ...one, before: was?.before ?? before.status, ...(reason !== undefined && { reason }) };
  });
  const told = images.filter((one) => one.before !== one.after || one.after === 'refused' || one.after === 'unknown');
  return { namespace, kind, name, ...like, before: before.status, after: after.status, images: told };
}

/** What came of a simulation. */
export interface Simulation {
  readonly workloads: readonly Simulated[];
  /** How many of the objects are not shown for themselves, and why. */
  readonly counts: Pick<Roster, 'vouched' | 'idle'>;
}

/**
 * Shows each workload to the gate under the present policies and under the changed ones: each once, under its highest owner, and only what runs. Nothing
 * is written. `timeout` in seconds.
 */
export async function simulate(
  session: Session,
  order: { readonly change: Change; readonly workloads: readonly FoundObject[]; readonly timeout: number },
  outside: Outside,
): Promise<Simulation> {
  const { change, workloads, timeout } = order;
  const held = objectsByIdentity(workloads.map(({ object }) => object));
  const { owner } = clusterOf((identity) => held.get(keyOf(identity)));
  const roster = rosterOf(workloads, session.gate.kinds);
  const objects = roster.workloads.map(({ found }) => found);
  const run = async (policies: PolicySnapshot, mode: Mode) => {
    const cluster: Gate['cluster'] = {
      secret: (...asked) => session.source.secret(...asked),
      pullSecretsOf: (...asked) => session.source.pullSecretsOf(...asked),
      owner,
    };
    const gate = remembering({ ...session.gate, cluster, policies: { current: () => policies }, mode });
    return findingsOf(await checkManifests({ ...session, gate }, { objects, namespace: 'default', timeout }, outside))
      .objects;
  };
  const before = await run(session.snapshot, session.gate.mode);
  const after = await run(changedPolicies(session.snapshot, change), change.mode ?? session.gate.mode);
  const simulated = roster.workloads.flatMap((listed, index) => {
    const [old, now] = [before[index], after[index]];
    return old === undefined || now === undefined ? [] : [compared(listed, old, now)];
  });
  return { workloads: simulated, counts: roster };
}

/** True for a policy of either group and kind. */
export const isPolicyObject = (object: JsonObject): boolean =>
  ['ImagePolicy', 'ClusterImagePolicy'].includes(identityOf(object).kind);
