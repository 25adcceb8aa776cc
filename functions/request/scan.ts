const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** `{` and `[`, `}` and `]` differ from each other in one bit only. */
const OPEN = 0x7b;
const CLOSE = 0x7d;
const BRACKET_BIT = 0x20;

/** What a pass over JSON bytes finds without reading the values. */
export interface Measure {
  /** Deepest nesting of objects and arrays. */
  readonly depth: number;
  /** Members of all objects together, repeated names included. */
  readonly members: number;
}

/** The index of the quote that ends the string whose first character is at `from`; the length where none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === undefined) return at;
    at += byte === BACKSLASH ? 2 : 1;
  }
}

/** Measures JSON in UTF-8, in one pass and without recursion. The figures mean nothing for bytes that are not JSON. */
export function measure(bytes: Uint8Array): Measure {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfString(bytes, at + 1);
    else if (byte === COLON) members++;
    else if ((byte | BRACKET_BIT) === OPEN) deepest = Math.max(deepest, ++depth);
    else if ((byte | BRACKET_BIT) === CLOSE) depth--;
  }
  return { depth: deepest, members };
}

/**
 * Members of all objects in a parsed value together. JSON.parse keeps the last of repeated names (RFC 8259 §4 leaves it open),
 * so this falls short of `Measure.members` if, and only if, a name is repeated somewhere. Recursion is as deep as the value.
 */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    count += 1 + countMembers((value as Record<string, unknown>)[name]);
  }
  return count;
}

/** A string of a JSON text: where it stands, and whether it is the name of a member. */
export interface Token {
  readonly depth: number;
  readonly text: string;
  readonly isName: boolean;
}

const decoder = new TextDecoder();

function textOf(bytes: Uint8Array): string {
  try {
    return String(JSON.parse(decoder.decode(bytes)));
  } catch {
    return '';
  }
}

function isNameBefore(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at < bytes.length && (bytes[at] as number) <= 0x20) at++;
  return bytes[at] === COLON;
}

/** Calls back for each string and each bracket of JSON that may be broken or cut off; for messages, not for decisions. */
export function walkTokens(bytes: Uint8Array, onToken: (token: Token) => void, onOpen?: (depth: number) => void): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      const end = endOfString(bytes, at + 1);
      onToken({ depth, text: textOf(bytes.subarray(at, end + 1)), isName: isNameBefore(bytes, end + 1) });
      at = end;
    } else if ((byte | BRACKET_BIT) === OPEN) {
      depth++;
      onOpen?.(depth);
    } else if ((byte | BRACKET_BIT) === CLOSE) depth--;
  }
}

/** The first name that an object of this JSON repeats, or undefined. Slow: called only to say what `countMembers` found. */
export function repeatedName(bytes: Uint8Array): string | undefined {
  const names: Set<string>[] = [];
  let repeated: string | undefined;
  const onToken = ({ depth, text, isName }: Token): void => {
    const seen = names[depth];
    if (!isName || seen === undefined) return;
    if (seen.has(text)) repeated ??= text;
    seen.add(text);
  };
  walkTokens(bytes, onToken, (depth) => {
    names[depth] = new Set();
  });
  return repeated;
}
