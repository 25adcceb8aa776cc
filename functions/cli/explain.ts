import { admit } from '../admit.ts';
import { type ImageOutcome, ruleName } from '../answer/decision.ts';
import { timed } from '../deadline.ts';
import type { ImageReference } from '../image/reference.ts';
import { repositoryName } from '../image/reference.ts';
import type { JsonObject } from '../json.ts';
import type { Requirement, Rule } from '../policy/policy.ts';
import { type Fit, fitsOf } from '../policy/select.ts';
import { readWorkload, WORKLOAD_KINDS, workloadKind } from '../request/workload.ts';
import { normalisedName, verdictFinding } from './findings.ts';
import { CommandError } from './outside.ts';
import { type ProofView, proofOf } from './proofs.ts';
import { dryRunReview, type PodOrder, podOf } from './review.ts';
import type { Session } from './session.ts';

/** One rule that was considered, as JSON shows it. */
export interface RuleView {
  /** `ClusterImagePolicy default, spec.repositories[0]`. */
  readonly rule: string;
  readonly pattern: string;
  readonly fit: Fit;
}

/** One demand of a rule: `notary` with its proof, or a sentence. */
export interface DemandView {
  readonly rule: string;
  readonly demand: string;
  readonly proof?: ProofView;
}

/** The whole reasoning about one image, as JSON shows it. */
export interface Explanation extends ReturnType<typeof verdictFinding> {
  readonly image: string;
  readonly namespace: string;
  readonly normalised?: string;
  /** `registry/repository`, which policies are matched on. */
  readonly repository?: string;
  /** What the gate would write in the place of the name. */
  readonly replacement?: string;
  readonly policies: {
    /** Whose policies count: those of the namespace if it has any, else the cluster's. */
    readonly scope: 'namespace' | 'cluster';
    readonly objects: readonly string[];
    /** By rank: the first that matches decides. */
    readonly rules: readonly RuleView[];
    /** Rules of floors, by rank; the first that matches holds beside the one that decides. */
    readonly floor: readonly RuleView[];
    /** The rule that decides. */
    readonly rule?: string;
    /** ENFORCEMENT_MODE, or what the rule says instead. */
    readonly mode: string;
  };
  readonly demands: readonly DemandView[];
}

/** What is to be explained, as the pod would have it. */
export interface ExplainOrder extends PodOrder {
  /** Seconds. */
  readonly timeout: number;
}

const viewed = (rules: readonly Rule[], reference: ImageReference): readonly RuleView[] =>
  fitsOf(rules, reference).map(({ rule, fit }) => ({ rule: ruleName(rule), pattern: rule.pattern.written, fit }));

/** What a requirement that is no proof says. */
function sentence(requirement: Exclude<Requirement, { type: 'notary' }>): string {
  switch (requirement.type) {
    case 'reject':
      return 'refuses every image';
    case 'unsupported':
      return `asks for ${requirement.what}, which this gate cannot check`;
    case 'invalid':
      return `is not valid: ${requirement.problems.join('; ')}`;
  }
}

/** Each demand of a rule and of the floor's beside it, with its proof. */
async function demandsOf(
  session: Session,
  pod: JsonObject,
  {
    reference,
    rule,
    namespace,
  }: { readonly reference: ImageReference; readonly rule: Rule; readonly namespace: string },
  signal: AbortSignal,
): Promise<DemandView[]> {
  const workload = workloadOf(pod);
  const question = { reference, rule, namespace, workload, dryRun: true, mode: session.gate.mode };
  const all = [rule, ...(rule.floor === undefined ? [] : [rule.floor])];
  const demands = all.flatMap((from) => from.requirements.map((requirement) => ({ from, requirement })));
  return Promise.all(
    demands.map(async ({ from, requirement }): Promise<DemandView> => {
      if (requirement.type !== 'notary') return { rule: ruleName(from), demand: sentence(requirement) };
      const proof = await proofOf(session, question, requirement, signal);
      return { rule: ruleName(from), demand: 'signed by Notary v1', proof };
    }),
  );
}

function workloadOf(pod: JsonObject) {
  const kind = workloadKind(WORKLOAD_KINDS, '', 'Pod');
  const read = kind === undefined ? undefined : readWorkload(kind, pod);
  if (read?.ok !== true) throw new CommandError(read?.refusal.message ?? 'There are no pods.');
  return read.value;
}

/** What the gate would say to a pod with this one image, and why, step by step. A dry run: nothing is written. */
export async function explainImage(session: Session, order: ExplainOrder): Promise<Explanation> {
  const pod = podOf(order);
  const { namespace } = order;
  return timed(order.timeout * 1000, async (signal) => {
    const { decision, outcomes } = await admit(session.gate, dryRunReview(pod, namespace), signal);
    const [outcome] = outcomes;
    if (outcome === undefined) throw new CommandError(decision.allowed ? 'The image name is empty.' : decision.message);
    const { reference, rule } = outcome;
    const demands =
      reference === undefined || rule === undefined
        ? []
        : await demandsOf(session, pod, { reference, rule, namespace }, signal);
    const replacement = decision.allowed ? decision.replacements[0]?.to : undefined;
    return {
      image: order.image,
      namespace,
      ...(reference !== undefined && { normalised: normalisedName(reference), repository: repositoryName(reference) }),
      ...verdictFinding(outcome),
      ...(replacement !== undefined && { replacement }),
      policies: policiesOf(session, outcome, namespace),
      demands,
    };
  });
}

function policiesOf(
  { snapshot, gate }: Session,
  { reference, rule }: ImageOutcome,
  namespace: string,
): Explanation['policies'] {
  const { scope, objects, rules, floor } = snapshot.rulesFor(namespace);
  return {
    scope,
    objects,
    rules: reference === undefined ? [] : viewed(rules, reference),
    floor: reference === undefined ? [] : viewed(floor, reference),
    ...(rule !== undefined && { rule: ruleName(rule) }),
    mode: rule?.mode ?? gate.mode,
  };
}
