import { every } from '../image/grammar.ts';
import { quote } from '../image/quote.ts';
import { LIMITS } from '../limits.ts';

/** Where a kind keeps its pod spec: group (empty for core), kind, and the path of fields. */
export interface WorkloadKind {
  readonly group: string;
  readonly kind: string;
  readonly podSpec: readonly string[];
  /** Whether an object may be without a pod spec, and then has nothing to check; else its absence is refused. */
  readonly optional?: boolean;
}

const TEMPLATE = ['spec', 'template', 'spec'];
const CRON = ['spec', 'jobTemplate', ...TEMPLATE];

/** The kinds of Kubernetes that hold a pod spec. Any version of the group counts. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  { group: '', kind: 'Pod', podSpec: ['spec'] },
  { group: '', kind: 'PodTemplate', podSpec: ['template', 'spec'] },
  { group: '', kind: 'ReplicationController', podSpec: TEMPLATE, optional: true },
  { group: 'apps', kind: 'Deployment', podSpec: TEMPLATE },
  { group: 'apps', kind: 'ReplicaSet', podSpec: TEMPLATE },
  { group: 'apps', kind: 'DaemonSet', podSpec: TEMPLATE },
  { group: 'apps', kind: 'StatefulSet', podSpec: TEMPLATE },
  { group: 'extensions', kind: 'Deployment', podSpec: TEMPLATE },
  { group: 'extensions', kind: 'ReplicaSet', podSpec: TEMPLATE },
  { group: 'extensions', kind: 'DaemonSet', podSpec: TEMPLATE },
  { group: 'batch', kind: 'Job', podSpec: TEMPLATE },
  { group: 'batch', kind: 'CronJob', podSpec: CRON },
];

const isLetterOrDigit = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
const isWord = (text: string): boolean => text !== '' && every(text, isLetterOrDigit);
const isGroup = (text: string): boolean =>
  every(text, (code) => code === 0x2d || code === 0x2e || (isLetterOrDigit(code) && (code < 0x41 || code > 0x5a)));

/**
 * Parses one line of EXTRA_WORKLOADS: `group/Kind=spec.template.spec` (an empty group is core), with a `?` at its end where an
 * object may be without a pod spec; a sentence where it can't be.
 */
export function parseWorkloadKind(line: string): WorkloadKind | string {
  const wrong = (why: string): string =>
    `${quote(line)} ${why}; write group/Kind=path.of.podSpec, for instance argoproj.io/Rollout=spec.template.spec?.`;
  if (line.length > LIMITS.nameLength * 2) return wrong('is too long');
  const [name = '', path = '', ...rest] = line.trim().split('=');
  const [group = '', kind = '', ...more] = name.split('/');
  const optional = path.endsWith('?');
  const podSpec = (optional ? path.slice(0, -1) : path).split('.');
  if (rest.length > 0 || more.length > 0 || !name.includes('/'))
    return wrong('is not made of a group, a kind and a path');
  if (!isGroup(group)) return wrong('has an API group that none can be');
  if (!isWord(kind)) return wrong('has no kind, or one that none can be');
  if (!podSpec.every(isWord)) return wrong('has no path, or one with an empty or odd part');
  return { group, kind, podSpec, optional };
}

/** The table entry of a kind, or undefined. */
export function workloadKind(kinds: readonly WorkloadKind[], group: string, kind: string): WorkloadKind | undefined {
  return kinds.find((entry) => entry.group === group && entry.kind === kind);
}
