/** What a terminal or a chat could take for an order: controls, line and paragraph separators, and marks that are not seen (they turn the direction of writing, say). */
const HOSTILE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu;

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Text from outside as it may be shown anywhere: whole characters only, and controls written as escapes. Line ends become spaces. */
export const plain = (text: string): string =>
  text.toWellFormed().replaceAll(/\r?\n/g, ' ').replaceAll(HOSTILE, escaped);

/** Text of at most `bytes` in UTF-8, cut between characters and marked by an ellipsis where it was longer. */
export function cut(text: string, bytes: number): string {
  // A UTF-16 unit gives at most three bytes, so most texts need no measuring.
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const room = Buffer.from(text.toWellFormed()).subarray(0, bytes - Buffer.byteLength('…'));
  // A last character that was cut in two is left out: `stream` holds it back instead of replacing it.
  return `${new TextDecoder().decode(room, { stream: true })}…`;
}

/** Text from outside, fit to be shown and of at most `bytes`; of a very long one no more is looked at than may remain. */
export const shorten = (text: string, bytes: number): string => cut(plain(text.slice(0, bytes + 1)), bytes);
