import type { Second, StormResult } from './model.ts';
import type { Storm } from './parameters.ts';

/** Lines of the table at most. */
const LINES = 20;

const milliseconds = (seconds: number): string =>
  seconds < 0.01 ? `${(seconds * 1000).toFixed(1)} ms` : `${Math.round(seconds * 1000)} ms`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

const COLUMNS: readonly (readonly [keyof Second, string])[] = [
  ['created', 'to gate/s'],
  ['admitted', 'admitted/s'],
  ['refused', 'refused/s'],
  ['notary', 'to Notary/s'],
  ['api', 'to API server/s'],
  ['open', 'open at gate'],
  ['waiting', 'waiting before'],
];
const LEVELS: ReadonlySet<keyof Second> = new Set(['open', 'waiting']);

/** Rates are means over the stretch, lengths of queues the highest of it. */
function line(seconds: readonly Second[], from: number): string {
  const cells = COLUMNS.map(([key, title]) => {
    const values = seconds.map((second) => second[key]);
    const shown = LEVELS.has(key) ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
    return String(Math.round(shown)).padStart(title.length);
  });
  return [`${from} s`.padStart(6), ...cells].join('  ');
}

/** The result as text: over time, and what it comes to. */
export function stormText(storm: Storm, result: StormResult): string {
  const { seconds, wait, peaks, first } = result;
  const step = Math.ceil(seconds.length / LINES);
  const table = Array.from({ length: Math.ceil(seconds.length / step) }, (_, index) =>
    line(seconds.slice(index * step, (index + 1) * step), index * step),
  );
  const sum = (key: keyof Second): number => seconds.reduce((all, second) => all + second[key], 0);
  return [
    [' '.repeat(6), ...COLUMNS.map(([, title]) => title)].join('  '),
    ...table,
    '',
    `${storm.pods - result.left} of ${storm.pods} pods admitted in ${result.end.toFixed(1)} s; ${result.refused} refused at the deadline, which came again`,
    `wait at the gate: p50 ${milliseconds(wait.p50)}, p90 ${milliseconds(wait.p90)}, p99 ${milliseconds(wait.p99)}, longest ${milliseconds(wait.max)}`,
    `${result.looks} looks at trust data, ${sum('notary')} requests to Notary, ${sum('api')} to the API server`,
    ...peaks.map(({ part, use, second }) => `${part}: at most ${percent(use)} in use, in second ${second}`),
    first === undefined
      ? 'first bottleneck: none, nothing was in use for 90 % of a second'
      : `first bottleneck: ${first.part}, full from second ${first.second}`,
  ].join('\n');
}
