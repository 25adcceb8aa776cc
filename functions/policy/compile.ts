import { compilePattern, type ImagePattern } from '../image/pattern.ts';
import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { readOnce } from '../once.ts';
import type { Mode, Requirement, Rule, RuleSource } from './policy.ts';
import { type FieldProblem, problemOf } from './problem.ts';
import { requirementsOf } from './requirement.ts';
import { labelOf, type PolicyIdentity, type RepositoryWire } from './resource.ts';
import { ruleErrors, shellErrors } from './schema.ts';

/** A policy object, compiled. It always has a rule for what it could not read, so that nothing slips past it. */
export interface CompiledPolicy {
  readonly identity: PolicyIdentity;
  /** How messages name it: `ImagePolicy team/default`. */
  readonly label: string;
  readonly rules: readonly Rule[];
  /** Its rules hold in every namespace, beside those that decide there. */
  readonly floor: boolean;
  /** Every problem of the object, at most LIMITS.problemsPerPolicy and one that counts the rest. */
  readonly problems: readonly FieldProblem[];
  /** What is valid, but not as most would want it; bounded likewise. */
  readonly warnings: readonly FieldProblem[];
}

/** Stands in for a pattern that can't be read: fits every image, and every pattern that can be read goes before it. */
const CATCH_ALL: ImagePattern = { written: '(unreadable)', matches: () => true, exact: false, weight: -1 };

/**
 * Compiles a policy object. Never refuses: what is wrong with the object as a whole or with the name of a rule becomes a
 * catch-all of lowest rank that demands the impossible, and a rule with a bad policy keeps its pattern and demands it too.
 */
export function compilePolicy(object: JsonObject, identity: PolicyIdentity): CompiledPolicy {
  const problems = shellErrors(identity.kind, object).map((error) => problemOf(error, ''));
  const written = repositoriesOf(object);
  const dropped = problems.some(({ field }) => field === 'spec.repositories');
  const entries = dropped ? [] : written;
  const compiled = entries.map((entry, index) => compileRule(entry, index, identity));
  const rules = compiled.map(({ rule }) => rule);
  if (problems.length > 0) {
    const mode = dropped ? strictModeOf(written) : undefined;
    rules.push(ruleOf(sourceOf(identity, -1), CATCH_ALL, [invalid(problems)], { mode }));
  }
  const all = [...problems, ...compiled.flatMap((one) => one.problems)];
  const floor = isFloor(object, identity);
  const warnings = bounded(compiled.flatMap((one) => one.warnings));
  return { identity, label: labelOf(identity), rules: Object.freeze(rules), floor, problems: bounded(all), warnings };
}

/** A floor that is misspelt (`"yes"`) is one: it refuses what falls under it until it is corrected. */
function isFloor(object: JsonObject, { kind }: PolicyIdentity): boolean {
  const spec = own(object, 'spec');
  const floor = isObject(spec) ? own(spec, 'floor') : undefined;
  return kind === 'ClusterImagePolicy' && floor !== undefined && floor !== false;
}

function repositoriesOf(object: JsonObject): readonly JsonValue[] {
  const spec = own(object, 'spec');
  const repositories = isObject(spec) ? own(spec, 'repositories') : undefined;
  return Array.isArray(repositories) ? repositories : [];
}

interface CompiledRule {
  readonly rule: Rule;
  readonly problems: readonly FieldProblem[];
  readonly warnings: readonly FieldProblem[];
}

function compileRule(entry: JsonValue, index: number, identity: PolicyIdentity): CompiledRule {
  const source = sourceOf(identity, index);
  const pattern = patternOf(entry);
  const problems = ruleErrors(identity.group, entry).map((error) => problemOf(error, source.field));
  if (typeof pattern === 'string') problems.push({ field: `${source.field}.name`, message: pattern });
  const wire = problems.length === 0 ? (entry as unknown as RepositoryWire) : undefined;
  const demanded = wire === undefined ? undefined : requirementsOf(wire.policy ?? {}, source);
  if (demanded !== undefined) problems.push(...demanded.problems);
  const requirements = problems.length > 0 ? [invalid(problems)] : (demanded?.requirements ?? []);
  const readable = typeof pattern === 'object' ? pattern : CATCH_ALL;
  return {
    rule: ruleOf(
      source,
      readable,
      requirements,
      wire === undefined ? { mode: strictModeOf([entry]) } : (wire.policy ?? {}),
    ),
    problems,
    warnings: demanded?.warnings ?? [],
  };
}

/** The mode of rules that can't be read as a whole: enforce where one of them says so or is misspelt, so that a mistake softens nothing; else the cluster's. */
function strictModeOf(entries: readonly JsonValue[]): Mode | undefined {
  const policies = entries.map((entry) => (isObject(entry) ? own(entry, 'policy') : undefined));
  const modes = policies.map((policy) => (isObject(policy) ? (own(policy, 'mode') ?? undefined) : undefined));
  return modes.some((mode) => mode !== undefined && mode !== 'warn' && mode !== 'audit') ? 'enforce' : undefined;
}

/** Patterns that are kept for whoever writes the same: some 1 kB each, and 5 where the text is as long as may be and is none. */
const PATTERNS = 1000;

/** Most policies of a cluster name the same few registries, and with patterns of its own each takes a third more memory. */
const sharedPattern = readOnce(compilePattern, PATTERNS);

/** The pattern; a sentence where its text is none; undefined where there is no text (the schema says so already). */
function patternOf(entry: JsonValue): ImagePattern | string | undefined {
  const name = isObject(entry) ? own(entry, 'name') : undefined;
  if (typeof name !== 'string' || name === '' || name.length > LIMITS.patternLength) return undefined;
  // A copy: V8 keeps a part of a manifest's text by keeping the whole of it, which must not outlive the policy.
  return sharedPattern(structuredClone(name));
}

const ruleOf = (
  source: RuleSource,
  pattern: ImagePattern,
  requirements: readonly Requirement[],
  { mutateImage = true, mode }: { readonly mutateImage?: boolean; readonly mode?: Mode | undefined } = {},
): Rule => Object.freeze({ source, pattern, requirements: Object.freeze(requirements), mutateImage, mode });

const sourceOf = (identity: PolicyIdentity, index: number): RuleSource =>
  Object.freeze({
    kind: identity.kind,
    group: identity.group,
    namespace: identity.namespace ?? '',
    name: identity.name ?? '',
    field: index < 0 ? 'spec' : `spec.repositories[${index}]`,
    index,
  });

const invalid = (problems: readonly FieldProblem[]): Requirement => ({
  type: 'invalid',
  problems: bounded(problems).map(({ field, message }) => `${field} ${message}`),
});

function bounded(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  const rest = problems.length - LIMITS.problemsPerPolicy;
  if (rest <= 0) return problems;
  const more = { field: 'spec', message: `has ${rest} more problems; correct the ones above first.` };
  return [...problems.slice(0, LIMITS.problemsPerPolicy), more];
}
