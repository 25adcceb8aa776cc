import { DENY_CODES, type DenyCode, FAULT_CODES, type FaultCode, type Refusal } from '../codes.ts';
import { brief, quote } from '../image/quote.ts';
import type { Digest } from '../image/reference.ts';
import { type ImageReference, pinReference } from '../image/reference.ts';
import type { Mode, Rule } from '../policy/policy.ts';
import type { WorkloadImage } from '../request/workload.ts';
import type { ToleratedFailure, Verdict } from '../trust/verdict.ts';

/** One distinct image of a workload and all that was found out about it. */
export interface ImageOutcome {
  /** The image name as written. */
  readonly written: string;
  /** Every place where it stands. */
  readonly places: readonly WorkloadImage[];
  /** Parsed, where it could be. */
  readonly reference: ImageReference | undefined;
  /** The rule that decided, where one did. */
  readonly rule: Rule | undefined;
  readonly verdict: Verdict;
}

/** Why one image is refused. */
export interface ImageRefusal {
  readonly written: string;
  readonly fields: readonly string[];
  readonly code: DenyCode | FaultCode;
  readonly message: string;
  /** `ClusterImagePolicy default, spec.repositories[0]`, where a rule decided. */
  readonly policy: string | undefined;
}

/** Why an image would be refused, if the mode did not let it pass. `written` is empty where it is the review itself. */
export interface ToleratedRefusal extends ImageRefusal {
  readonly mode: ToleratedFailure['mode'];
}

/** An image name to be written into the workload. */
export interface Replacement {
  readonly pointer: string;
  readonly from: string;
  readonly to: string;
}

/** What is answered on a whole review. */
export type Decision =
  | {
      readonly allowed: true;
      /** Why nothing had to be proven, where that was so. */
      readonly exemption: string | undefined;
      readonly replacements: readonly Replacement[];
      readonly warnings: readonly string[];
      /** What would have been refused. */
      readonly tolerated: readonly ToleratedRefusal[];
    }
  | {
      readonly allowed: false;
      readonly message: string;
      /** The code of each refused image, or of the review where that itself is refused. */
      readonly codes: readonly (DenyCode | FaultCode)[];
      readonly images: readonly ImageRefusal[];
      readonly transient: boolean;
    };

/** Approves the whole object without proof, for this reason. */
export const approve = (exemption: string): Decision => ({
  allowed: true,
  exemption,
  replacements: [],
  warnings: [],
  tolerated: [],
});

/** Refuses the whole object for a reason that lies in the review itself, not in one image. */
export const refuseReview = ({
  code,
  message,
}: {
  readonly code: DenyCode | FaultCode;
  readonly message: string;
}): Decision => ({
  allowed: false,
  message: `[${code}] ${message} ${remedyOf(code)}`,
  codes: [code],
  images: [],
  transient: code in FAULT_CODES,
});

/** What a mode makes of the refusal of a review that named no image of its own. */
export function tolerateReview(decision: Decision, mode: Mode): Decision {
  if (mode === 'enforce' || decision.allowed || decision.images.length > 0) return decision;
  const { message, codes } = decision;
  const tolerated = codes.map((code) => ({ mode, code, message, written: '', fields: [], policy: undefined }));
  const warnings = mode === 'warn' ? [`This would be refused: ${message}`] : [];
  return { allowed: true, exemption: undefined, replacements: [], warnings, tolerated };
}

/** What to do about a code. */
export function remedyOf(code: DenyCode | FaultCode): string {
  return (Object.hasOwn(DENY_CODES, code) ? DENY_CODES[code as DenyCode] : FAULT_CODES[code as FaultCode]).remedy;
}

/** A denied verdict made of a refusal. */
export const denied = ({ code, message }: Refusal): Verdict => ({ outcome: 'denied', code, message });

/** How a rule is named to people: `ClusterImagePolicy default, spec.repositories[0]`. */
export function ruleName({ source }: Rule): string {
  const object = source.namespace === '' ? source.name : `${source.namespace}/${source.name}`;
  return `${source.kind} ${object}, ${source.field}`;
}

/** One decision from every image's verdict: one that is not trusted refuses the whole workload, and each such image is named. */
export function decide(outcomes: readonly ImageOutcome[]): Decision {
  const refusals = gathered(outcomes, refusalOf);
  if (refusals.length > 0) {
    return {
      allowed: false,
      message: renderRefusals(refusals, outcomes.length),
      codes: refusals.map(({ code }) => code),
      images: refusals,
      transient: refusals.every(({ code }) => code in FAULT_CODES),
    };
  }
  return {
    allowed: true,
    exemption: undefined,
    replacements: gathered(outcomes, replacementsOf),
    warnings: gathered(outcomes, warningsOf),
    tolerated: gathered(outcomes, toleratedOf),
  };
}

/** As flatMap, without a list of its own where there is but one outcome. */
function gathered<T>(outcomes: readonly ImageOutcome[], of: (outcome: ImageOutcome) => readonly T[]): readonly T[] {
  const only = outcomes[0];
  return only !== undefined && outcomes.length === 1 ? of(only) : outcomes.flatMap(of);
}

const placed = ({ written, places, rule }: ImageOutcome) => ({
  written: brief(written),
  fields: places.map(({ field }) => field),
  policy: rule === undefined ? undefined : ruleName(rule),
});

function refusalOf(outcome: ImageOutcome): ImageRefusal[] {
  const { verdict } = outcome;
  if (verdict.outcome === 'trusted' || verdict.outcome === 'tolerated') return [];
  const { code, message } = verdict.outcome === 'denied' ? verdict : verdict.fault;
  return [{ ...placed(outcome), code, message }];
}

function toleratedOf(outcome: ImageOutcome): ToleratedRefusal[] {
  const { verdict } = outcome;
  if (verdict.outcome !== 'tolerated') return [];
  return verdict.failures.map(({ mode, code, message }) => ({ ...placed(outcome), mode, code, message }));
}

/** Fields named in one line; the rest is counted, for an image may stand in thousands of places. */
const TOLD_FIELDS = 10;
const toldFields = (fields: readonly string[]): string =>
  fields.length <= TOLD_FIELDS
    ? fields.join(', ')
    : `${fields.slice(0, TOLD_FIELDS).join(', ')} and ${fields.length - TOLD_FIELDS} more places`;

/** How a refused image is told in one sentence: where it stands, why, under which policy. */
const refusedLine = ({ written, fields, code, message, policy }: ImageRefusal, would: string): string =>
  `${toldFields(fields)}: image ${quote(written)} ${would} refused [${code}]: ${message}${policy === undefined ? '' : ` (policy: ${policy})`}`;

/** One line an image, and below what to do, once for each code: a hundred images that fail for one reason stay readable. */
function renderRefusals(refusals: readonly ImageRefusal[], total: number): string {
  const lines = refusals.map((refusal) => refusedLine(refusal, 'is'));
  const codes = [...new Set(refusals.map(({ code }) => code))];
  if (lines.length === 1 && total === 1) return `${lines[0]} ${codes.map(remedyOf).join(' ')}`;
  const remedies = codes.map((code) => `[${code}] ${remedyOf(code)}`);
  return [`${refusals.length} of ${total} images are refused.`, ...lines, 'What to do:', ...remedies].join('\n');
}

const pinnedName = (reference: ImageReference | undefined, digest: Digest | undefined): string | undefined =>
  reference === undefined || digest === undefined ? undefined : pinReference(reference, digest);

function replacementsOf({ verdict, reference, rule, places, written }: ImageOutcome): Replacement[] {
  if ((verdict.outcome !== 'trusted' && verdict.outcome !== 'tolerated') || rule?.mutateImage === false) return [];
  const to = pinnedName(reference, verdict.digest);
  if (to === undefined || to === written) return [];
  return places.map(({ pointer }) => ({ pointer, from: written, to }));
}

function warningsOf(outcome: ImageOutcome): string[] {
  const { verdict, reference, rule, written } = outcome;
  if (verdict.outcome !== 'trusted' && verdict.outcome !== 'tolerated') return [];
  const would = toleratedOf(outcome).filter(({ mode }) => mode === 'warn');
  const told = would.map((refusal) => `${refusedLine(refusal, 'would be')} ${remedyOf(refusal.code)}`);
  if (verdict.warning !== undefined) told.push(verdict.warning);
  if (verdict.digest === undefined || rule?.mutateImage !== false || reference?.digest !== undefined) return told;
  return [...told, `${written} is left as a tag (mutateImage: false); only ${verdict.digest} was verified`];
}
