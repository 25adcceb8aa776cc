import type { Awaitable } from '../awaitable.ts';
import { Fault } from '../codes.ts';
import { isObject, type JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';
import type { OwnerReference, Readiness, SecretObject } from '../ports.ts';
import { Accounts, Policies } from './collections.ts';
import { ClusterEvents } from './events.ts';
import { type Answer, type Kube, type KubeChoice, openKube } from './kubeconfig.ts';
import { groupOf, type ObjectSource, POLICY_GROUPS, pullSecretNames, type SourceContext, secretOf } from './objects.ts';
import { ClusterRecords } from './records.ts';
import { ClusterStatuses } from './statuses.ts';
import { type FollowContext, Follower, PACE, type Pace } from './watch.ts';

/** How a cluster is followed. */
export interface ClusterOptions extends SourceContext, KubeChoice {
  /** Policies alone are followed: no ServiceAccounts, and no records of trust. */
  readonly only?: 'policies';
  /** Overrides of the default pace. */
  readonly pace?: Partial<Pace>;
  /** A number from 0 to 1 by chance, by which waits of replicas differ; `Math.random` by default. */
  readonly chance?: () => number;
}

/** Plural names of the policy kinds in each group. */
const POLICY_PLURALS = ['imagepolicies', 'clusterimagepolicies'] as const;

/** Where the owners that vouch for their pods are read: `group/Kind` to version and plural (Kubernetes API, apps/v1, batch/v1, v1). */
const OWNERS: ReadonlyMap<string, string> = new Map([
  ['apps/Deployment', 'deployments'],
  ['apps/ReplicaSet', 'replicasets'],
  ['apps/StatefulSet', 'statefulsets'],
  ['apps/DaemonSet', 'daemonsets'],
  ['batch/Job', 'jobs'],
  ['batch/CronJob', 'cronjobs'],
  ['/ReplicationController', 'replicationcontrollers'],
]);

/** A name that can be one segment of a path, by Kubernetes' own rule (`IsValidPathSegmentName`): `..` would climb, an empty one would list. */
const isName = (name: string): boolean =>
  !['', '.', '..'].includes(name) && !/[/%]/.test(name) && name.length <= LIMITS.objectNameLength;

class ClusterSource implements ObjectSource {
  readonly memory: ClusterRecords;
  readonly events: ClusterEvents;
  readonly statuses: ClusterStatuses;
  readonly #kube: Kube;
  readonly #context: FollowContext;
  readonly #stop = new AbortController();
  readonly #accounts = new Accounts();
  readonly #policies = new Policies(POLICY_GROUPS.length * POLICY_PLURALS.length);
  readonly #followers: readonly { readonly resource: string; readonly follower: Follower }[];
  readonly #runs: readonly Promise<void>[];

  constructor(kube: Kube, options: ClusterOptions) {
    this.#kube = kube;
    const pace = { ...PACE, ...options.pace };
    const { log, clock, chance = Math.random } = options;
    this.memory = new ClusterRecords({ kube, clock: options.clock, timeout: pace.request });
    this.statuses = new ClusterStatuses({ kube, policies: this.#policies, timeout: pace.request });
    this.events = new ClusterEvents({ kube, timeout: pace.request, signal: this.#stop.signal });
    this.#context = { kube, pace, log, clock, chance, signal: this.#stop.signal };
    const policies = POLICY_GROUPS.flatMap(({ group, version }) =>
      POLICY_PLURALS.map((plural) => this.#policies.feed(`/apis/${group}/${version}/${plural}`, `${plural}.${group}`)),
    );
    const others = options.only === 'policies' ? [] : [this.#accounts.feed(), this.memory.feed()];
    this.#followers = [...policies, ...others].map((feed) => ({
      resource: feed.resource,
      follower: new Follower(feed, this.#context),
    }));
    this.#runs = this.#followers.map(({ follower }) => follower.run());
  }

  current(): PolicySnapshot | undefined {
    return this.#followers.every(({ follower }) => follower.state.synced) ? this.#policies.snapshot : undefined;
  }

  readiness(): Readiness {
    const { clock, pace } = this.#context;
    const missing = this.#followers.flatMap(({ resource, follower: { state } }) => {
      const cause = state.trouble === undefined ? '' : `: ${state.trouble}`;
      if (!state.synced) return [`${resource} have not been listed yet${cause}`];
      const age = Math.round((clock.now() - state.contact) / 1000);
      if (age * 1000 < pace.stale) return [];
      return [`the API server has said nothing about ${resource} for ${age} s, so they may be out of date${cause}`];
    });
    const trouble = this.#followers.map(({ follower }) => follower.state.trouble).filter((text) => text !== undefined);
    return {
      ready: missing.length === 0,
      problems: missing.length > 0 ? missing : [...trouble, ...this.memory.problems()],
    };
  }

  async secret(namespace: string, name: string, signal: AbortSignal): Promise<SecretObject | undefined> {
    const object = await this.#read({ base: '/api/v1', plural: 'secrets', namespace, name }, signal);
    if (object === undefined) return undefined;
    const secret = secretOf(object, { namespace, name });
    if (!Array.isArray(secret)) return secret as SecretObject;
    throw new Fault(
      'CLUSTER_UNREACHABLE',
      `the API server gave Secret ${namespace}/${name} with ${secret.join(', ')} not valid`,
    );
  }

  pullSecretsOf(namespace: string, name: string, signal: AbortSignal): Awaitable<readonly string[]> {
    return this.#accounts.names.get(`${namespace}/${name}`) ?? this.#pullSecretsRead(namespace, name, signal);
  }

  /** A ServiceAccount made a moment ago may not have reached the watch; its first pods must not lack its credentials. */
  async #pullSecretsRead(namespace: string, name: string, signal: AbortSignal): Promise<readonly string[]> {
    const account = await this.#read({ base: '/api/v1', plural: 'serviceaccounts', namespace, name }, signal);
    return account === undefined ? [] : pullSecretNames(account);
  }

  async owner(
    namespace: string,
    { apiVersion, kind, name }: OwnerReference,
    signal: AbortSignal,
  ): Promise<JsonObject | undefined> {
    const group = groupOf(apiVersion);
    const plural = OWNERS.get(`${group}/${kind}`);
    if (plural === undefined) return undefined;
    return this.#read({ base: group === '' ? '/api/v1' : `/apis/${group}/v1`, plural, namespace, name }, signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#kube.close();
    await Promise.allSettled(this.#runs);
  }

  async #read(
    at: { base: string; plural: string; namespace: string; name: string },
    signal: AbortSignal,
  ): Promise<JsonObject | undefined> {
    if (!isName(at.namespace) || !isName(at.name)) return undefined;
    const path = `${at.base}/namespaces/${encodeURIComponent(at.namespace)}/${at.plural}/${encodeURIComponent(at.name)}`;
    const what = `${at.plural} ${at.namespace}/${at.name}`;
    let answer = await this.#ask(path, what, signal);
    if (answer.status === 401) {
      this.#renew(what);
      answer = await this.#ask(path, what, signal);
    }
    if (answer.status === 404) return undefined;
    if (answer.status === 200 && isObject(answer.body)) return answer.body;
    throw refusalOf(answer, what);
  }

  #renew(what: string): void {
    try {
      this.#kube.renew();
    } catch (error) {
      throw unreachable(what, error);
    }
  }

  async #ask(path: string, what: string, signal: AbortSignal): Promise<Answer> {
    try {
      const timed = [signal, this.#stop.signal, AbortSignal.timeout(this.#context.pace.request)];
      return await this.#kube.get(path, {}, AbortSignal.any(timed));
    } catch (error) {
      throw unreachable(what, error);
    }
  }
}

const unreachable = (what: string, cause: unknown): Fault =>
  new Fault(
    'CLUSTER_UNREACHABLE',
    `the API server gave no answer to get ${what}; check the network to it, then retry`,
    { cause },
  );

function refusalOf({ status, retryAfter }: Answer, what: string): Fault {
  if (status === 403)
    return new Fault('CLUSTER_FORBIDDEN', `the gate may not get ${what}; apply the RBAC of knative/ again`);
  const message = `the API server answered ${status} to get ${what}`;
  return new Fault('CLUSTER_UNREACHABLE', message, retryAfter === undefined ? {} : { retryAfter });
}

/**
 * Opens a cluster as the source of objects: policies and ServiceAccounts are listed and watched, Secrets and owners read when they
 * are needed. Resolves at once, not ready until everything was listed. Throws an Error with a sentence when the kubeconfig can't be read.
 */
export async function openCluster(options: ClusterOptions): Promise<ObjectSource> {
  return new ClusterSource(await openKube(options), options);
}
