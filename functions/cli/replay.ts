import { type Admission, admit, type Gate } from '../admit.ts';
import type { Decision, ImageRefusal } from '../answer/decision.ts';
import { timed } from '../deadline.ts';
import { type Status, statusOf } from './findings.ts';
import { count } from './render.ts';
import type { Session } from './session.ts';
import { type Cell, renderTable } from './table.ts';
import { type Paint, plain } from './terminal.ts';

/** The gate, with every question a dry run whatever the review says: nothing is remembered of it. */
export const dryGate = (gate: Gate): Gate => ({
  ...gate,
  verify: (question, signal) => gate.verify({ ...question, dryRun: true }, signal),
});

/** Shows a review, as its bytes were saved, to the gate, and gives what it answers. Nothing is written. `timeout` in seconds. */
export const replayReview = ({ gate }: Session, body: Uint8Array, timeout: number): Promise<Admission> =>
  timed(timeout * 1000, (signal) => admit(dryGate(gate), body, signal));

const DRESS = { admitted: 'good', tolerated: 'doubtful', refused: 'bad', unknown: 'doubtful' } as const;

/** `CREATE of Pod shop/web`, as far as the body could be read. */
function subject({ request }: Admission): string {
  if (request === undefined) return 'no AdmissionReview';
  const { operation, kind, namespace, name, subResource } = request;
  const object = [namespace, name].filter((part) => part !== '').join('/');
  return plain(
    `${operation} of ${[kind.kind, object].filter((part) => part !== '').join(' ')}${subResource === undefined ? '' : ` (${subResource})`}`,
  );
}

/** Every place of an image with what stands there before and after. */
function patchTable({ decision, outcomes }: Admission, { columns }: Paint): string {
  if (outcomes.length === 0) return '';
  const after = new Map(decision.allowed ? decision.replacements.map(({ pointer, to }) => [pointer, to]) : []);
  const rows = outcomes.flatMap(({ places, written }) =>
    places.map(({ field, pointer }): Cell[] => [plain(field), plain(written), plain(after.get(pointer) ?? 'as it is')]),
  );
  return `\n${renderTable(['FIELD', 'BEFORE', 'AFTER'], rows, columns)}`;
}

const failures = (decision: Decision): readonly ImageRefusal[] =>
  decision.allowed ? decision.tolerated : decision.images;

const section = (head: string, lines: readonly string[], paint: Paint): string =>
  lines.length === 0
    ? ''
    : `\n${paint.strong(head)}\n${lines.map((line) => `  ${plain(line).replaceAll('\n', '\n  ')}\n`).join('')}`;

/** An answer for people: verdict, images before and after, message, warnings, audit annotations. */
export function renderReplay(admission: Admission, paint: Paint): string {
  const { decision, answer } = admission;
  const status: Status = statusOf(decision);
  const codes = [...new Set(failures(decision).map(({ code }) => code))];
  const head = `${paint[DRESS[status]](status)}  ${subject(admission)}${codes.length === 0 ? '' : `  ${codes.join(', ')}`}\n`;
  const exemption = decision.allowed && decision.exemption !== undefined ? [decision.exemption] : [];
  const annotations = Object.entries(answer.response.auditAnnotations).map(([name, value]) => `${name}: ${value}`);
  return [
    head,
    patchTable(admission, paint),
    decision.allowed ? '' : section('Message', [decision.message], paint),
    section('Nothing had to be proven', exemption, paint),
    section('Claims that did not hold', admission.suspicions, paint),
    section(count(answer.response.warnings?.length ?? 0, 'warning'), answer.response.warnings ?? [], paint),
    section('Audit annotations', annotations, paint),
  ].join('');
}
