import type { Gate } from '../../functions/admit.ts';
import type { JsonObject } from '../../functions/json.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import { WORKLOAD_KINDS } from '../../functions/request/workload.ts';
import type { Verdict } from '../../functions/trust/verdict.ts';

/** A ClusterImagePolicy that demands trust of the images that a pattern fits. */
export const demandingTrust = (pattern: string): JsonObject => ({
  apiVersion: 'portieris.cloud.ibm.com/v1',
  kind: 'ClusterImagePolicy',
  metadata: { name: 'default' },
  spec: { repositories: [{ name: pattern, policy: { trust: { enabled: true } } }] },
});

/** A gate under one policy in a cluster that holds nothing, with the verdict that `verdictOn` has for each image. */
export function bareGate(
  policy: JsonObject,
  verdictOn: (reference: Parameters<Gate['verify']>[0]['reference']) => Verdict,
): Gate {
  const snapshot = snapshotOf([policy]);
  return {
    policies: { current: () => snapshot },
    cluster: { secret: async () => undefined, pullSecretsOf: async () => [], owner: async () => undefined },
    clock: { now: () => 0 },
    kinds: WORKLOAD_KINDS,
    mode: 'enforce',
    verify: async ({ reference }) => verdictOn(reference),
  };
}
