/** A line with what hangs below it. */
export interface Branch {
  readonly line: string;
  readonly below?: readonly (Branch | undefined)[];
}

/** A branch. Undefined children are left out. */
export const branch = (line: string, ...below: readonly (Branch | undefined)[]): Branch => ({ line, below });

function lines({ line, below = [] }: Branch, head: string, rest: string): string[] {
  const children = below.filter((child) => child !== undefined);
  const own = line.split('\n');
  const stem = children.length > 0 ? `${rest}│ ` : `${rest}  `;
  return [
    `${head}${own[0] ?? ''}`,
    ...own.slice(1).map((more) => `${stem}${more}`),
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      return lines(child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
    }),
  ];
}

/** A tree as text, drawn with lines. Ends with a line end. */
export const renderTree = (tree: Branch): string => `${lines(tree, '', '').join('\n')}\n`;
