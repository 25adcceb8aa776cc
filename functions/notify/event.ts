import { remedyOf } from '../answer/decision.ts';
import type { JsonObject } from '../json.ts';
import type { Notice, NoticeImage, ObjectName } from './notice.ts';
import { cut, plain } from './text.ts';

/** Who reports (events.k8s.io/v1 `reportingController`, a qualified name). */
export const CONTROLLER = 'portieris.dev/admission';
/** Most bytes of `note`, by the API server's validation. */
const NOTE_BYTES = 1024;

/** An object that an Event is about, or that it stands in relation to. */
export type Reference = ObjectName & { readonly namespace: string };

/** A time as Kubernetes' MicroTime: six digits of a second. */
export const microTime = (now: number): string => new Date(now).toISOString().replace('Z', '000Z');

/** What is the same in every repetition: where, what, which image, why. */
export function keyOf(
  { namespace, object, stands, controller }: Notice,
  { image, code, mode, policy }: NoticeImage,
): string {
  // What a controller makes has a new name each time; its controller is what stays.
  const who = stands || controller === undefined ? object.name : controller.uid;
  return JSON.stringify([namespace, object.apiVersion, object.kind, who, image, code, mode, policy]);
}

/**
 * What the Event is about, as far as it is known without asking: the object that stands in the cluster and was to be changed, else the namespace. A new object
 * does not exist, so nobody can describe it; its controller, where it truly has one, takes the place of the namespace.
 */
export const regardingOf = ({ namespace, object, stands }: Notice): Reference =>
  stands
    ? { ...object, namespace }
    : // In its own namespace, though a Namespace has none: so `kubectl get events -n` shows it, and the API server takes no other.
      { apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: undefined, namespace };

const referenceOf = ({ apiVersion, kind, namespace, name, uid }: Reference): JsonObject => ({
  apiVersion,
  kind,
  namespace,
  ...(name !== undefined && { name }),
  ...(uid !== undefined && { uid }),
});

/** The sentence for people, of 1024 bytes at most: what, which image, why, and what to do; the remedy is whole if it fits beside the reason. */
export function noteOf(
  { object, operation }: Notice,
  { image, fields, code, message, policy, mode }: NoticeImage,
): string {
  const what = cut(plain(`${object.kind} ${object.name ?? '(not named yet)'}`), 160);
  const verb = operation === 'UPDATE' ? 'the change of ' : '';
  const outcome = mode === undefined ? 'was refused' : `was admitted in mode ${mode} and would be refused`;
  const place = image === '' ? '' : ` ${cut(fields.join(', '), 200)}: image "${image}"`;
  const by = policy === undefined ? '' : ` (policy: ${policy})`;
  // A review that is refused as a whole tells code and remedy in its message.
  if (image === '') return cut(`${verb}${what} ${outcome}: ${message}`, NOTE_BYTES);
  const remedy = ` ${remedyOf(code)}`;
  const why = `${verb}${what} ${outcome}:${place} [${code}]: ${message}${by}`;
  return `${cut(why, NOTE_BYTES - Buffer.byteLength(remedy))}${remedy}`;
}

/** What an Event is made of beside the notice. */
export interface EventParts {
  readonly name: string;
  readonly regarding: Reference;
  /** Which of the gate's processes reports (`reportingInstance`, 128 bytes at most). */
  readonly instance: string;
}

/** The Event (events.k8s.io/v1) of one image: Warning where it was refused, Normal where a mode let it pass. */
export function eventOf(notice: Notice, image: NoticeImage, { name, regarding, instance }: EventParts): JsonObject {
  const { namespace, object, stands, time, refused } = notice;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'portieris' } },
    eventTime: microTime(time),
    reportingController: CONTROLLER,
    reportingInstance: instance,
    action: refused ? 'Refuse' : 'Admit',
    reason: image.code,
    regarding: referenceOf(regarding),
    ...(!stands && { related: referenceOf({ ...object, namespace }) }),
    note: noteOf(notice, image),
    type: refused ? 'Warning' : 'Normal',
  };
}
