/** A matcher of whole texts. */
export type Glob = (text: string) => boolean;

/** Where, from `from` on, all pieces occur one after another: the end of the last one, or -1. */
function afterPieces(text: string, pieces: readonly string[], from: number): number {
  let at = from;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0) return -1;
    at = found + piece.length;
  }
  return at;
}

/**
 * A matcher for a text with stars, each of which stands for any characters or none; anchored at both ends.
 * The leftmost place of each piece between stars is always as good as any later one, so nothing is ever tried twice.
 */
export function compileGlob(pattern: string): Glob {
  const [head, ...tail] = pattern.split('*') as [string, ...string[]];
  const last = tail.pop();
  if (last === undefined) return (text) => text === head;
  const middle = tail.filter((piece) => piece !== '');
  return (text) => {
    if (!text.startsWith(head) || !text.endsWith(last) || text.length < head.length + last.length) return false;
    const end = afterPieces(text, middle, head.length);
    return end >= 0 && end <= text.length - last.length;
  };
}
