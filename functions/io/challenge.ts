import { LIMITS } from '../limits.ts';

/** One challenge of a WWW-Authenticate header: the scheme in lower case, its parameters by lower-case name. */
export interface Challenge {
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/** Where the reader stands. Every step moves `at` forward or ends, so reading is linear in the length. */
interface Reader {
  readonly text: string;
  at: number;
}

/** tchar of RFC 9110 §5.6.2. */
const TCHAR: ReadonlySet<string> = new Set(
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".split(''),
);

function skip(reader: Reader, characters: string): void {
  while (reader.at < reader.text.length && characters.includes(reader.text.charAt(reader.at))) reader.at += 1;
}

function token(reader: Reader): string {
  const start = reader.at;
  while (TCHAR.has(reader.text.charAt(reader.at))) reader.at += 1;
  return reader.text.slice(start, reader.at);
}

/** A quoted-string (RFC 9110 §5.6.4) after its opening quote, or undefined where it does not end. */
function quoted(reader: Reader): string | undefined {
  const parts: string[] = [];
  reader.at += 1;
  while (reader.at < reader.text.length) {
    let character = reader.text.charAt(reader.at);
    if (character === '"') {
      reader.at += 1;
      return parts.join('');
    }
    if (character === '\\') {
      reader.at += 1;
      character = reader.text.charAt(reader.at);
    }
    parts.push(character);
    reader.at += 1;
  }
  return undefined;
}

/** `name=value` with optional white space about the sign; undefined and nothing read where there is none. */
function parameter(reader: Reader): readonly [string, string] | undefined {
  const start = reader.at;
  const name = token(reader).toLowerCase();
  skip(reader, ' \t');
  if (name !== '' && reader.text.charAt(reader.at) === '=') {
    reader.at += 1;
    skip(reader, ' \t');
    const value = reader.text.charAt(reader.at) === '"' ? quoted(reader) : token(reader) || undefined;
    if (value !== undefined) return [name, value];
  }
  reader.at = start;
  return undefined;
}

/** The parameters of one challenge, or undefined where a name stands twice: which of two realms counts must not be a matter of taste. */
function parameters(reader: Reader): ReadonlyMap<string, string> | undefined {
  const params = new Map<string, string>();
  for (;;) {
    const before = reader.at;
    skip(reader, ' \t,');
    const next = parameter(reader);
    if (next === undefined) {
      reader.at = before;
      return params;
    }
    if (params.has(next[0])) return undefined;
    params.set(next[0], next[1]);
    skip(reader, ' \t');
    if (reader.at < reader.text.length && reader.text.charAt(reader.at) !== ',') return undefined;
  }
}

/**
 * Reads the lines of a WWW-Authenticate header (RFC 9110 §11.6.1) as challenges in their order; undefined where they are longer than
 * LIMITS.challengeLength together or not well-formed. token68 credentials, which no token service uses, are not well-formed here.
 */
export function parseChallenges(lines: readonly string[]): readonly Challenge[] | undefined {
  const reader: Reader = { text: lines.join(', '), at: 0 };
  if (reader.text.length > LIMITS.challengeLength) return undefined;
  const challenges: Challenge[] = [];
  for (;;) {
    skip(reader, ' \t,');
    if (reader.at === reader.text.length) return challenges;
    const scheme = token(reader).toLowerCase();
    const end = reader.text.charAt(reader.at);
    if (scheme === '' || !(end === '' || end === ' ' || end === ',')) return undefined;
    const params = end === ' ' ? parameters(reader) : new Map<string, string>();
    if (params === undefined) return undefined;
    challenges.push({ scheme, params });
  }
}
