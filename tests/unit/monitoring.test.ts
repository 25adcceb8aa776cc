import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { FAULT_CODES } from '../../functions/codes.ts';
import { openMetrics } from '../../functions/metrics.ts';
import { openValidateMetrics } from '../../functions/validate/metrics.ts';
import { type Panel, readDashboard, readRules, selectorsOf } from '../support/monitoring.ts';
import { drawDashboard } from '../tools/draw.ts';

/** What the alert rules, the dashboard and their pages promise. tests/integration/monitoring.test.ts shows them to Prometheus. */

const ROOT = resolve(import.meta.dirname, '../..');
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const rules = (await readRules()).groups.flatMap((group) => group.rules);
const dashboard = await readDashboard();
const page = text('docs/monitoring.md');

/** The anchors of a page, as GitHub and site generators make them of its headings. */
const anchorsOf = (markdown: string): Set<string> =>
  new Set(
    [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );

describe('the metrics', () => {
  it('are those that docs/monitoring.md lists, with their type and labels', async () => {
    const metrics = openMetrics();
    metrics.holds(() => ({
      entries: 0,
      bytes: 0,
      maxBytes: 0,
      expiries: [{ server: 'https://notary.example', gun: 'team/app', role: 'root', expires: 0 }],
      omitted: 0,
    }));
    metrics.source({ ready: true, problems: 0, warnings: 0, certificate: 1 });
    const validate = openValidateMetrics();
    validate.source(true, 1);
    const said = `${(await metrics.render()).text}\n${(await validate.render()).text}`;
    const labelsOf = (name: string): string[] => {
      const [, labels = ''] = new RegExp(`^${name}(?:_sum)?(?:\\{(.*)\\})? `, 'm').exec(said) ?? [];
      return [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
    };
    const told = [...said.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name = '', type]) => `${name} ${type} ${labelsOf(name).join(', ')}`,
    );
    const listed = [...page.matchAll(/^\| `(portieris_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
      ([, name, type, labels = '']) => `${name} ${type} ${labels.replaceAll('`', '').trim()}`,
    );
    expect(listed.toSorted()).toEqual([...new Set(told)].toSorted());
  });
});

describe('the alert rules', () => {
  it.each(rules)('$alert says what it is about and has its place in the runbook', ({ alert, labels, annotations }) => {
    expect(labels['severity']).toMatch(/^(critical|warning|info)$/);
    expect(annotations['summary']).toMatch(/^[A-Z].+[^.]$/);
    expect(annotations['description']).toMatch(/.{40}/);
    const [file = '', anchor = ''] = annotations['runbook_url']?.split('#') ?? [];
    expect(anchorsOf(text(file))).toContain(anchor);
    expect(page).toContain(
      `| [${alert}](operations.md#${anchor}) | ${labels['severity']} | ${annotations['summary']} |`,
    );
  });

  it('watch every fault, and name no code that there is not', () => {
    const patterns = rules.flatMap(({ expr }) => [...expr.matchAll(/code=~?"([^"]+)"/g)].map(([, codes]) => codes));
    const watched = new RegExp(`^(?:${patterns.join('|')})$`);
    expect(Object.keys(FAULT_CODES).filter((code) => !watched.test(code))).toEqual([]);
  });

  it('are listed one by one: no section of the runbook is of an alert that is gone', () => {
    const sections = [...text('docs/operations.md').matchAll(/^### (Portieris\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(rules.map(({ alert }) => alert));
  });
});

describe('anchors in the pages', () => {
  it('lead to headings', () => {
    const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    const broken = pages.flatMap((name) =>
      [...text(`docs/${name}`).matchAll(/\]\(([\w.-]*\.md)?#([^)\s]+)\)/g)]
        .filter(([, file = name, anchor = '']) => !anchorsOf(text(`docs/${file}`)).has(anchor))
        .map(([link]) => `${name}: ${link}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('the dashboard', () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Grafana's own variable
  it('asks the data source that its reader chooses, with queries of their own letter', () => {
    expect(dashboard.templating.list).toMatchObject([{ name: 'datasource', type: 'datasource', query: 'prometheus' }]);
    for (const { title, datasource, targets } of dashboard.panels) {
      expect(datasource.uid, title).toBe('${datasource}');
      for (const target of targets) expect(target.datasource.uid, title).toBe('${datasource}');
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr } of targets) expect(selectorsOf(expr), title).not.toEqual([]);
    }
  });

  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Grafana's own variable

  it('gives each panel a number of its own, a unit, a title and a word of what it shows', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, description, fieldConfig } of panels) {
      expect(fieldConfig.defaults.unit, title).toMatch(/^\w+$/);
      expect(description, title).toMatch(/\.$/);
    }
  });

  it('lays no panel over another, and none beyond the 24 columns', () => {
    const overlap = ({ gridPos: one }: Panel, { gridPos: other }: Panel): boolean =>
      one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
    for (const panel of dashboard.panels) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
      expect(dashboard.panels.filter((other) => other !== panel && overlap(panel, other))).toEqual([]);
    }
  });
});

describe('the picture in docs/monitoring.md', () => {
  const picture = text('docs/monitoring-dashboard.svg');

  it('shows every panel of the dashboard (npm run dashboard draws it)', () => {
    const missing = dashboard.panels.filter(({ title }) => !picture.includes(`>${title}</text>`));
    expect(missing.map(({ title }) => title)).toEqual([]);
    expect(picture).not.toContain('no data');
  });

  it('says no more of a name than its letters', () => {
    const [panel] = dashboard.panels.filter(({ type }) => type === 'timeseries') as [Panel];
    const series = [{ labels: {}, name: '<script>&', points: [[0, 1] as const, [2, Number.NaN] as const] }];
    const svg = drawDashboard('a & b', [{ panel, series }], { from: 0, to: 2 }, 2);
    expect(svg).toContain('>&lt;script&gt;&amp;</text>');
    expect(svg).toContain('<title>a &amp; b</title>');
    expect(svg).not.toMatch(/<script>|NaN|undefined/);
  });

  it('cannot be drawn of a kind of panel that nobody taught it', () => {
    const [panel] = dashboard.panels as [Panel];
    const strange = { panel: { ...panel, type: 'piechart' }, series: [] };
    expect(() => drawDashboard('', [strange], { from: 0, to: 1 }, 1)).toThrow(/piechart/);
  });
});

describe('the PodMonitor', () => {
  it.each([
    ['podmonitor', '400-service'],
    ['validate', '430-validate'],
  ])(
    'of %s.yaml finds the pods of the Knative Service, by the name that Knative gives to their port',
    (file, manifest) => {
      const first = (path: string) => parseAllDocuments(text(path))[0]?.toJS();
      const monitor = first(`knative/components/monitoring/${file}.yaml`);
      const service = first(`knative/base/${manifest}.yaml`);
      expect(monitor.metadata.namespace).toBe(service.metadata.namespace);
      expect(monitor.spec.selector.matchLabels).toEqual({ 'serving.knative.dev/service': service.metadata.name });
      expect(monitor.spec.podMetricsEndpoints).toMatchObject([{ port: 'user-port', path: '/metrics' }]);
    },
  );
});
