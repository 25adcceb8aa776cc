import { isObject, type JsonObject, own } from '../json.ts';
import { aimless } from './aim.ts';
import { clashes, type KnowsServer } from './clash.ts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import { boundedFindings, type Finding, refused, warned } from './finding.ts';
import type { Rule } from './policy.ts';
import type { FieldProblem } from './problem.ts';
import { unreachable } from './reach.ts';
import { identify, type PolicyWire, type RepositoryWire } from './resource.ts';
import type { PolicySnapshot } from './snapshot.ts';

/** What stands around a policy that is looked at. */
export interface LintContext {
  /** The rules of its scope by rank, its own (as compiled) among them. */
  readonly ranked: readonly Rule[];
  readonly knowsServer: KnowsServer;
}

/**
 * All that a policy can be told of itself without asking the outside: what `compilePolicy` finds wrong is refused and what it finds weak is warned
 * of, and beyond it rules that never decide, patterns that are aimed at nothing or at too much, and demands that contradict each other. Only pins that
 * cover no image of their rule are refused beyond what `compilePolicy` refuses: Portieris has none, so no policy of its users is. `object` is what
 * `policy` was compiled from.
 */
export function lintPolicy(policy: CompiledPolicy, object: JsonObject, context: LintContext): readonly Finding[] {
  const as = (make: typeof warned, reason: 'Invalid' | 'Weak') => (problem: FieldProblem) =>
    make(reason, problem.field, problem.message);
  const sound = soundRules(policy, object);
  const findings = [
    ...policy.problems.map(as(refused, 'Invalid')),
    ...policy.warnings.map(as(warned, 'Weak')),
    ...empty(policy),
    ...sound.flatMap(({ rule, wire }) => [...aimless(rule), ...clashes(wire, rule, context.knowsServer)]),
    ...unreachable(
      sound.map(({ rule }) => rule),
      context.ranked,
    ),
  ];
  return boundedFindings(findings.sort(byPlace));
}

/** As `lintPolicy`, of an object among the policies of a snapshot, whether it is one of them yet or not; none of what is no policy. */
export function lintObject(object: JsonObject, snapshot: PolicySnapshot, knowsServer: KnowsServer): readonly Finding[] {
  const identity = identify(object);
  if (identity === undefined) return [];
  const policy = compilePolicy(object, identity);
  const { rules, floor } = snapshot.with(object).rulesFor(identity.namespace ?? '');
  return lintPolicy(policy, object, { ranked: policy.floor ? floor : rules, knowsServer });
}

/** The rules that compiled without a problem, each with the policy that it was compiled from. */
export const soundRules = (policy: CompiledPolicy, object: JsonObject): readonly SoundRule[] =>
  policy.rules.filter(isSound).map((rule) => ({ rule, wire: wireOf(object, rule).policy ?? {} }));

/** A rule without a problem, and `spec.repositories[].policy` as it is written. */
export interface SoundRule {
  readonly rule: Rule;
  readonly wire: PolicyWire;
}

const isSound = ({ requirements }: Rule): boolean => !requirements.some(({ type }) => type === 'invalid');

/** By the place of the rule, what is of no rule first. */
const byPlace = (left: Finding, right: Finding): number => placeOf(left) - placeOf(right);
const placeOf = ({ field }: Finding): number => Number(/^spec\.repositories\[(\d+)\]/.exec(field)?.[1] ?? -1);

/** The entry that a sound rule was compiled from: its schema holds. */
function wireOf(object: JsonObject, { source }: Rule): RepositoryWire {
  const spec = own(object, 'spec');
  const entries = isObject(spec) ? own(spec, 'repositories') : undefined;
  return (Array.isArray(entries) ? entries[source.index] : undefined) as unknown as RepositoryWire;
}

function empty({ rules, identity }: CompiledPolicy): Finding[] {
  if (rules.length > 0) return [];
  const where = identity.kind === 'ImagePolicy' ? 'in its namespace' : 'where no other policy has one that fits';
  const message = `is empty: an image that no rule fits is refused ${where}; if that is not meant, write a rule.`;
  return [warned('NoRules', 'spec.repositories', message)];
}
