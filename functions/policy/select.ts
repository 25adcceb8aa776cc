import { accept, type DenyCode, type Result, refuse } from '../codes.ts';
import { quote } from '../image/quote.ts';
import { type ImageReference, repositoryName } from '../image/reference.ts';
import type { Mode, Rule } from './policy.ts';
import type { PolicySnapshot } from './snapshot.ts';

/** Objects named in one message; the rest is counted. */
const TOLD_OBJECTS = 10;

/** The rule that decides on an image in a namespace, with the floor's where there is one; refuses with POLICY_NONE or POLICY_NO_MATCH. */
export function selectRule(snapshot: PolicySnapshot, namespace: string, image: ImageReference): Result<Rule> {
  const { scope, rules, objects, floor } = snapshot.rulesFor(namespace);
  if (objects.length === 0) {
    return refused(
      'POLICY_NONE',
      namespace,
      image,
      'no ImagePolicy is in the namespace and no ClusterImagePolicy in the cluster.',
    );
  }
  const rule = rules.find((candidate) => decides(candidate, image));
  if (rule !== undefined)
    return accept(
      onFloor(
        rule,
        floor.find((candidate) => decides(candidate, image)),
      ),
    );
  const whose = scope === 'namespace' ? 'the policies of the namespace' : 'the policies of the cluster';
  return refused('POLICY_NO_MATCH', namespace, image, `no rule of ${whose} matches: ${told(objects)}.`);
}

/** The rule of the floor for an image on which no rule of the namespace decides: it has to hold even where a lax mode lets the image pass. */
export function selectFloor(snapshot: PolicySnapshot, namespace: string, image: ImageReference): Rule | undefined {
  return snapshot.rulesFor(namespace).floor.find((candidate) => decides(candidate, image));
}

/** The mode for what no rule can be found for, because it can't be read: enforce where any rule for the namespace enforces, for it may be meant. `fallback` is the cluster's. */
export function modeUnread(snapshot: PolicySnapshot | undefined, namespace: string, fallback: Mode): Mode {
  return snapshot?.rulesFor(namespace).enforced === true ? 'enforce' : fallback;
}

/**
 * Whether a rule decides on an image. `app:v2@sha256:…` runs the digest whatever the tag says, so a rule that lets a tag in
 * without proof does not decide on it: anybody could write that tag beside another digest.
 */
function decides({ pattern, requirements }: Rule, image: ImageReference): boolean {
  if (requirements.length === 0 && pattern.bindsTag === true && image.digest !== undefined) return false;
  return pattern.matches(image);
}

/** How a rule stands to an image: it decides; it matches, but a stronger one decides; it matches the tag alone, which a digest beside it overrides; it does not match. */
export type Fit = 'decides' | 'weaker' | 'tag-only' | 'no-match';

/** Every rule of a ranked list with how it stands to an image, for people who ask why. */
export function fitsOf(
  rules: readonly Rule[],
  image: ImageReference,
): readonly { readonly rule: Rule; readonly fit: Fit }[] {
  const deciding = rules.find((candidate) => decides(candidate, image));
  const fitOf = (rule: Rule): Fit => {
    if (rule === deciding) return 'decides';
    if (!rule.pattern.matches(image)) return 'no-match';
    return decides(rule, image) ? 'weaker' : 'tag-only';
  };
  return rules.map((rule) => ({ rule, fit: fitOf(rule) }));
}

/** The rule with what the floor adds to it. A digest that the floor had proven is written, so that nothing else runs. */
function onFloor(rule: Rule, floor: Rule | undefined): Rule {
  if (floor === undefined || floor.source === rule.source || floor.requirements.length === 0) return rule;
  return { ...rule, floor, mutateImage: rule.mutateImage || floor.mutateImage };
}

function refused(code: DenyCode, namespace: string, image: ImageReference, why: string): Result<Rule> {
  const about = `Image ${quote(image.written)} (${normalised(image)}) in namespace ${quote(namespace)}`;
  return refuse(code, `${about}: ${why}`);
}

const normalised = (image: ImageReference): string =>
  `${repositoryName(image)}${image.tag === undefined ? '' : `:${image.tag}`}${image.digest === undefined ? '' : `@${image.digest}`}`;

const told = (objects: readonly string[]): string =>
  objects.length <= TOLD_OBJECTS
    ? objects.join(', ')
    : `${objects.slice(0, TOLD_OBJECTS).join(', ')} and ${objects.length - TOLD_OBJECTS} more`;
