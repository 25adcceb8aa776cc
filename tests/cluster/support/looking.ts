import { setTimeout as pause } from 'node:timers/promises';
import { list } from './cluster.ts';
import type { Api } from './load.ts';

/** Writes of a policy that cannot be meant. */
export interface Looked {
  /** How many were refused with the field. */
  readonly refused: number;
  /** What was said to the others, which nobody looked at. */
  readonly passed: readonly string[];
}

const POLICY = {
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind: 'ClusterImagePolicy',
  metadata: { name: 'e2e-looked-at' },
  spec: { repositories: [{ name: 'quay.io/UPPER' }] },
};

/** Writes it, as a dry run, ten times a second until it is stopped. */
export function startLooking(api: Api): { stop(): Promise<Looked> } {
  let refused = 0;
  const passed: string[] = [];
  let going = true;
  const look = async (): Promise<void> => {
    while (going) {
      const path = '/apis/portieris.cloud.ibm.com/v1/clusterimagepolicies?dryRun=All';
      const { status, body } = await api.post(path, POLICY);
      if (status === 422 && body.message?.includes('spec.repositories[0].name')) refused += 1;
      else passed.push(`${new Date().toISOString()} ${status} ${body.message}`);
      await pause(100);
    }
  };
  const looking = look();
  return {
    async stop() {
      going = false;
      await looking;
      return { refused, passed };
    },
  };
}

/** The state of every policy of today's group, its status among it: changes with each write. */
export async function policyVersions(): Promise<readonly string[]> {
  const kinds = ['clusterimagepolicies', 'imagepolicies'].map((plural) => `${plural}.portieris.cloud.ibm.com`);
  return (await list(kinds.join(','), '-A')).map(
    ({ metadata: { namespace, name, resourceVersion } }) => `${namespace ?? ''}/${name} ${resourceVersion}`,
  );
}
