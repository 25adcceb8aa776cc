/** A cell: what stands there, and how it is dressed once its column is as wide as it has to be. */
export type Cell = string | { readonly text: string; readonly dress: (text: string) => string };

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);
const dressed = (cell: Cell, text: string): string => (typeof cell === 'string' ? text : cell.dress(text));

/** Rows as aligned columns, two spaces apart; the last column as long as it is. Ends with a line end. */
export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => textOf(row[column] ?? '').length)));
  const line = (row: readonly Cell[]): string =>
    row
      .map((cell, column) => {
        const text = textOf(cell);
        return dressed(cell, column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0));
      })
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}
