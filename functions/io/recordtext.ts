import { quote } from '../image/quote.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { RememberedTrust } from '../ports.ts';
import { parseRecord, RECORD_GROUP, RECORD_VERSION, recordName } from '../trust/notary/record.ts';
import { invalidRecord } from '../trust/notary/remembered.ts';
import { textFrom } from './files.ts';
import { metadataOf, textOf } from './objects.ts';

const API_VERSION = `${RECORD_GROUP}/${RECORD_VERSION}`;

/** What `recordName` gives: a readable part, and a hash. */
const NAME = /^[a-z0-9][a-z0-9-]{0,59}-[0-9a-f]{32}$/;

/** True for what can be the name of a record, so that it may become a part of a path. */
export const isRecordName = (text: string): boolean => NAME.test(text);

/** What a record's file holds: the object as JSON, as kubectl prints it. */
export const bytesOf = (object: JsonObject): Buffer => Buffer.from(`${JSON.stringify(object, undefined, 2)}\n`);

/**
 * The record in the bytes of a file. `name` is that of the file without its ending, and must be the one that stands for the record's repository; `where`
 * names the file in messages. Throws `TrustError` TRUST_RECORD_INVALID that says what is wrong, without the text of the file.
 */
export function recordIn(bytes: Uint8Array, name: string, where: string): RememberedTrust {
  const object = objectIn(bytes, where);
  const record = parseRecord(object, where);
  const expected = recordName(record.server, record.gun);
  if (name !== expected)
    throw invalidRecord(
      where,
      `is of ${record.gun} on ${record.server}, so that ${expected} must be the name of the file and its metadata.name; rename or delete it.`,
    );
  const named = textOf(metadataOf(object), 'name') ?? '';
  if (named !== expected)
    throw invalidRecord(where, `has the metadata.name ${quote(named)}, which must be ${expected} as the file's.`);
  return record;
}

function objectIn(bytes: Uint8Array, where: string): JsonObject {
  if (bytes.length === 0)
    throw invalidRecord(
      where,
      'is empty. A record written just before the power failed can end so; delete it to see the repository for the first time again.',
    );
  const object = jsonIn(textFrom(bytes));
  if (!isObject(object)) throw invalidRecord(where, 'is not JSON, or no object; correct or delete it.');
  const [kind, version] = [textOf(object, 'kind') ?? '', textOf(object, 'apiVersion') ?? ''];
  if (kind.endsWith('List'))
    throw invalidRecord(where, 'holds a list; put each of its items into a file of its own, which bears its name.');
  if (kind !== 'TrustRecord' || version !== API_VERSION)
    throw invalidRecord(
      where,
      `holds ${quote(kind)} of ${quote(version)}, no TrustRecord of ${API_VERSION}; correct or delete it.`,
    );
  return object;
}

/** A JSON value, or undefined. */
function jsonIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
