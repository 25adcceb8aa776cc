import type { JsonValue } from '../../json.ts';
import { isObject } from '../../json.ts';

// In UTF-16 order a surrogate (U+D800…) sorts before U+E000…U+FFFF; in the byte order of UTF-8, which Go compares, it sorts behind.
const UNORDERED = /[\ud800-\uffff]/;

const byBytes = (left: string, right: string): number => {
  if (UNORDERED.test(left) && UNORDERED.test(right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (left === right) return 0;
  return left < right ? -1 : 1;
};

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const render = (value: JsonValue, out: string[]): void => {
  if (Array.isArray(value)) renderList(value, out);
  else if (isObject(value)) renderObject(value, out);
  else if (typeof value === 'string') out.push(quote(value));
  else if (typeof value === 'number') out.push(integer(value));
  else out.push(String(value));
};

const integer = (value: number): string => {
  if (!Number.isSafeInteger(value)) throw new RangeError('canonical JSON holds safe integers only');
  return String(value);
};

const renderList = (values: readonly JsonValue[], out: string[]): void => {
  out.push('[');
  values.forEach((value, index) => {
    if (index > 0) out.push(',');
    render(value, out);
  });
  out.push(']');
};

const renderObject = (object: { readonly [name: string]: JsonValue }, out: string[]): void => {
  out.push('{');
  const names = Object.keys(object).sort(byBytes);
  names.forEach((name, index) => {
    out.push(index > 0 ? ',' : '', quote(name), ':');
    render(object[name] ?? null, out);
  });
  out.push('}');
};

/**
 * Canonical JSON as Notary signs it (docker/go `canonical/json`, after OLPC's): no white space, names in the byte order of UTF-8, only
 * the quote and the backslash escaped, numbers as plain integers. Takes a parsed value, gives UTF-8 bytes. Throws `RangeError` for a
 * number that is no safe integer; `parseStrict` lets none through.
 */
export function canonicalBytes(value: JsonValue): Buffer {
  const out: string[] = [];
  render(value, out);
  return Buffer.from(out.join(''), 'utf8');
}
