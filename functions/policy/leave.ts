import type { JsonObject } from '../json.ts';
import { type Finding, warned } from './finding.ts';
import { identify } from './resource.ts';
import type { PolicySnapshot } from './snapshot.ts';

/** What is said when a policy is deleted, where another scope decides from then on, or nothing does. None of it is refused. */
export function farewell(object: JsonObject, snapshot: PolicySnapshot): readonly Finding[] {
  const identity = identify(object);
  if (identity?.namespace === undefined) return [];
  const { kind, namespace } = identity;
  const after = snapshot.without(object).rulesFor(namespace);
  const told = (message: string): readonly Finding[] => [warned('NoRules', 'metadata.name', message)];
  if (kind === 'ClusterImagePolicy')
    return after.objects.length > 0
      ? []
      : told(
          'is the last ClusterImagePolicy: every image is refused from now on in namespaces that have no ImagePolicy; apply another one.',
        );
  if (after.scope === 'namespace') return [];
  return told(
    after.objects.length > 0
      ? `is the last ImagePolicy of ${namespace}: from now on the ClusterImagePolicies decide there; see that they are right for it.`
      : `is the last ImagePolicy of ${namespace}, and there is no ClusterImagePolicy: every image there is refused from now on; apply another one.`,
  );
}
