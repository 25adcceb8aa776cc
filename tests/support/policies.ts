import type { ImageReference } from '../../functions/image/reference.ts';
import { parseReference } from '../../functions/image/reference.ts';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { type CompiledPolicy, compilePolicy } from '../../functions/policy/compile.ts';
import { CURRENT_GROUP, identify, LEGACY_GROUP } from '../../functions/policy/resource.ts';

/** How a policy object differs from a ClusterImagePolicy of today's group. */
export interface PolicyShape {
  /** An ImagePolicy of this namespace. */
  readonly namespace?: string;
  readonly legacy?: boolean;
  /** Fields of `spec` beside the rules. */
  readonly spec?: JsonObject;
}

/** A policy object with these rules. */
export const policyOf = (name: string, repositories: JsonValue, shape: PolicyShape = {}): JsonObject => ({
  apiVersion: shape.legacy === true ? `${LEGACY_GROUP}/v1beta1` : `${CURRENT_GROUP}/v1`,
  kind: shape.namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy',
  metadata: { name, ...(shape.namespace !== undefined && { namespace: shape.namespace }) },
  spec: { repositories, ...shape.spec },
});

/** A rule that asks for trust. */
export const trusting = (name: string, trust: JsonObject = {}): JsonObject => ({
  name,
  policy: { trust: { enabled: true, ...trust } },
});

/** A policy object, compiled; it has to be one. */
export function compiled(object: JsonObject): CompiledPolicy {
  const identity = identify(object);
  if (identity === undefined) throw new Error('it is no policy');
  return compilePolicy(object, identity);
}

/** `field: message` of each problem of a policy object. */
export const problemsOf = (object: JsonObject): string[] =>
  compiled(object).problems.map(({ field, message }) => `${field}: ${message}`);

/** An image name that must be one. */
export function image(written: string): ImageReference {
  const parsed = parseReference(written);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return parsed.value;
}
