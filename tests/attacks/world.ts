import { admit, type Gate } from '../../functions/admit.ts';
import type { PatchOperation } from '../../functions/answer/response.ts';
import { turn } from '../../functions/awaitable.ts';
import { openAdmitted } from '../../functions/cache/admitted.ts';
import { MemoryTrust } from '../../functions/cache/memory.ts';
import { TrustCache } from '../../functions/cache/trust.ts';
import { PullSecrets } from '../../functions/io/pullsecrets.ts';
import type { JsonObject } from '../../functions/json.ts';
import { openLog, silentLog } from '../../functions/log.ts';
import type { Mode } from '../../functions/policy/policy.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import type {
  Cluster,
  NotaryFiles,
  RepositoryAddress,
  RoleFile,
  SecretObject,
  TrustMemory,
} from '../../functions/ports.ts';
import { WORKLOAD_KINDS } from '../../functions/request/workload.ts';
import type { Prover } from '../../functions/trust/question.ts';
import { ALLOWED_NAMESPACES } from '../../functions/trust/secret.ts';
import { verifyImage } from '../../functions/trust/verify.ts';
import { bytesOf, podSpec, type ReviewOptions, reviewOf, workloadOf } from '../support/review.ts';
import type { TestKey } from '../support/tuf/key.ts';
import { NOW } from '../support/tuf/look.ts';
import { fileName } from '../support/tuf/memory.ts';
import { TestRepository } from '../support/tuf/repository.ts';

/** What the gate said. */
export interface Answer {
  readonly allowed: boolean;
  readonly message: string;
  /** Field pointer → image written there by the patch. */
  readonly patched: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  /** Length of the whole answer as JSON, in characters. */
  readonly bytes: number;
}

/** A ClusterImagePolicy, or an ImagePolicy where a namespace is given, with these rules. */
export const policy = (name: string, repositories: readonly JsonObject[], namespace?: string): JsonObject => ({
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind: namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy',
  metadata: namespace === undefined ? { name } : { name, namespace },
  spec: { repositories: [...repositories] },
});

/** A rule that demands trust; `trust` is laid over `enabled: true` and the test's server. */
export const trusted = (name: string, trust: JsonObject = {}): JsonObject => ({
  name,
  policy: { trust: { enabled: true, trustServer: 'https://notary.example', ...trust } },
});
/** A rule that allows without proof. */
export const open = (name: string): JsonObject => ({ name, policy: {} });

/** The gate as it is wired in `app.ts`, but for network and API server: those are maps that the test fills. */
export class World {
  now = NOW;
  policies: JsonObject[] = [];
  /** What an operator set for the whole cluster; counts from the next `restart`. */
  settings: Pick<Prover, 'roots' | 'firstUse' | 'trustServers'> = { trustServers: new Map<string, string>() };
  /** TRUST_GRACE_HOURS; counts from the next `restart`. */
  graceHours = 24;
  mode: Mode = 'enforce';
  readonly secrets = new Map<string, SecretObject>();
  readonly owners = new Map<string, JsonObject>();
  readonly repositories = new Map<string, TestRepository>();
  /** Every file that was asked for: `server gun file user`. */
  readonly asked: string[] = [];
  /** Stands before the server: changes what it answers. */
  onFetch: (address: RepositoryAddress, file: RoleFile) => Uint8Array | undefined | 'honest' = () => 'honest';
  readonly #cluster: Cluster;
  #gate: Gate;
  readonly #memory: TrustMemory;

  constructor(memory: TrustMemory = new MemoryTrust()) {
    this.#memory = memory;
    this.#cluster = {
      secret: async (namespace, name) => this.secrets.get(`${namespace}/${name}`),
      pullSecretsOf: async () => [],
      owner: async (namespace, { kind, name }) => this.owners.get(`${namespace}/${kind}/${name}`),
    };
    this.#gate = this.#open();
  }

  /** A new process: every cache is empty, the memory of the cluster is as it was. */
  restart(): void {
    this.#gate = this.#open();
  }

  #open(): Gate {
    const clock = { now: () => this.now };
    const trust = new TrustCache({
      files: this.#files(),
      memory: this.#memory,
      clock,
      ttl: 60_000,
      maxBytes: 50_000_000,
      observe: { cache: () => undefined, served: () => undefined, fetched: () => undefined },
    });
    const credentials = new PullSecrets(this.#cluster, openLog('error'));
    const grace = this.graceHours * 3_600_000;
    const admitted = openAdmitted({ memory: this.#memory, clock, grace, observe: () => undefined, log: silentLog });
    const prover = { trust, cluster: this.#cluster, credentials, clock, admitted, ...this.settings };
    return {
      policies: { current: () => snapshotOf(this.policies) },
      cluster: this.#cluster,
      clock,
      kinds: WORKLOAD_KINDS,
      mode: this.mode,
      verify: (question, signal) => verifyImage(prover, question, signal),
    };
  }

  #files(): NotaryFiles {
    return {
      fetch: async (address, file) => {
        this.asked.push(`${address.server} ${address.gun} ${fileName(file)} ${address.credential?.username ?? '-'}`);
        const changed = this.onFetch(address, file);
        return changed === 'honest' ? this.repositories.get(address.gun)?.files.get(fileName(file)) : changed;
      },
    };
  }

  /** A repository on the server; nothing is published in it yet. */
  repository(gun: string): TestRepository {
    const repository = new TestRepository({ gun, now: this.now });
    this.repositories.set(gun, repository);
    return repository;
  }

  /** The Secret of a signer; `allowed` are the namespaces that may name it. */
  signer(namespace: string, name: string, key: TestKey, allowed?: string): void {
    this.secret(namespace, name, { name, publicKey: key.pem }, allowed);
  }

  /** A Secret with these texts. */
  secret(namespace: string, name: string, texts: Readonly<Record<string, string>>, allowed?: string): void {
    const data = new Map(Object.entries(texts).map(([key, value]) => [key, new TextEncoder().encode(value)]));
    const type = Object.hasOwn(texts, '.dockerconfigjson') ? 'kubernetes.io/dockerconfigjson' : 'Opaque';
    const annotations = new Map(allowed === undefined ? [] : [[ALLOWED_NAMESPACES, allowed]]);
    this.secrets.set(`${namespace}/${name}`, { namespace, name, type, data, annotations });
  }

  /** The answer to a review; what is noted of it once the answer is out, is noted. */
  async send(review: JsonObject): Promise<Answer> {
    const { answer } = await admit(this.#gate, bytesOf(review), new AbortController().signal);
    await turn();
    const { allowed, patch, status, warnings = [] } = answer.response;
    const operations = JSON.parse(
      Buffer.from(patch ?? '', 'base64').toString('utf8') || '[]',
    ) as readonly PatchOperation[];
    const replaced = operations.filter(({ op }) => op === 'replace');
    const patched = new Map(replaced.map(({ path, value }) => [path, String(value)]));
    return { allowed, message: status?.message ?? '', patched, warnings, bytes: JSON.stringify(answer).length };
  }

  /** The answer to the creation of a pod with these images. */
  pod(
    images: readonly string[],
    options: ReviewOptions & { readonly spec?: JsonObject; readonly metadata?: JsonObject } = {},
  ): Promise<Answer> {
    const { spec = {}, metadata = {}, ...rest } = options;
    const named = { namespace: options.namespace ?? 'team', ...metadata };
    return this.send(reviewOf(workloadOf('Pod', podSpec(images, spec), named), rest));
  }
}
