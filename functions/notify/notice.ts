import type { Admission } from '../admit.ts';
import type { ImageRefusal } from '../answer/decision.ts';
import type { DenyCode, FaultCode } from '../codes.ts';
import { isObject, type JsonObject, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { OwnerReference } from '../ports.ts';
import { controllerOf } from '../request/workload.ts';
import { plain, shorten } from './text.ts';

/** Images of one admission that are told one by one; of more only the number is told. */
const IMAGES = 32;
/** Bytes of a message that are kept: what Kubernetes takes as the note of an Event (events.k8s.io/v1). */
const MESSAGE_BYTES = 1024;
/** Bytes of an image name, a policy or a field: longer ones are no real ones. */
const TEXT_BYTES = 512;
/** Places of one image that are told. */
const FIELDS = 16;

/** What of a refusal is told. */
export interface NoticeImage {
  /** As written; empty where it is the review itself that is refused. */
  readonly image: string;
  readonly fields: readonly string[];
  readonly code: DenyCode | FaultCode;
  readonly message: string;
  readonly policy: string | undefined;
  /** The mode that let it pass; undefined where it was refused. */
  readonly mode: string | undefined;
}

/** An object of the cluster. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined where the API server has yet to make it of `generateName`. */
  readonly name: string | undefined;
  readonly uid: string | undefined;
}

/** An admission that is worth telling, without the object itself: all texts are bounded and fit to be shown. */
export interface Notice {
  /** When it was answered, ms since the epoch. */
  readonly time: number;
  /** The uid of the review, as it stands in the log. */
  readonly uid: string;
  readonly refused: boolean;
  readonly operation: string;
  readonly namespace: string;
  readonly dryRun: boolean;
  /** What was asked for. */
  readonly object: ObjectName;
  /** True where the object stands in the cluster already: what was refused is a change of it. */
  readonly stands: boolean;
  /** Who the object says controls it: a claim. */
  readonly controller: OwnerReference | undefined;
  readonly images: readonly NoticeImage[];
  /** How many images it is about; more than are named where there are very many. */
  readonly total: number;
}

type Told = ImageRefusal & { readonly mode?: string };

const shown = (text: string): string => shorten(text, TEXT_BYTES);

function imageOf({ written, fields, code, message, policy, mode }: Told): NoticeImage {
  return {
    image: shown(written),
    fields: fields.slice(0, FIELDS).map(shown),
    code,
    message: shorten(message, MESSAGE_BYTES),
    policy: policy === undefined ? undefined : shown(policy),
    mode,
  };
}

function told({ decision }: Admission): readonly Told[] {
  if (decision.allowed) return decision.tolerated;
  const [code] = decision.codes;
  if (decision.images.length > 0 || code === undefined) return decision.images;
  return [{ written: '', fields: [], code, message: decision.message, policy: undefined }];
}

const metadataOf = (object: JsonObject | undefined): JsonObject => {
  const metadata = object === undefined ? undefined : own(object, 'metadata');
  return isObject(metadata) ? metadata : {};
};

const textOf = (object: JsonObject, name: string): string | undefined => {
  const value = own(object, name);
  return typeof value === 'string' && value !== '' && value.length <= LIMITS.objectNameLength ? value : undefined;
};

function claimed(object: JsonObject | undefined): OwnerReference | undefined {
  const controller = object === undefined ? undefined : controllerOf(object);
  const parts = controller === undefined ? [] : Object.values(controller);
  return parts.every((part) => part !== '' && part.length <= LIMITS.objectNameLength) ? controller : undefined;
}

/** What is to be told of an admission: refusals, and what a mode let pass. Undefined where it was plainly admitted, and where the body was no review. */
export function noticeOf(admission: Admission, time: number): Notice | undefined {
  const { request, decision } = admission;
  if (request === undefined) return undefined;
  const images = told(admission);
  if (images.length === 0) return undefined;
  const { uid, operation, namespace, name, kind, object, oldObject, dryRun } = request;
  const stored = metadataOf(oldObject);
  return {
    time,
    uid,
    refused: !decision.allowed,
    operation,
    namespace,
    dryRun,
    object: {
      apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
      kind: kind.kind,
      name: textOf(stored, 'name') ?? (name === '' ? undefined : plain(name)),
      uid: textOf(stored, 'uid'),
    },
    stands: operation === 'UPDATE' && textOf(stored, 'uid') !== undefined,
    controller: claimed(object),
    images: images.slice(0, IMAGES).map(imageOf),
    total: images.length,
  };
}
