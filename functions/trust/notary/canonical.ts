import type { JsonObject, JsonValue } from '../../json.ts';
import { isObject } from '../../json.ts';

// In UTF-16 order a surrogate (U+D800…) sorts before U+E000…U+FFFF; in the byte order of UTF-8, which Go compares, it sorts behind.
const UNORDERED = /[\ud800-\uffff]/;

const byBytes = (left: string, right: string): number => {
  if (UNORDERED.test(left) && UNORDERED.test(right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (left === right) return 0;
  return left < right ? -1 : 1;
};

const quote = (text: string): string =>
  text.includes('\\') || text.includes('"') ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `"${text}"`;

const render = (value: JsonValue): string => {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(render).join(',')}]`;
  if (isObject(value)) return renderObject(value);
  return typeof value === 'number' ? integer(value) : String(value);
};

const integer = (value: number): string => {
  if (!Number.isSafeInteger(value)) throw new RangeError('canonical JSON holds safe integers only');
  return String(value);
};

const renderObject = (object: JsonObject): string => {
  let text = '{';
  for (const name of Object.keys(object).sort(byBytes)) {
    if (text.length > 1) text += ',';
    text += `${quote(name)}:${render(object[name] ?? null)}`;
  }
  return `${text}}`;
};

/**
 * Canonical JSON as Notary signs it (docker/go `canonical/json`, after OLPC's): no white space, names in the byte order of UTF-8, only
 * the quote and the backslash escaped, numbers as plain integers. Takes a parsed value, gives UTF-8 bytes. Throws `RangeError` for a
 * number that is no safe integer; `parseStrict` lets none through.
 */
export function canonicalBytes(value: JsonValue): Buffer {
  return Buffer.from(render(value), 'utf8');
}
