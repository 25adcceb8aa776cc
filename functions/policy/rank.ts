import type { Rule } from './policy.ts';

/**
 * Order of rules, the stronger first (negative: `left` is the stronger): exact before wildcard, larger weight before smaller,
 * then by object name, group and place in the object. A total order, so the choice never depends on order of arrival.
 */
export function precedes(left: Rule, right: Rule): number {
  return (
    Number(right.pattern.exact) - Number(left.pattern.exact) ||
    right.pattern.weight - left.pattern.weight ||
    byText(left.source.name, right.source.name) ||
    byText(left.source.group, right.source.group) ||
    left.source.index - right.source.index
  );
}

/** By UTF-16 code units, not by locale: the same on every machine. */
function byText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
