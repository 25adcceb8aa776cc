import { refuseBody } from './admit.ts';
import { refuseReview } from './answer/decision.ts';
import { renderFindings } from './answer/findings.ts';
import { type AdmissionReviewAnswer, renderResponse } from './answer/response.ts';
import type { Refusal } from './codes.ts';
import { isObject, type JsonObject, own } from './json.ts';
import type { KnowsServer } from './policy/clash.ts';
import { compilePolicy } from './policy/compile.ts';
import { type Finding, warned } from './policy/finding.ts';
import { farewell } from './policy/leave.ts';
import { lintObject } from './policy/lint.ts';
import { identify } from './policy/resource.ts';
import type { PolicySnapshot } from './policy/snapshot.ts';
import type { Cluster, PolicySource } from './ports.ts';
import { equalJson } from './request/equal.ts';
import { type AdmissionRequest, parseReview } from './request/review.ts';
import { lintSecrets } from './trust/lint.ts';

/** What the look at policies needs of the outside. */
export interface Validator {
  readonly policies: PolicySource;
  readonly cluster: Pick<Cluster, 'secret'>;
  readonly knowsServer: KnowsServer;
}

/** A review of a policy that was answered, with what the log and the metrics tell of it. */
export interface Validation {
  readonly answer: AdmissionReviewAnswer;
  /** Undefined where the body was no review. */
  readonly request: AdmissionRequest | undefined;
  readonly findings: readonly Finding[];
  /** What kept it from looking, where a bug did. */
  readonly error: unknown;
}

/**
 * Answers one review of an ImagePolicy or ClusterImagePolicy of either group, from body to AdmissionReview. Refused is a policy that can't be meant;
 * of what may be, it warns. It advises and does not guard: the gate itself refuses the images of what is not valid. So for reasons of its own (a bug, policies that are
 * not read yet, a Secret that can't be read) it stands in nobody's way, and says that it did not look. A review of anything else is refused.
 */
export async function validate(validator: Validator, body: Uint8Array, signal: AbortSignal): Promise<Validation> {
  const parsed = parseReview(body);
  if (!parsed.ok) return refuseUnread(body, parsed.refusal);
  const request = parsed.value;
  const told = (findings: readonly Finding[], error?: unknown): Validation => {
    const allowed = !findings.some(({ severity }) => severity === 'refused') || isOld(request);
    return { answer: renderFindings(request, { allowed, findings }), request, findings, error };
  };
  const object = subjectOf(request);
  if (object === undefined) return refuseKind(request);
  try {
    const snapshot = validator.policies.current();
    if (snapshot === undefined) return told([unseen('the policies of the cluster are not read yet')]);
    if (request.operation === 'DELETE') return told(farewell(object, snapshot));
    return told(await look(validator, object, { snapshot, signal }));
  } catch (error) {
    return told([unseen('of a fault in the function that looks at policies, which its log tells')], error);
  }
}

/** A body that is not read as a review, refused. */
export function refuseUnread(body: Uint8Array, refusal: Refusal): Validation {
  return { answer: refuseBody(body, refusal).answer, request: undefined, findings: [], error: undefined };
}

/** All that a policy is told when it is written, among the policies that there are. */
async function look(
  { cluster, knowsServer }: Validator,
  object: JsonObject,
  { snapshot, signal }: { readonly snapshot: PolicySnapshot; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  const identity = identify(object);
  if (identity === undefined) return [];
  const findings = lintObject(object, snapshot, knowsServer);
  const secrets = await lintSecrets(compilePolicy(object, identity), object, cluster, signal);
  const unread = secrets.unread.map((name) =>
    warned(
      'NotLookedAt',
      'spec.repositories',
      `names Secret ${name}, which could not be read now; see that it is right.`,
    ),
  );
  return [...findings, ...secrets.findings, ...unread];
}

const unseen = (why: string): Finding =>
  warned('NotLookedAt', 'spec', `was not looked at, because ${why}; the gate reports what is not valid all the same.`);

/** The policy that a review is of; undefined where it is of something else. */
function subjectOf({ kind, operation, object, oldObject, name, namespace }: AdmissionRequest): JsonObject | undefined {
  const apiVersion = `${kind.group}/${kind.version}`;
  const metadata = { name, ...(namespace !== '' && { namespace }) };
  const written = operation === 'DELETE' ? oldObject : object;
  const subject = named({ apiVersion, kind: kind.kind, metadata, ...written }, metadata);
  return identify(subject) === undefined ? undefined : subject;
}

/** The object with the namespace of the request and a name: one that the API server is to make up (`generateName`) may not be there yet. */
function named(object: JsonObject, known: JsonObject): JsonObject {
  const metadata = own(object, 'metadata');
  if (!isObject(metadata)) return object;
  const name = known['name'] || `${own(metadata, 'generateName') ?? ''}new`;
  return { ...object, metadata: { ...known, name, ...metadata } };
}

/** A change that leaves the rules as they are, or of what is being deleted: an object that is stored must stay free to be labelled and to go. */
function isOld({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== 'UPDATE' || object === undefined || oldObject === undefined) return false;
  const metadata = own(oldObject, 'metadata');
  if (isObject(metadata) && own(metadata, 'deletionTimestamp') !== undefined) return true;
  return equalJson(own(object, 'spec'), own(oldObject, 'spec'));
}

function refuseKind(request: AdmissionRequest): Validation {
  const { kind, group } = request.kind;
  const message = `The function that looks at policies was sent a ${kind} of the group "${group}".`;
  const answer = renderResponse(request, refuseReview({ code: 'KIND_UNKNOWN', message }));
  return { answer, request, findings: [], error: undefined };
}
