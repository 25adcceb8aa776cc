import { cpus, totalmem } from 'node:os';
import type { Goal, Row } from './cases.ts';

const COLUMNS: readonly (readonly [string, string])[] = [
  ['rate', 'per second'],
  ['p50', 'p50 ms'],
  ['p90', 'p90 ms'],
  ['p99', 'p99 ms'],
  ['cpu', 'CPU µs'],
  ['memory', 'memory MB'],
  ['requests', 'requests/s'],
  ['ready', 'ready ms'],
  ['first', 'first'],
  ['rest', 'at rest MB'],
  ['second', 'second'],
  ['third', 'third'],
];

const shown = (value: number | undefined): string => {
  if (value === undefined || Number.isNaN(value)) return '';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** Whether a goal's ratio holds. */
export const holds = ({ value, limit, kind }: Goal): boolean => (kind === 'at least' ? value >= limit : value <= limit);

function table(rows: readonly Row[]): string {
  const columns = COLUMNS.filter(([key]) => rows.some(({ figures }) => shown(figures[key]) !== ''));
  const head = ['case', 'of', ...columns.map(([, title]) => title)];
  const lines = rows.map(({ what, subject, figures }) => [
    what,
    subject,
    ...columns.map(([key]) => shown(figures[key])),
  ]);
  return [head, head.map((_, index) => (index < 2 ? '---' : '---:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The figures as Markdown: goals first, then a table for each group. */
export function figuresPage(rows: readonly Row[], goals: readonly Goal[], mode: string): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const told = goals.map(
    (goal) =>
      `| ${goal.name} | ${shown(goal.value)} | ${goal.kind} ${goal.limit} | ${holds(goal) ? 'yes' : '**no**'} |`,
  );
  const groups = [...Map.groupBy(rows, ({ group }) => group)].map(([group, held]) => `### ${group}\n\n${table(held)}`);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} by \`npm run bench -- --${mode}\` on ${machine}. Medians of alternating rounds.`,
    `| goal | measured | wanted | holds |\n| --- | ---: | --- | --- |\n${told.join('\n')}`,
    ...groups,
  ].join('\n\n');
}

const COLOURS = ['#0f62fe', '#6f6f6f', '#a8a8a8', '#da1e28', '#198038'];

/** A bar chart (SVG) of one figure over cases, a bar for each subject. */
export function barChart(title: string, rows: readonly Row[], key: string): string {
  const kept = rows.filter(({ figures }) => Number.isFinite(figures[key]));
  const top = Math.max(1e-9, ...kept.map(({ figures }) => figures[key] ?? 0));
  const subjects = [...new Set(kept.map(({ subject }) => subject))];
  const bars = kept.map(({ what, subject, figures }, index) => {
    const [y, width] = [40 + index * 26, ((figures[key] ?? 0) / top) * 380];
    const colour = COLOURS[subjects.indexOf(subject) % COLOURS.length];
    return `<text x="250" y="${y + 14}" text-anchor="end">${what}, ${subject}</text><rect x="258" y="${y}" width="${width.toFixed(1)}" height="18" fill="${colour}"/><text x="${(264 + width).toFixed(1)}" y="${y + 14}">${shown(figures[key])}</text>`;
  });
  const height = 50 + kept.length * 26;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" font-family="sans-serif" font-size="13"><rect width="720" height="${height}" fill="#fff"/><text x="16" y="24" font-size="16">${title}</text>${bars.join('')}</svg>\n`;
}
