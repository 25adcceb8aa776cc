import type { JsonObject, JsonValue } from '../../json.ts';
import { LIMITS } from '../../limits.ts';
import { TrustError } from './error.ts';

/** A control character or a backslash. */
const UNUSUAL = /[^ -[\]-\u{10ffff}]/u;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const LITERALS: ReadonlyMap<string, readonly [string, JsonValue]> = new Map([
  ['t', ['true', true]],
  ['f', ['false', false]],
  ['n', ['null', null]],
]);

class Reader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw this.#bad('text after the end of the document');
    return value;
  }

  #bad(problem: string): TrustError {
    return new TrustError('TRUST_MALFORMED', `${this.#what} is not well-formed: ${problem} at character ${this.#at}`);
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #value(depth: number): JsonValue {
    if (depth > LIMITS.roleDepth) throw this.#bad(`nesting deeper than ${LIMITS.roleDepth}`);
    if (this.#take('{')) return this.#object(depth);
    if (this.#take('[')) return this.#array(depth);
    if (this.#take('"')) return this.#string();
    const literal = LITERALS.get(this.#text[this.#at] ?? '');
    if (literal === undefined) return this.#integer();
    if (!this.#text.startsWith(literal[0], this.#at)) throw this.#bad('an unknown word');
    this.#at += literal[0].length;
    return literal[1];
  }

  #object(depth: number): JsonObject {
    // Without a prototype `__proto__` is a name like any other.
    const object = Object.create(null) as JsonObject;
    if (this.#take('}')) return object;
    do {
      if (!this.#take('"')) throw this.#bad('a name was expected');
      const name = this.#string();
      if (name in object) throw this.#bad(`the name ${JSON.stringify(name.slice(0, 64))} stands twice in one object`);
      if (!this.#take(':')) throw this.#bad('a colon was expected');
      object[name] = this.#value(depth + 1);
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#bad('an object does not end');
    return object;
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    if (this.#take(']')) return array;
    do array.push(this.#value(depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#bad('an array does not end');
    return array;
  }

  /** The text from behind the opening quote; escapes are left to the engine's own parser. */
  #string(): string {
    const from = this.#at;
    let end = this.#text.indexOf('"', from);
    while (end > 0 && this.#escaped(from, end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw this.#bad('a string does not end');
    this.#at = end + 1;
    const raw = this.#text.slice(from, end);
    return UNUSUAL.test(raw) ? this.#unescape(raw) : raw;
  }

  #escaped(from: number, quote: number): boolean {
    let slashes = 0;
    while (quote - 1 - slashes >= from && this.#text[quote - 1 - slashes] === '\\') slashes += 1;
    return slashes % 2 === 1;
  }

  #unescape(raw: string): string {
    let text: unknown;
    try {
      text = JSON.parse(`"${raw}"`);
    } catch {
      throw this.#bad('a string holds a control character or an unknown escape before this place');
    }
    if (typeof text !== 'string' || !text.isWellFormed()) throw this.#bad('a string holds half a surrogate pair');
    return text;
  }

  #integer(): number {
    INTEGER.lastIndex = this.#at;
    const match = INTEGER.exec(this.#text);
    if (match === null) throw this.#bad('a value was expected (numbers are plain integers here)');
    const value = Number(match[0]);
    // Go reads numbers of `signed` as float64; beyond 2^53 signer and verifier would see different numbers.
    if (!Number.isSafeInteger(value)) throw this.#bad('an integer beyond 2^53');
    this.#at += match[0].length;
    return value === 0 ? 0 : value;
  }
}

/**
 * Reads JSON of trust metadata: bytes in, value out. Objects have no prototype. Refuses with `TrustError` TRUST_MALFORMED whatever
 * two readers could read differently: invalid UTF-8, half surrogates, a name twice in one object, numbers that are not plain safe
 * integers, nesting beyond `LIMITS.roleDepth`, and anything RFC 8259 does not allow. `what` names the file in messages.
 */
export function parseStrict(bytes: Uint8Array, what: string): JsonValue {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw new TrustError('TRUST_MALFORMED', `${what} is not valid UTF-8`);
  }
  return new Reader(text, what).document();
}
