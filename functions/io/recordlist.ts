import { isObject, type JsonObject, own } from '../json.ts';
import { metadataOf, textOf } from './objects.ts';

/** TrustRecord objects by name; immutable. */
export type Records = ReadonlyMap<string, JsonObject>;

/** What stands around the records of a Kubernetes List, as JSON with two spaces has it. */
const [HEAD, COMMA, TAIL] = ['{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": [\n', ',\n', '\n  ]\n}\n'].map(
  (text) => Buffer.from(text),
) as [Buffer, Buffer, Buffer];

const written = new WeakMap<JsonObject, Buffer>();

/** A record as it stands in the list: of thousands, a write changes one. */
function itemOf(record: JsonObject): Buffer {
  const known = written.get(record);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify(record, undefined, 2).replace(/^/gm, '    '));
  written.set(record, bytes);
  return bytes;
}

/** The records as a Kubernetes List in JSON (UTF-8), by name. */
export function bytesOf(records: Records): Buffer {
  const items = [...records].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => itemOf(record));
  const between = items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item]));
  return Buffer.concat([HEAD, ...between, TAIL]);
}

/** Records by name. Throws an Error without the text, which is of no use in a message. */
export function recordsIn(text: string): Records {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const items = isObject(list) ? own(list, 'items') : undefined;
  if (!Array.isArray(items)) throw new Error('it is not a List of TrustRecords');
  return new Map(items.filter(isObject).map((item) => [textOf(metadataOf(item), 'name') ?? '', item]));
}
