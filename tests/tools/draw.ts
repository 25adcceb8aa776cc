import type { Panel } from '../support/monitoring.ts';
import type { Series } from '../support/prometheus.ts';

/** Draws panels of a dashboard as SVG from the answers to their queries. It knows the kinds of panels that our dashboard has, and no more. */

const COLUMN = 60;
const ROW = 34;
const GAP = 8;
const PALETTE = [
  '#3274d9',
  '#e0752d',
  '#37872d',
  '#c4162a',
  '#8f3bb8',
  '#b8860b',
  '#147a8c',
  '#d44a9b',
  '#6b7280',
  '#5c8a00',
];
const COLOURS: Readonly<Record<string, string>> = { green: '#2f8a3b', orange: '#d9730d', red: '#c4162a' };
const INK = '#1f2933';
const FAINT = '#7b8794';

/** A panel with the answers to its queries, each series with the name that its legend shows. */
export interface Answered {
  readonly panel: Panel;
  readonly series: readonly (Series & { readonly name: string })[];
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
interface Span {
  readonly from: number;
  readonly to: number;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const number = (value: number): string => String(Math.round(value * 10) / 10);
const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${number(x)}" y="${number(y)}" ${more}>${escaped(words)}</text>`;
const trimmed = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${trimmed(value * 1e6, 3)} µs`;
  if (size < 1) return `${trimmed(value * 1000, 3)} ms`;
  if (size < 120) return `${trimmed(value, 3)} s`;
  if (size < 2 * 86_400) return `${trimmed(value / 3600, 3)} h`;
  return `${Math.round(value / 86_400)} d`;
}

function bytes(value: number): string {
  const step = value >= 1 << 20 ? 2 : Number(value >= 1024);
  return `${trimmed(value / 1024 ** step, 3)} ${['B', 'KiB', 'MiB'][step]}`;
}

/** A value with its unit, as Grafana calls units. */
export function valueText(value: number, unit: string | undefined): string {
  if (unit === 's') return seconds(value);
  if (unit === 'bytes') return bytes(value);
  if (unit === 'percentunit') return `${trimmed(value * 100, 3)} %`;
  const rate = unit === 'reqps' || unit === 'ops' ? '/s' : '';
  return `${trimmed(value, 3)}${rate}`;
}

/** The end of an axis: 1, 2 or 5 times a power of ten at or above the value; of MiB where it is bytes. */
function niceTop(value: number, unit?: string): number {
  if (unit === 'bytes') return niceTop(value / 2 ** 20) * 2 ** 20;
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

const clock = (at: number): string => new Date(at * 1000).toISOString().slice(14, 19);

function frame({ x, y, w, h }: Box, title: string): string {
  return (
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="4" fill="#fff" stroke="#d9dee4"/>` +
    text(x + 12, y + 21, title, `font-size="13" font-weight="600" fill="${INK}"`)
  );
}

/** Names of the series in lines below a plot; gives the lines and how many there are. */
function legend(
  names: readonly (readonly [string, string])[],
  box: Box,
): { readonly svg: string; readonly lines: number } {
  let [at, line] = [0, 0];
  const places = names.map(([name, colour]) => {
    const width = name.length * 6.9 + 26;
    if (at > 0 && at + width > box.w - 24) [at, line] = [0, line + 1];
    const place = { name, colour, at, line };
    at += width;
    return place;
  });
  const lines = line + 1;
  const svg = places
    .map(({ name, colour, at: left, line: down }) => {
      const [x, y] = [box.x + 14 + left, box.y + box.h - 10 - (lines - 1 - down) * 15];
      return `<rect x="${number(x)}" y="${y - 4}" width="10" height="3" fill="${colour}"/>${text(x + 14, y, name, `font-size="10.5" fill="${INK}"`)}`;
    })
    .join('');
  return { svg, lines };
}

interface Plot extends Box {
  readonly top: number;
  readonly span: Span;
}
const atX = ({ x, w, span }: Plot, when: number): number => x + ((when - span.from) / (span.to - span.from)) * w;
const atY = ({ y, h, top }: Plot, value: number): number => y + h - (value / top) * h;

function axes(plot: Plot, unit: string | undefined): string {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = atY(plot, share * plot.top);
    const label = text(
      plot.x - 6,
      y + 3.5,
      valueText(share * plot.top, unit),
      `font-size="10" text-anchor="end" fill="${FAINT}"`,
    );
    return `<line x1="${plot.x}" x2="${plot.x + plot.w}" y1="${number(y)}" y2="${number(y)}" stroke="#eceff2"/>${label}`;
  });
  return steps.join('') + times(plot);
}

const times = (plot: Plot): string =>
  [0.1, 0.37, 0.63, 0.9]
    .map((share) => plot.span.from + share * (plot.span.to - plot.span.from))
    .map((when) =>
      text(atX(plot, when), plot.y + plot.h + 14, clock(when), `font-size="10" text-anchor="middle" fill="${FAINT}"`),
    )
    .join('');

/** Series laid upon each other: the points of each with what lies below them. */
function stacked(series: Answered['series']): { readonly at: number; readonly low: number; readonly high: number }[][] {
  const heights = new Map<number, number>();
  return series.map(({ points }) =>
    points.map(([at, value]) => {
      const low = heights.get(at) ?? 0;
      heights.set(at, low + value);
      return { at, low, high: low + value };
    }),
  );
}

function bars(plot: Plot, series: Answered['series'], step: number): string {
  const width = Math.max(1, (step / (plot.span.to - plot.span.from)) * plot.w - 0.6);
  return stacked(series)
    .flatMap((points, index) =>
      points.map(({ at, low, high }) => {
        const [y, bottom] = [atY(plot, high), atY(plot, low)];
        return `<rect x="${number(atX(plot, at) - width)}" y="${number(y)}" width="${number(width)}" height="${number(bottom - y)}" fill="${PALETTE[index % PALETTE.length]}"/>`;
      }),
    )
    .join('');
}

/** A line for each series, broken where there was no answer. */
function lines(plot: Plot, series: Answered['series'], step: number): string {
  return series
    .map(({ points }, index) => {
      const path = points
        .filter(([, value]) => Number.isFinite(value))
        .map(([at, value], place, all) => {
          const before = all[place - 1]?.[0];
          return `${before === undefined || at - before > step * 1.5 ? 'M' : 'L'}${number(atX(plot, at))} ${number(atY(plot, value))}`;
        })
        .join('');
      return `<path d="${path}" fill="none" stroke="${PALETTE[index % PALETTE.length]}" stroke-width="1.6" stroke-linejoin="round"/>`;
    })
    .join('');
}

function timeseries({ panel, series }: Answered, box: Box, span: Span, step: number): string {
  const { unit, custom } = panel.fieldConfig.defaults;
  const isStacked = custom?.stacking?.mode === 'normal';
  const highest = isStacked
    ? stacked(series).flatMap((points) => points.map(({ high }) => high))
    : series.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const named = legend(
    series.map(({ name }, index) => [name, PALETTE[index % PALETTE.length] ?? INK] as const),
    box,
  );
  const h = box.h - 66 - named.lines * 15;
  const plot = { x: box.x + 62, y: box.y + 36, w: box.w - 78, h, top: niceTop(Math.max(0, ...highest), unit), span };
  return axes(plot, unit) + (isStacked ? bars(plot, series, step) : lines(plot, series, step)) + named.svg;
}

/** Upper end of the bucket that a series counts. */
const boundOf = ({ labels: { le = '' } }: Series): number => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le));

function heatmap({ series }: Answered, box: Box, span: Span, step: number): string {
  const sorted = series.toSorted((one, other) => boundOf(one) - boundOf(other));
  const below = new Map<number, number>();
  const cells = sorted.flatMap(({ points }, row) =>
    points.map(([at, count]) => {
      const value = Math.max(0, count - (below.get(at) ?? 0));
      below.set(at, count);
      return { row, at, value };
    }),
  );
  const most = Math.max(1, ...cells.map(({ value }) => value));
  const plot = { x: box.x + 62, y: box.y + 36, w: box.w - 78, h: box.h - 66, top: sorted.length, span };
  const [width, height] = [Math.max(1, (step / (span.to - span.from)) * plot.w - 0.5), plot.h / sorted.length - 0.7];
  const drawn = cells
    .filter(({ value }) => value > 0.01)
    .map(({ row, at, value }) => {
      const strength = (0.15 + 0.85 * Math.sqrt(value / most)).toFixed(2);
      return `<rect x="${number(atX(plot, at) - width)}" y="${number(atY(plot, row + 1))}" width="${number(width)}" height="${number(height)}" fill="#d9480f" fill-opacity="${strength}"/>`;
    });
  const labels = sorted.map(({ labels: { le = '' } }, row) =>
    row % 3 === 0
      ? text(
          plot.x - 6,
          atY(plot, row) + 3,
          le === '+Inf' ? '∞' : seconds(Number(le)),
          `font-size="10" text-anchor="end" fill="${FAINT}"`,
        )
      : '',
  );
  return drawn.join('') + labels.join('') + times(plot);
}

function stat({ panel, series }: Answered, box: Box): string {
  const value = series[0]?.points.at(-1)?.[1];
  const { unit, decimals, thresholds } = panel.fieldConfig.defaults;
  const step = thresholds?.steps.findLast(({ value: from }) => from === null || (value ?? 0) >= from);
  const rounded = value === undefined || decimals !== 0 ? value : Math.round(value);
  const words = rounded === undefined ? 'no data' : valueText(rounded, unit);
  const style = `font-size="34" font-weight="600" text-anchor="middle" fill="${COLOURS[step?.color ?? ''] ?? INK}"`;
  return text(box.x + box.w / 2, box.y + box.h / 2 + 26, words, style);
}

function table({ panel, series }: Answered, box: Box): string {
  const columns: [string, number][] = [
    ['repository', 12],
    ['role', 240],
    ['expires in', box.w - 14],
  ];
  const head = columns.map(([name, left]) =>
    text(
      box.x + left,
      box.y + 46,
      name,
      `font-size="11" font-weight="600" fill="${FAINT}"${left > 300 ? ' text-anchor="end"' : ''}`,
    ),
  );
  const rows = series.slice(0, Math.floor((box.h - 56) / 20)).map(({ labels, points }, index) => {
    const y = box.y + 66 + index * 20;
    const style = `font-size="11.5" fill="${INK}"`;
    const value = valueText(points.at(-1)?.[1] ?? 0, panel.fieldConfig.defaults.unit);
    return (
      `<line x1="${box.x + 12}" x2="${box.x + box.w - 12}" y1="${y - 14}" y2="${y - 14}" stroke="#eceff2"/>` +
      text(box.x + 12, y, labels['repository'] ?? '', style) +
      text(box.x + 240, y, labels['role'] ?? '', style) +
      text(box.x + box.w - 14, y, value, `${style} text-anchor="end"`)
    );
  });
  return head.join('') + rows.join('');
}

const KINDS: Readonly<Record<string, (answered: Answered, box: Box, span: Span, step: number) => string>> = {
  timeseries,
  heatmap,
  stat,
  table,
};

/** The whole dashboard; `step`: seconds between two points. Throws for a kind of panel that it does not know. */
export function drawDashboard(title: string, answered: readonly Answered[], span: Span, step: number): string {
  const height = Math.max(...answered.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h)) * ROW + 48;
  const panels = answered.map((one) => {
    const { x, y, w, h } = one.panel.gridPos;
    const box = { x: x * COLUMN + GAP / 2, y: 44 + y * ROW + GAP / 2, w: w * COLUMN - GAP, h: h * ROW - GAP };
    const draw = KINDS[one.panel.type];
    if (draw === undefined)
      throw new Error(`${one.panel.title}: a panel of the kind ${one.panel.type} cannot be drawn`);
    return `<g>${frame(box, one.panel.title)}${draw(one, box, span, step)}</g>`;
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN} ${height}" font-family="Inter, 'Segoe UI', 'Liberation Sans', Arial, sans-serif" role="img">`;
  const heading = text(12, 29, title, `font-size="18" font-weight="600" fill="${INK}"`);
  return `${head}<title>${escaped(title)}</title><rect width="100%" height="100%" fill="#f4f5f7"/>${heading}${panels.join('\n')}</svg>\n`;
}
