import { stripVTControlCharacters } from 'node:util';

/** A line with what hangs below it. */
export interface Branch {
  readonly line: string;
  readonly below?: readonly (Branch | undefined)[];
}

/** A branch. Undefined children are left out. */
export const branch = (line: string, ...below: readonly (Branch | undefined)[]): Branch => ({ line, below });

/** Columns below which a line is not folded, however narrow the terminal: what is left beside the stems could not be read. */
const NARROW = 24;

/** A line in pieces of at most so many columns, broken at spaces; a longer word stays whole. */
function folded(line: string, columns: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const word of line.split(' ')) {
    const longer = piece === '' ? word : `${piece} ${word}`;
    if (piece !== '' && stripVTControlCharacters(longer).length > columns) {
      pieces.push(piece);
      piece = word;
    } else piece = longer;
  }
  return [...pieces, piece];
}

interface Stem {
  readonly head: string;
  readonly rest: string;
  readonly columns: number | undefined;
}

function lines({ line, below = [] }: Branch, { head, rest, columns }: Stem): string[] {
  const children = below.filter((child) => child !== undefined);
  const stem = children.length > 0 ? `${rest}│ ` : `${rest}  `;
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(NARROW, columns - stem.length);
  const own = line.split('\n').flatMap((one) => folded(one, room));
  return [
    `${head}${own[0] ?? ''}`,
    ...own.slice(1).map((more) => `${stem}${more}`),
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      const [mark, bar] = last ? ['└─ ', '   '] : ['├─ ', '│  '];
      return lines(child, { head: `${rest}${mark}`, rest: `${rest}${bar}`, columns });
    }),
  ];
}

/** A tree as text, drawn with lines, and folded where a line has more than so many columns. Ends with a line end. */
export const renderTree = (tree: Branch, columns: number | undefined): string =>
  `${lines(tree, { head: '', rest: '', columns }).join('\n')}\n`;
