import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

const COMPONENT = resolve(import.meta.dirname, '../../knative/components/monitoring');

/** One alert rule of the component. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What a rule file of Prometheus holds. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

/** A panel of the dashboard, as far as it is looked at here. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly decimals?: number;
      readonly custom?: { readonly stacking?: { readonly mode: string } };
      readonly thresholds?: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] };
    };
  };
  readonly targets: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
}

/** The dashboard. */
export interface Dashboard {
  readonly title: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly panels: readonly Panel[];
}

/** The rules of the component, as a rule file has them: those of the gate, then those of the function that looks at policies. */
export async function readRules(): Promise<RuleFile> {
  const files = await Promise.all(
    ['rules.yaml', 'validate.yaml'].map((name) => readFile(join(COMPONENT, name), 'utf8')),
  );
  const objects = files
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => document.toJS() as { readonly kind: string; readonly spec: RuleFile });
  return { groups: objects.filter(({ kind }) => kind === 'PrometheusRule').flatMap(({ spec }) => spec.groups) };
}

/** The dashboard of the component. */
export const readDashboard = async (): Promise<Dashboard> =>
  JSON.parse(await readFile(join(COMPONENT, 'dashboard.json'), 'utf8')) as Dashboard;

/** An expression of a panel with Grafana's own variable in its place. */
export const resolved = (expression: string, window: string): string =>
  expression.replaceAll('$__rate_interval', window);

/** Every query of the panels. */
export const dashboardQueries = ({ panels }: Dashboard): string[] =>
  panels.flatMap(({ targets }) => targets.map(({ expr }) => resolved(expr, '2m')));

/** The series that an expression of PromQL asks for, each with its matchers. */
export const selectorsOf = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:portieris|process|nodejs)_\w+(?:\{[^}]*\})?/g)].map(([selector]) => selector);
