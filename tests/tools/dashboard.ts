import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { type BusyGate, type SceneName, startBusyGate } from '../support/busygate.ts';
import { type Panel, readDashboard, readRules, resolved } from '../support/monitoring.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { type Answered, drawDashboard } from './draw.ts';
import { ensureTools } from './tools.ts';

const PICTURE = resolve(import.meta.dirname, '../../docs/monitoring-dashboard.svg');
const HELP = `npm run dashboard [-- --seconds N]

Draws docs/monitoring-dashboard.svg: drives three gates through admissions, refusals, an outage of the trust server and a
rollback, lets a real Prometheus scrape them, and draws its answers to the queries of the dashboard as the dashboard says.

  --seconds N   how long the gates are driven (180)
`;
/** Seconds between two points; what a rate looks back on is four scrapes and more, as in Grafana. */
const STEP = 2;
const WINDOW = '12s';
const REPLICAS = 3;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '180' }, help: { type: 'boolean' } } });
const tell = (line: string): void => void process.stderr.write(`dashboard: ${line}\n`);

/** What happens beside the everyday, from one share of the time to another; `every`: in how many rounds once. */
const DISTURBANCES: readonly {
  readonly scene: SceneName;
  readonly from: number;
  readonly to: number;
  readonly every: number;
}[] = [
  { scene: 'unsigned', from: 0.1, to: 1, every: 9 },
  { scene: 'unknown', from: 0.25, to: 0.4, every: 4 },
  { scene: 'piloted', from: 0, to: 1, every: 12 },
  { scene: 'warned', from: 0.3, to: 0.8, every: 15 },
  { scene: 'expired', from: 0.2, to: 1, every: 40 },
  { scene: 'forged', from: 0.45, to: 0.52, every: 6 },
  { scene: 'leaving', from: 0.47, to: 0.5, every: 10 },
  { scene: 'garbage', from: 0.5, to: 0.53, every: 12 },
  { scene: 'restored', from: 0.6, to: 1, every: 20 },
  { scene: 'uncached', from: 0.7, to: 0.8, every: 8 },
];

/** Drives the gates for so many milliseconds. */
async function drive(gate: BusyGate, milliseconds: number): Promise<void> {
  const started = performance.now();
  const share = (): number => (performance.now() - started) / milliseconds;
  const once = new Set<string>();
  /** Does something when its moment has come, once. */
  const at = (what: string, due: boolean, act: () => void): void => {
    if (!due || once.has(what)) return;
    once.add(what);
    act();
  };
  for (let round = 0; share() < 1; round += 1) {
    const now = share();
    at('outage', now > 0.7, () => gate.outage(true));
    at('its end', now > 0.82, () => gate.outage(false));
    at('rollback', now > 0.88, () => gate.restore());
    const replica = round % REPLICAS;
    const everyday: SceneName[] = ['signed', 'another', 'soon'];
    await gate.send(
      everyday[round % everyday.length] ?? 'signed',
      1 + Math.round(3 * (1 + Math.sin(now * 9))),
      replica,
    );
    for (const { scene, from, to, every } of DISTURBANCES)
      if (now >= from && now < to && round % every === 0) await gate.send(scene, 1, replica);
    await pause(40);
  }
}

async function answersOf(prometheus: Prometheus, panel: Panel, from: number, to: number): Promise<Answered> {
  const instant = panel.type === 'stat' || panel.type === 'table';
  const answers = await Promise.all(
    panel.targets.map(async ({ expr, legendFormat }) => {
      const query = resolved(expr, WINDOW);
      const series = instant ? await prometheus.query(query) : await prometheus.range(query, from, to, STEP);
      return series.map((one) => ({
        ...one,
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => one.labels[label] ?? ''),
      }));
    }),
  );
  return { panel, series: answers.flat() };
}

async function main(): Promise<void> {
  const path = (await ensureTools(['prometheus'])).get('prometheus') ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'portieris-dashboard-'));
  const gate = await startBusyGate(folder, REPLICAS);
  const targets = Object.fromEntries(gate.targets.map((target, index) => [`gate-${index + 1}`, target]));
  const prometheus = await startPrometheus({ path, folder, targets, rules: stringify(await readRules()), seconds: 1 });
  try {
    tell(`driving ${REPLICAS} gates for ${values.seconds} s`);
    await pause(3000);
    const from = Date.now() / 1000;
    await drive(gate, Number(values.seconds) * 1000);
    const to = Date.now() / 1000;
    const { title, panels } = await readDashboard();
    const answered = await Promise.all(panels.map((panel) => answersOf(prometheus, panel, from, to)));
    await writeFile(PICTURE, drawDashboard(title, answered, { from, to }, STEP));
    tell(
      `drew ${panels.length} panels; those without an answer: ${
        answered
          .filter(({ series }) => series.length === 0)
          .map(({ panel }) => panel.title)
          .join(', ') || 'none'
      }`,
    );
  } finally {
    await prometheus.stop();
    await gate.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.help === true) process.stdout.write(HELP);
else await main();
