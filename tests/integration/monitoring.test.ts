import { execFile } from 'node:child_process';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type BusyGate, type SceneName, startBusyGate } from '../support/busygate.ts';
import { dashboardQueries, readDashboard, readRules, selectorsOf } from '../support/monitoring.ts';
import { type Started, startNode } from '../support/process.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { render } from './support/manifests.ts';

/** Alert rules and dashboard, shown to the real promtool, and to a real Prometheus that scrapes a real gate. */

const KNATIVE = resolve(import.meta.dirname, '../../knative');
const ALERTS = resolve(import.meta.dirname, 'monitoring/alerts.yaml');
/** Seconds between scrapes. */
const SCRAPE = 1;

let folder: TemporaryFolder;
let gate: BusyGate;
let validate: Started | undefined;
let prometheus: Prometheus;
let rules: string;

interface Said {
  readonly code: number;
  readonly text: string;
}

/** What promtool says, and its exit code. */
function promtool(args: readonly string[], input = ''): Promise<Said> {
  return new Promise((done) => {
    const child = execFile(inject('tools')['promtool'] as string, [...args], { cwd: folder.path }, (error, out, err) =>
      done({ code: typeof error?.code === 'number' ? error.code : Number(error !== null), text: `${out}${err}` }),
    );
    child.stdin?.end(input);
  });
}

const value = async (query: string): Promise<number | undefined> => (await prometheus.query(query))[0]?.points[0]?.[1];

/** Waits until a condition holds. */
const until = (what: string, holds: () => Promise<boolean>): Promise<void> =>
  vi.waitFor(
    async () => {
      if (!(await holds())) throw new Error(`it never came to this: ${what}`);
    },
    { timeout: 90_000, interval: 200 },
  );

const REFUSED: readonly SceneName[] = ['unsigned', 'unknown', 'expired', 'garbage'];
const ADMITTED: readonly SceneName[] = [
  'signed',
  'another',
  'soon',
  'restored',
  'piloted',
  'warned',
  'forged',
  'leaving',
];

/** Lets all happen that an alert or a panel tells of. */
async function drive(): Promise<void> {
  for (const scene of ADMITTED) expect(await gate.send(scene, 2), scene).toEqual([true, true]);
  for (const scene of REFUSED) expect(await gate.send(scene), scene).toEqual([false]);
  gate.restore();
  await until('older trust data is refused', async () => (await gate.send('restored'))[0] === false);
  gate.outage(true);
  expect(await gate.send('uncached')).toEqual([false]);
  await until('what is cached is served', async () => {
    expect(await gate.send('signed')).toEqual([true]);
    return /event="stale"\} [1-9]/.test(await gate.metrics());
  });
  await until(
    'all that was scraped',
    async () => ((await value('sum(portieris_trust_cache_total{event="stale"})')) ?? 0) > 0,
  );
}

/** The function that looks at policies, on those of the gate; gives where it is scraped. */
async function startValidate(): Promise<string> {
  validate = startNode(['functions/validate/serve.ts'], { PORT: '0', SNAPSHOT: join(folder.path, 'policies') });
  const [, port = ''] = await validate.until(/"port":(\d+)/);
  return `127.0.0.1:${port}`;
}

beforeAll(async () => {
  folder = await temporaryFolder('monitoring');
  rules = stringify(await readRules());
  await writeFile(join(folder.path, 'rules.yaml'), rules);
  gate = await startBusyGate(folder.path);
  prometheus = await startPrometheus({
    path: inject('tools')['prometheus'] as string,
    folder: folder.path,
    targets: { 'gate-1': gate.targets[0] ?? '', 'validate-1': await startValidate() },
    rules,
    seconds: SCRAPE,
  });
  // increase() needs what was before.
  await until('two scrapes', async () => ((await value('count_over_time(portieris_build_info[1m])')) ?? 0) > 1);
  await drive();
});
afterAll(async () => {
  await prometheus?.stop();
  await validate?.kill();
  await gate?.close();
  await folder.remove();
});

describe('the alert rules', () => {
  it('are well-formed, with nothing that promtool would warn of', async () => {
    expect(await promtool(['check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'])).toMatchObject({ code: 0 });
  });

  it('fire when they should and keep quiet when they should not (monitoring/alerts.yaml)', async () => {
    await writeFile(join(folder.path, 'alerts.yaml'), await readFile(ALERTS, 'utf8'));
    const { code, text } = await promtool(['test', 'rules', 'alerts.yaml']);
    expect(text).toContain('SUCCESS');
    expect(code).toBe(0);
  });

  it('each have a case there', async () => {
    const cases = await readFile(ALERTS, 'utf8');
    const names = (await readRules()).groups.flatMap((group) => group.rules.map(({ alert }) => alert));
    expect(names.filter((name) => !new RegExp(`alertname[:=] ?"?${name}\\b`).test(cases))).toEqual([]);
  });

  it('are evaluated without a complaint on what the gate says, and tell of what happened to it', async () => {
    const states = async () => new Map((await prometheus.rules()).map(({ name, ...rest }) => [name, rest]));
    for (const name of ['PortierisPossibleAttack', 'PortierisBypassAttempt', 'PortierisTrustExpired'])
      await expect.poll(async () => (await states()).get(name)?.state, { message: name }).toBe('firing');
    for (const name of [
      'PortierisPolicyInvalid',
      'PortierisCertificateExpiring',
      'PortierisTrustExpiresInAWeek',
      'PortierisFaults',
    ])
      await expect.poll(async () => (await states()).get(name)?.state, { message: name }).toBe('pending');
    const all = await states();
    expect([...all.values()].filter(({ health }) => health !== 'ok')).toEqual([]);
    for (const name of [
      'PortierisDown',
      'PortierisNotReady',
      'PortierisBug',
      'PortierisCacheTooSmall',
      'PortierisValidateDown',
    ])
      expect(all.get(name)?.state, name).toBe('inactive');
  });
});

describe('what the gate says at /metrics', () => {
  it('is as promtool wants it, but for the two names that are kept from Portieris', async () => {
    const { text } = await promtool(['check', 'metrics'], await gate.metrics());
    const told = text.split('\n').filter((line) => /^[a-z_]+ /.test(line));
    const kept = /^(portieris_pod_admission_decision_(allow|deny)_count) /;
    expect(told.filter((line) => !kept.test(line))).toEqual([]);
    expect(text).not.toContain('error while parsing');
  });

  it('holds every series that a rule or the dashboard asks for', async () => {
    const expressions = [
      ...(await readRules()).groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
      ...dashboardQueries(await readDashboard()),
    ];
    const selectors = [...new Set(expressions.flatMap(selectorsOf))];
    expect(selectors.length).toBeGreaterThan(20);
    const missing: string[] = [];
    for (const selector of selectors) if ((await value(`count(${selector})`)) === undefined) missing.push(selector);
    expect(missing).toEqual([]);
  });

  it('has every label that a rule or the dashboard groups by', async () => {
    const expressions = [
      ...(await readRules()).groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
      ...dashboardQueries(await readDashboard()),
    ];
    for (const expression of expressions) {
      const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/));
      const [selector = ''] = selectorsOf(expression);
      const labels = Object.keys(Object.assign({}, ...(await prometheus.query(selector)).map(({ labels }) => labels)));
      expect(
        grouped.filter((label) => !labels.includes(label)),
        expression,
      ).toEqual([]);
    }
  });
});

describe('the dashboard', () => {
  it('has an answer in every panel once all has happened', async () => {
    const empty: string[] = [];
    for (const expression of dashboardQueries(await readDashboard()))
      if ((await prometheus.query(expression)).length === 0) empty.push(expression);
    expect(empty).toEqual([]);
  });
});

describe('the component', () => {
  it('adds a PodMonitor, the rules, and the dashboard where the side-car of Grafana looks for it', async () => {
    const own = join(folder.path, 'overlay');
    await mkdir(own);
    const to = relative(await realpath(own), KNATIVE);
    const lines = [`resources: [${to}/overlays/default]`, `components: [${to}/components/monitoring]`];
    await writeFile(join(own, 'kustomization.yaml'), `kind: Kustomization\n${lines.join('\n')}\n`);
    const before = await render('knative/overlays/default');
    const known = new Set(before.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    const added = (await render(own)).filter(({ kind, metadata }) => !known.has(`${kind} ${metadata.name}`));
    expect(added.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`).toSorted()).toEqual([
      'ConfigMap portieris/portieris-dashboard',
      'PodMonitor portieris/portieris',
      'PodMonitor portieris/portieris-validate',
      'PrometheusRule portieris/portieris',
      'PrometheusRule portieris/portieris-validate',
    ]);
    const [map] = added.filter(({ kind }) => kind === 'ConfigMap');
    expect(map?.metadata['labels']).toMatchObject({ grafana_dashboard: '1' });
    expect(map?.['data']).toEqual({ 'portieris.json': expect.any(String) });
    expect(parse(Object.values(map?.['data'] ?? {}).join(''))).toEqual(await readDashboard());
  });
});
