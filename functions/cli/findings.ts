import { type Decision, type ImageOutcome, remedyOf, ruleName } from '../answer/decision.ts';
import type { DenyCode, FaultCode } from '../codes.ts';
import { type ImageReference, repositoryName } from '../image/reference.ts';
import type { Mode } from '../policy/policy.ts';
import type { Checked, CheckedObject } from './check.ts';
import { EXIT } from './outside.ts';

/**
 * What would become of an image or an object. `tolerated`: a proof fails, and the mode (docs/modes.md) admits it all the same; `unknown`: no
 * answer could be had, which the gate refuses too.
 */
export type Status = 'admitted' | 'tolerated' | 'refused' | 'unknown';

/** Why something is not admitted. */
export interface Reason {
  readonly code: DenyCode | FaultCode;
  readonly message: string;
  readonly remedy: string;
}

/** Where an image name stands. Lines and columns from 1. */
export interface ImagePlace {
  /** `spec.containers[0].image`. */
  readonly field: string;
  readonly line: number;
  readonly column: number;
}

/** One image of an object, as JSON shows it. */
export interface ImageFinding {
  readonly image: string;
  readonly status: Status;
  /** `docker.io/library/nginx:1.27`, where the name could be read. */
  readonly normalised?: string;
  /** The digest that is signed, where proof was asked. */
  readonly digest?: string;
  /** What the gate would write in the place of the name. */
  readonly replacement?: string;
  /** `ClusterImagePolicy default, spec.repositories[0]`. */
  readonly policy?: string;
  /** Why it is not admitted, or would not be but for the mode. */
  readonly reason?: Reason;
  /** What lets it pass although a proof fails. */
  readonly mode?: Exclude<Mode, 'enforce'>;
  /** Why it needs no proof, or what was seen. */
  readonly evidence?: readonly string[];
  readonly warning?: string;
  readonly places: readonly ImagePlace[];
}

/** One workload, as JSON shows it. */
export interface ObjectFinding {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: Status;
  /** Why the object as a whole is admitted without proof. */
  readonly exemption?: string;
  /** Why the object as a whole is refused, where that is not one of its images. */
  readonly reason?: Reason;
  readonly warnings: readonly string[];
  readonly images: readonly ImageFinding[];
}

/** What came of a check, as JSON shows it. */
export interface Findings {
  readonly admitted: boolean;
  readonly objects: readonly ObjectFinding[];
  /** Objects of kinds that name no images. */
  readonly skipped: number;
}

/** An image name as policies are matched on it. */
export const normalisedName = (reference: ImageReference): string => {
  const { tag, digest } = reference;
  return `${repositoryName(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
};

/** A code with its message and what to do. */
export const reasonOf = (code: DenyCode | FaultCode, message: string): Reason => ({
  code,
  message,
  remedy: remedyOf(code),
});

/** The status of a whole object. */
export const statusOf = (decision: Decision): Status => {
  if (decision.allowed) return decision.tolerated.length > 0 ? 'tolerated' : 'admitted';
  return decision.transient ? 'unknown' : 'refused';
};

/** What an image's verdict says, for people and for JSON. */
export function verdictFinding({
  verdict,
}: Pick<ImageOutcome, 'verdict'>): Pick<
  ImageFinding,
  'status' | 'digest' | 'reason' | 'mode' | 'evidence' | 'warning'
> {
  if (verdict.outcome === 'denied') return { status: 'refused', reason: reasonOf(verdict.code, verdict.message) };
  if (verdict.outcome === 'unknown')
    return { status: 'unknown', reason: reasonOf(verdict.fault.code, verdict.fault.message) };
  const { digest, evidence, warning } = verdict;
  const [failure] = verdict.outcome === 'tolerated' ? verdict.failures : [];
  return {
    status: failure === undefined ? 'admitted' : 'tolerated',
    ...(failure !== undefined && { reason: reasonOf(failure.code, failure.message), mode: failure.mode }),
    ...(digest !== undefined && { digest }),
    ...(evidence.length > 0 && { evidence: evidence.map(({ subject, detail }) => `${subject}: ${detail}`) }),
    ...(warning !== undefined && { warning }),
  };
}

function imageFinding(outcome: ImageOutcome, { decision, placeOf }: CheckedObject): ImageFinding {
  const { written, reference, rule, places } = outcome;
  const replacement = decision.allowed ? decision.replacements.find(({ from }) => from === written)?.to : undefined;
  return {
    image: written,
    ...verdictFinding(outcome),
    ...(reference !== undefined && { normalised: normalisedName(reference) }),
    ...(replacement !== undefined && { replacement }),
    ...(rule !== undefined && { policy: ruleName(rule) }),
    places: places.map(({ field, pointer }) => ({ field, ...placeOf(pointer) })),
  };
}

/** Why a review is refused as a whole. Its message names the code and the remedy, which stand apart here. */
function wholeReason(decision: Decision): Reason | undefined {
  const { code, message } = decision.allowed
    ? (decision.tolerated[0] ?? { code: undefined, message: '' })
    : { code: decision.codes[0], message: decision.message };
  if (code === undefined) return undefined;
  const reason = reasonOf(code, message);
  return { ...reason, message: message.replace(`[${code}] `, '').replace(` ${reason.remedy}`, '') };
}

function objectFinding(checked: CheckedObject): ObjectFinding {
  const { file, kind, namespace, name, decision, outcomes } = checked;
  const whole = outcomes.length === 0 ? wholeReason(decision) : undefined;
  return {
    file,
    line: checked.placeOf('').line,
    kind,
    namespace,
    name,
    status: statusOf(decision),
    ...(decision.allowed && decision.exemption !== undefined && { exemption: decision.exemption }),
    ...(whole !== undefined && { reason: whole }),
    warnings: decision.allowed ? decision.warnings : [],
    images: outcomes.map((outcome) => imageFinding(outcome, checked)),
  };
}

/** What came of a check in the form that is shown. */
export function findingsOf({ objects, skipped }: Checked): Findings {
  return {
    admitted: objects.every(({ decision }) => decision.allowed),
    objects: objects.map(objectFinding),
    skipped,
  };
}

/** The exit code: what is surely refused goes before what could not be told. `strict`: what is tolerated counts as refused. */
export function exitCode(objects: readonly { readonly status: Status }[], strict = false): number {
  const has = (wanted: Status): boolean => objects.some(({ status }) => status === wanted);
  if (has('refused') || (strict && has('tolerated'))) return EXIT.refused;
  return has('unknown') ? EXIT.failed : EXIT.admitted;
}
