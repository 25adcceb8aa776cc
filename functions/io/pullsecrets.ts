import { type Awaitable, proceed } from '../awaitable.ts';
import type { Log } from '../log.ts';
import type { Cluster, Credential, CredentialQuery, CredentialSource } from '../ports.ts';
import { parsePullSecret, type RegistryCredential } from './dockerconfig.ts';
import { credentialsFor } from './registrykey.ts';

/** Credentials out of the imagePullSecrets of a workload and, after them, of its ServiceAccount, as the kubelet would use them. */
export class PullSecrets implements CredentialSource {
  readonly #cluster: Pick<Cluster, 'secret' | 'pullSecretsOf'>;
  readonly #log: Log;

  constructor(cluster: Pick<Cluster, 'secret' | 'pullSecretsOf'>, log: Log) {
    this.#cluster = cluster;
    this.#log = log;
  }

  credentials(query: CredentialQuery, signal: AbortSignal): Awaitable<readonly Credential[]> {
    const { namespace, pullSecrets, serviceAccount } = query;
    return proceed(this.#cluster.pullSecretsOf(namespace, serviceAccount, signal), (inherited) =>
      pullSecrets.length + inherited.length === 0
        ? []
        : this.#fitting(query, new Set([...pullSecrets, ...inherited]), signal),
    );
  }

  async #fitting(
    query: CredentialQuery,
    names: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly Credential[]> {
    const { namespace, registry, repository } = query;
    const entries = await Promise.all([...names].map((name) => this.#entries(namespace, name, signal)));
    return credentialsFor(registry, repository, entries.flat());
  }

  /** A pull secret that is missing or broken gives nothing, as with the kubelet: another one, or none, may do. */
  async #entries(namespace: string, name: string, signal: AbortSignal): Promise<readonly RegistryCredential[]> {
    const secret = await this.#cluster.secret(namespace, name, signal);
    if (secret === undefined) {
      this.#log.debug({ namespace, secret: name }, 'an imagePullSecret does not exist');
      return [];
    }
    const { entries, problems } = parsePullSecret(secret);
    if (problems.length > 0) this.#log.warn({ namespace, secret: name, problems }, 'an imagePullSecret cannot be used');
    return entries;
  }
}
