import { admit } from '../admit.ts';
import type { Decision, ImageOutcome } from '../answer/decision.ts';
import { timed } from '../deadline.ts';
import type { TextPlace } from '../io/documents.ts';
import { groupOf, metadataOf, textOf } from '../io/objects.ts';
import { workloadKind } from '../request/workload.ts';
import type { FoundObject } from './manifests.ts';
import type { Outside } from './outside.ts';
import { dryRunReview } from './review.ts';
import type { Session } from './session.ts';
import { openProgress } from './terminal.ts';

/** A workload of a manifest and what the gate would answer. */
export interface CheckedObject {
  readonly file: string;
  readonly kind: string;
  readonly namespace: string;
  /** Empty where the object leaves it to the API server. */
  readonly name: string;
  readonly decision: Decision;
  readonly outcomes: readonly ImageOutcome[];
  /** Where a JSON pointer (RFC 6901) of the object stands; empty: the object itself. */
  placeOf(pointer: string): TextPlace;
}

/** What came of a check. */
export interface Checked {
  readonly objects: readonly CheckedObject[];
  /** How many objects are of a kind that names no images. */
  readonly skipped: number;
}

/** What is checked: objects, the namespace of those that name none, and seconds for one answer. */
export interface CheckOrder {
  readonly objects: readonly FoundObject[];
  readonly namespace: string;
  readonly timeout: number;
}

/** Workloads that are asked about at the same time: a trust server is not to be stormed. */
const AT_ONCE = 8;

/** A JSON pointer as a path of fields. */
const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Shows every workload to the gate as an API server would on creation, and gathers what it answers. Nothing is written. */
export async function checkManifests(session: Session, order: CheckOrder, outside: Outside): Promise<Checked> {
  const workloads = order.objects.filter(({ object }) => isWorkload(session, object));
  const progress = openProgress(outside);
  const checked: CheckedObject[] = [];
  const left = workloads.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const [index, found] of left) {
      progress.show(`checked ${done} of ${workloads.length} workloads …`);
      checked[index] = await checkOne(session, found, order);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  progress.clear();
  return { objects: checked, skipped: order.objects.length - workloads.length };
}

const isWorkload = ({ gate }: Session, object: FoundObject['object']): boolean =>
  workloadKind(gate.kinds, groupOf(textOf(object, 'apiVersion') ?? ''), textOf(object, 'kind') ?? '') !== undefined;

async function checkOne({ gate }: Session, found: FoundObject, order: CheckOrder): Promise<CheckedObject> {
  const { object, file } = found;
  const metadata = metadataOf(object);
  const namespace = textOf(metadata, 'namespace') ?? order.namespace;
  const body = dryRunReview(object, namespace);
  const { decision, outcomes } = await timed(order.timeout * 1000, (signal) => admit(gate, body, signal));
  return {
    file,
    kind: textOf(object, 'kind') ?? '',
    namespace,
    name: textOf(metadata, 'name') ?? textOf(metadata, 'generateName') ?? '',
    decision,
    outcomes,
    placeOf: (pointer) => found.placeOf(pathOf(pointer)),
  };
}
