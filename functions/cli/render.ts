import type { Findings, ImageFinding, ObjectFinding, Reason, Status } from './findings.ts';
import { type Cell, renderTable } from './table.ts';
import { type Paint, plain } from './terminal.ts';

/** A value as JSON for programs. */
export const renderJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A status in its colour. */
export const statusCell = (status: Status, paint: Paint): Exclude<Cell, string> => {
  const dress = { admitted: paint.good, tolerated: paint.doubtful, refused: paint.bad, unknown: paint.doubtful }[
    status
  ];
  return { text: status, dress };
};

/** `1 image`, `2 images`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

const HEAD = ['VERDICT', 'WHERE', 'IMAGE', 'POLICY', 'DIGEST OR REASON'];

function rowsOf(object: ObjectFinding, paint: Paint): Cell[][] {
  const { file, line, kind, name, status, reason, exemption, images } = object;
  if (images.length === 0) {
    const why = reason?.code ?? exemption ?? 'names no image';
    return [[statusCell(status, paint), plain(`${file}:${line}`), plain(`(${kind} ${name})`), '', plain(why)]];
  }
  return images.flatMap((image) => image.places.map((place) => imageRow(file, place.line, image, paint)));
}

const imageRow = (file: string, line: number, image: ImageFinding, paint: Paint): Cell[] => [
  statusCell(image.status, paint),
  plain(`${file}:${line}`),
  plain(image.image),
  plain(image.policy ?? ''),
  image.reason?.code ?? image.digest ?? 'needs no proof',
];

const told = (what: string, { code, message }: Reason, paint: Paint): string =>
  `${paint.strong(plain(what))} ${paint.bad(`[${code}]`)} ${plain(message)}\n`;

/** Each refusal once, with its sentence, and below what to do about each code. */
function reasons(findings: Findings, paint: Paint): string {
  const lines = findings.objects.flatMap(({ reason, kind, name, images }) => [
    ...(reason === undefined ? [] : [told(`${kind} ${name}`, reason, paint)]),
    ...images.flatMap((image) => (image.reason === undefined ? [] : [told(image.image, image.reason, paint)])),
  ]);
  if (lines.length === 0) return '';
  const all = findings.objects.flatMap(({ reason, images }) => [reason, ...images.map((image) => image.reason)]);
  const remedies = new Map(all.flatMap((reason) => (reason === undefined ? [] : [[reason.code, reason.remedy]])));
  const todo = [...remedies].map(([code, remedy]) => `  [${code}] ${remedy}\n`);
  return `\n${[...new Set(lines)].join('')}\nWhat to do:\n${todo.join('')}`;
}

function summary({ objects, skipped }: Findings): string {
  const images = objects.flatMap((object) => object.images);
  const by = (status: Status): number => images.filter((image) => image.status === status).length;
  const parts = (['admitted', 'tolerated', 'refused', 'unknown'] as const)
    .filter((status) => by(status) > 0)
    .map((status) => `${by(status)} ${status}`);
  const rest = skipped === 0 ? '' : ` ${count(skipped, 'object')} of other kinds.`;
  const tally = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `\n${count(images.length, 'image')} of ${count(objects.length, 'workload')}${tally}.${rest}\n`;
}

/** A check as a table, each refusal explained below it. */
export function renderTableOf(findings: Findings, paint: Paint): string {
  const rows = findings.objects.flatMap((object) => rowsOf(object, paint));
  const warnings = findings.objects.flatMap((object) => object.warnings.map((text) => `warning: ${plain(text)}\n`));
  const table = rows.length === 0 ? 'No workload is among these objects.\n' : renderTable(HEAD, rows, paint.columns);
  const notes = warnings.length === 0 ? '' : `\n${paint.doubtful(warnings.join(''))}`;
  return `${table}${reasons(findings, paint)}${notes}${summary(findings)}`;
}
