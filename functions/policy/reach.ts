import { coverKey, covers } from '../image/cover.ts';
import { quote } from '../image/quote.ts';
import { LIMITS } from '../limits.ts';
import { type Finding, warned } from './finding.ts';
import type { Rule } from './policy.ts';

/** How a rule of another object is named. */
const nameOf = ({ source }: Rule): string => {
  const object = source.namespace === '' ? source.name : `${source.namespace}/${source.name}`;
  return `${source.kind} ${object}, ${source.field}`;
};

/**
 * Whether a rule of higher rank decides wherever a lower one could. A rule that lets a tag in without proof does not decide on a name with a
 * digest (select.ts), so it hides only its like.
 */
function hides(upper: Rule, lower: Rule): boolean {
  if (!covers(upper.pattern, lower.pattern)) return false;
  const steps = ({ requirements, pattern }: Rule): boolean => requirements.length === 0 && pattern.bindsTag === true;
  return !steps(upper) || steps(lower);
}

function tell(lower: Rule, upper: Rule): Finding {
  const field = `${lower.source.field}.name`;
  const same = upper.source.name === lower.source.name && upper.source.group === lower.source.group;
  const whose = same ? upper.source.field : nameOf(upper);
  if (covers(lower.pattern, upper.pattern) && lower.pattern.exact === upper.pattern.exact)
    return warned(
      'DuplicatePattern',
      field,
      `fits the same images as ${whose}, which goes first, so that this rule never decides; take one of the two out.`,
    );
  const why =
    upper.pattern.exact && !lower.pattern.exact
      ? 'a pattern without a star goes before those with one'
      : 'it goes first, being as long';
  return warned(
    'UnreachableRule',
    field,
    `never decides: ${whose} (${quote(upper.pattern.written)}) fits all its images, and ${why}; take this rule out or write the other one more narrowly.`,
  );
}

/**
 * Rules of an object that never decide, because one of higher rank fits every image of theirs. `ranked` are the rules of the same scope in the
 * order of their rank, those of the object among them. Only patterns that are alike less their stars can hide one another: of the rest, the one that
 * fits more is the shorter one, and goes last.
 */
export function unreachable(own: readonly Rule[], ranked: readonly Rule[]): Finding[] {
  const mine = new Set(own.map(placeOf));
  const wanted = new Set(own.map(({ pattern }) => coverKey(pattern)));
  const alike = Map.groupBy(ranked, ({ pattern }) => coverKey(pattern));
  const pairs = [...alike].flatMap(([key, rules]) =>
    key === undefined || !wanted.has(key)
      ? []
      : rules.flatMap((rule, index) => (mine.has(placeOf(rule)) ? [{ rule, rules, index }] : [])),
  );
  const findings: Finding[] = [];
  let comparisons = 0;
  for (const { rule, rules, index } of pairs) {
    comparisons += index;
    if (comparisons > LIMITS.lintComparisons) return [...findings, TOO_MANY];
    const upper = rules.slice(0, index).find((candidate) => hides(candidate, rule));
    if (upper !== undefined) findings.push(tell(rule, upper));
  }
  return findings;
}

const TOO_MANY = warned(
  'NotLookedAt',
  'spec.repositories',
  'has so many rules whose patterns are alike that not all were compared; some may never decide without being told of.',
);

const placeOf = ({ source: { kind, group, namespace, name, index } }: Rule): string =>
  [kind, group, namespace, name, index].join(' ');
