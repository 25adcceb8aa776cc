import {
  approve,
  type Decision,
  decide,
  denied,
  type ImageOutcome,
  refuseReview,
  tolerateReview,
} from './answer/decision.ts';
import { type AdmissionReviewAnswer, type Envelope, renderResponse } from './answer/response.ts';
import { type Awaitable, all, proceed } from './awaitable.ts';
import { Fault } from './codes.ts';
import { parseReference } from './image/reference.ts';
import type { Mode, Rule } from './policy/policy.ts';
import { modeUnread, selectFloor, selectRule } from './policy/select.ts';
import type { PolicySnapshot } from './policy/snapshot.ts';
import type { Clock, Cluster, PolicySource } from './ports.ts';
import { exemptByOwner, exemptDeletion, exemptImage, exemptObject, openPlaces } from './request/exempt.ts';
import { type AdmissionRequest, parseReview, salvageEnvelope } from './request/review.ts';
import { claimsDeletion, ownerSuspicion, type Suspicion } from './request/suspect.ts';
import {
  readWorkload,
  type Workload,
  type WorkloadImage,
  type WorkloadKind,
  workloadKind,
} from './request/workload.ts';
import { tolerate } from './trust/mode.ts';
import type { ImageQuestion } from './trust/question.ts';
import type { Verdict } from './trust/verdict.ts';
import { joinVerdicts } from './trust/verify.ts';

/** What the gate needs of the outside to answer a review. */
export interface Gate {
  readonly policies: PolicySource;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly kinds: readonly WorkloadKind[];
  /** The mode where no rule names one (ENFORCEMENT_MODE). */
  readonly mode: Mode;
  /** One image under its rule → verdict. Throws nothing but bugs. */
  readonly verify: (question: ImageQuestion, signal: AbortSignal) => Awaitable<Verdict>;
}

/** A review that was answered, with what the log and the metrics tell of it. */
export interface Admission {
  readonly answer: AdmissionReviewAnswer;
  readonly decision: Decision;
  /** Undefined where the body was no review. */
  readonly request: AdmissionRequest | undefined;
  readonly outcomes: readonly ImageOutcome[];
  /** What in it claimed to need no proof and did not hold. */
  readonly suspicions: readonly Suspicion[];
  /** What kept the gate from deciding, where a bug did. */
  readonly error: unknown;
}

interface Judged {
  readonly decision: Decision;
  readonly outcomes: readonly ImageOutcome[];
  readonly suspicions?: readonly Suspicion[];
}

const judged = (decision: Decision): Judged => ({ decision, outcomes: [] });

/**
 * Answers one review, from body to AdmissionReview. Always answers: whatever goes wrong is `allowed: false`.
 * `body` is the JSON as it came; when `signal` aborts, what is not proven by then is refused with DEADLINE.
 */
export async function admit(gate: Gate, body: Uint8Array, signal: AbortSignal): Promise<Admission> {
  let request: AdmissionRequest | undefined;
  try {
    const parsed = parseReview(body);
    if (!parsed.ok) return refuseBody(body, parsed.refusal);
    request = parsed.value;
    const { decision, ...rest } = await judge(gate, request, signal);
    return answered(request, { decision: tolerateReview(decision, unreadMode(gate, request)), ...rest }, request);
  } catch (error) {
    const fault = error instanceof Fault ? error : new Fault('BUG', 'The gate could not decide on this review.');
    const refusal = refuseReview(fault);
    if (request === undefined) return answered(salvageEnvelope(body), judged(refusal), request, error);
    return answered(request, judged(tolerateReview(refusal, unreadMode(gate, request))), request, error);
  }
}

const unreadMode = ({ policies, mode }: Gate, { namespace }: AdmissionRequest): Mode =>
  modeUnread(policies.current(), namespace, mode);

/** Refuses a body that is no review: too large, of another content type, or malformed. */
export function refuseBody(body: Uint8Array, refusal: Parameters<typeof refuseReview>[0]): Admission {
  return answered(salvageEnvelope(body), judged(refuseReview(refusal)));
}

function answered(
  envelope: Envelope,
  { decision, outcomes, suspicions = [] }: Judged,
  request?: AdmissionRequest,
  error?: unknown,
): Admission {
  return { answer: renderResponse(envelope, decision), decision, request, outcomes, suspicions, error };
}

async function judge(gate: Gate, request: AdmissionRequest, signal: AbortSignal): Promise<Judged> {
  const deletion = exemptDeletion(request);
  if (deletion !== null) return judged(approve(deletion));
  const kind = workloadKind(gate.kinds, request.kind.group, request.kind.kind);
  if (kind === undefined || request.object === undefined) {
    const { group, version, kind: name } = request.kind;
    const message = `The gate checks no ${[group, version, name].filter(Boolean).join('/')}.`;
    return judged(refuseReview({ code: 'KIND_UNKNOWN', message }));
  }
  const read = readWorkload(kind, request.object);
  if (!read.ok) return judged(refuseReview(read.refusal));
  const workload = read.value;
  const old = request.operation === 'UPDATE' ? readOld(kind, request) : undefined;
  const unchanged = exemptObject(request, workload, old);
  if (unchanged !== null) return judged(approve(unchanged));
  const { exemption, suspicion } = await askOwner(gate, request, { workload, signal });
  if (exemption !== null) return judged(approve(exemption));
  const suspicions = [suspicion, claimsDeletion(request) && ('deletion_claimed' as const)].filter(
    (one) => one !== false,
  );
  const snapshot = gate.policies.current();
  if (snapshot === undefined) return judged(refuseReview(new Fault('NOT_READY', 'The policies are not read yet.')));
  const images = distinct(workload.images);
  const context = { gate, request, snapshot, workload, old, signal };
  const outcomes = await all(images.map((places) => outcomeOf(context, places)));
  return { decision: decide(outcomes), outcomes, suspicions };
}

function readOld(kind: WorkloadKind, { oldObject }: AdmissionRequest): Workload | undefined {
  if (oldObject === undefined) return undefined;
  const read = readWorkload(kind, oldObject);
  return read.ok ? read.value : undefined;
}

interface Vouching {
  /** The sentence by which the stored controller vouches for the workload's images, or null. */
  readonly exemption: string | null;
  /** What is amiss with the controller that was named, where it could be looked at. */
  readonly suspicion: Suspicion | false;
}
const NOBODY: Vouching = { exemption: null, suspicion: false };

/** Looks at the controller that the workload names. One that can't be read vouches for nothing: the images are verified as those of any other workload. */
async function askOwner(
  { cluster, kinds }: Gate,
  { namespace }: AdmissionRequest,
  { workload, signal }: { readonly workload: Workload; readonly signal: AbortSignal },
): Promise<Vouching> {
  const { controller } = workload;
  if (controller === undefined) return NOBODY;
  const slash = controller.apiVersion.indexOf('/');
  const kind = workloadKind(kinds, slash < 0 ? '' : controller.apiVersion.slice(0, slash), controller.kind);
  if (kind === undefined) return NOBODY;
  try {
    const owner = await cluster.owner(namespace, controller, signal);
    const read = owner === undefined ? undefined : readWorkload(kind, owner);
    const exemption = exemptByOwner(workload, owner, read?.ok ? read.value : undefined);
    return { exemption, suspicion: exemption === null && ownerSuspicion(workload, owner) };
  } catch (error) {
    if (error instanceof Fault) return NOBODY;
    throw error;
  }
}

/** Images by the name as written, each with every place where it stands. */
function distinct(images: readonly WorkloadImage[]): readonly (readonly WorkloadImage[])[] {
  return images.length === 1 ? [images] : [...Map.groupBy(images, ({ written }) => written).values()];
}

interface Context {
  readonly gate: Gate;
  readonly request: AdmissionRequest;
  readonly snapshot: PolicySnapshot;
  readonly workload: Workload;
  readonly old: Workload | undefined;
  readonly signal: AbortSignal;
}

function outcomeOf(context: Context, named: readonly WorkloadImage[]): Awaitable<ImageOutcome> {
  const { gate, request, snapshot, workload, old, signal } = context;
  const written = named[0]?.written ?? '';
  const places = openPlaces(named, workload, old);
  const outcome = { written, places, reference: undefined, rule: undefined };
  const exemption = exemptImage(written, workload, old);
  if (exemption !== null) {
    const evidence = [{ subject: 'exemption', detail: exemption }];
    return { ...outcome, verdict: { outcome: 'trusted', digest: undefined, evidence } };
  }
  const parsed = parseReference(written);
  const { namespace, dryRun } = request;
  if (!parsed.ok)
    return { ...outcome, verdict: tolerate(denied(parsed.refusal), modeUnread(snapshot, namespace, gate.mode)) };
  const reference = parsed.value;
  const ask = (rule: Rule, joined: (verdict: Verdict) => Verdict): Awaitable<ImageOutcome> => {
    const verified = gate.verify({ reference, rule, namespace, workload, dryRun, mode: gate.mode }, signal);
    return proceed(verified, (verdict) => ({ written, places, reference, rule, verdict: joined(verdict) }));
  };
  const rule = selectRule(snapshot, namespace, reference);
  if (rule.ok) return ask(rule.value, (verdict) => verdict);
  const unmatched = tolerate(denied(rule.refusal), gate.mode);
  const floor = unmatched.outcome === 'tolerated' ? selectFloor(snapshot, namespace, reference) : undefined;
  if (floor === undefined) return { ...outcome, reference, verdict: unmatched };
  return ask(floor, (verdict) => joinVerdicts([unmatched, verdict]));
}
