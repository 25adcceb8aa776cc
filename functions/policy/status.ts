import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { equalJson } from '../request/equal.ts';
import type { Finding } from './finding.ts';

/** What the status of a policy is made of. */
export interface PolicyState {
  readonly findings: readonly Finding[];
  /** How many entries `spec.repositories` has. */
  readonly rules: number;
}

/** Type of the condition that is written (Kubernetes API conventions, metav1.Condition). */
export const VALID = 'Valid';
/** Findings that the message of the condition tells, and its characters, at most. */
const TOLD = 5;
const MESSAGE = 2048;

/** RFC 3339 in whole seconds, as metav1.Time is written. */
const timeText = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');

function messageOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'There is nothing to tell of it.';
  const rest = findings.length - TOLD;
  const told = findings.slice(0, TOLD).map(({ field, message }) => `${field} ${message}`);
  const text = [...told, ...(rest > 0 ? [`There are ${rest} more.`] : [])].join(' ');
  return text.length > MESSAGE ? `${text.slice(0, MESSAGE - 1)}…` : text;
}

const textOf = (object: JsonObject, name: string): string | undefined => {
  const value = own(object, name);
  return typeof value === 'string' ? value : undefined;
};

const conditionsOf = (status: JsonObject): readonly JsonObject[] => {
  const conditions = own(status, 'conditions');
  return Array.isArray(conditions) ? conditions.filter(isObject) : [];
};

/**
 * The status that a policy should have at `now` (ms since the epoch), or undefined where it stands so already. It depends on the object and its
 * findings alone, so that all who write it write the same; the time of the last transition moves only when the condition's status does. Conditions of other
 * types are left as they are.
 */
export function statusOf(object: JsonObject, { findings, rules }: PolicyState, now: number): JsonObject | undefined {
  const held = own(object, 'status');
  const status = isObject(held) ? held : {};
  const conditions = conditionsOf(status);
  const before = conditions.find((condition) => textOf(condition, 'type') === VALID);
  const refused = findings.filter(({ severity }) => severity === 'refused');
  const value = refused.length > 0 ? 'False' : 'True';
  const since =
    before !== undefined && textOf(before, 'status') === value ? textOf(before, 'lastTransitionTime') : undefined;
  const valid: JsonObject = {
    type: VALID,
    status: value,
    reason: findings[0]?.reason ?? 'Valid',
    message: messageOf(findings),
    ...generationOf(object),
    lastTransitionTime: since ?? timeText(now),
  };
  const others = conditions.filter((condition) => condition !== before);
  const wanted: JsonObject = {
    conditions: [valid, ...others],
    problems: refused.length,
    warnings: findings.length - refused.length,
    rules,
  };
  return equalJson(status, wanted) ? undefined : wanted;
}

function generationOf(object: JsonObject): { readonly observedGeneration?: JsonValue } {
  const metadata = own(object, 'metadata');
  const generation = isObject(metadata) ? own(metadata, 'generation') : undefined;
  return typeof generation === 'number' ? { observedGeneration: generation } : {};
}
