/** A cell: what stands there, and how it is dressed once its column is as wide as it has to be. */
export type Cell = string | { readonly text: string; readonly dress: (text: string) => string };

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);
const dressed = (cell: Cell, text: string): string => (typeof cell === 'string' ? text : cell.dress(text));

type Rows = readonly (readonly Cell[])[];

/** Rows as blocks of `HEAD  cell` lines, a blank line between: what psql calls expanded. Empty cells are left out. */
function renderBlocks(head: readonly string[], rows: Rows): string {
  const width = Math.max(...head.map((name) => name.length));
  const line = (cell: Cell, column: number): string[] => {
    const text = textOf(cell);
    return text === '' ? [] : [`${(head[column] ?? '').padEnd(width)}  ${dressed(cell, text)}\n`];
  };
  return rows.map((row) => row.flatMap(line).join('')).join('\n');
}

function renderColumns(rows: Rows, widths: readonly number[]): string {
  const fill = (cell: Cell, column: number, row: readonly Cell[]): string => {
    const text = textOf(cell);
    return dressed(cell, column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0));
  };
  return `${rows.map((row) => row.map(fill).join('  ').trimEnd()).join('\n')}\n`;
}

/**
 * Rows as aligned columns, two spaces apart; the last column as long as it is. Where they do not fit into `columns`, a block for each row. Ends with a
 * line end.
 */
export function renderTable(head: readonly string[], rows: Rows, columns: number | undefined): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => textOf(row[column] ?? '').length)));
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  return columns !== undefined && total > columns ? renderBlocks(head, rows) : renderColumns(all, widths);
}
