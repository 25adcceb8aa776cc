import type { Result } from '../codes.ts';
import type { ImageReference } from '../image/reference.ts';
import type { Rule } from './policy.ts';
import type { PolicySnapshot } from './snapshot.ts';

/** The rule that decides on an image in a namespace; refuses with POLICY_NONE or POLICY_NO_MATCH. */
export declare function selectRule(snapshot: PolicySnapshot, namespace: string, image: ImageReference): Result<Rule>;
