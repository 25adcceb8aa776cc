import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from './answer/decision.ts';
import { DENY_CODES, FAULT_CODES } from './codes.ts';
import { openCertificateMetric } from './metrics/certificate.ts';
import { openBuildInfo, openProcessMetrics } from './metrics/process.ts';
import { openToldMetrics, type ToldMetrics } from './metrics/told.ts';
import { openTrustMetrics, type TrustMetrics } from './metrics/trust.ts';
import { MODES } from './policy/policy.ts';
import { SUSPICIONS, type Suspicion } from './request/suspect.ts';

/** How the source of objects stands at the moment of a scrape. */
export interface SourceState {
  readonly ready: boolean;
  /** Mistakes in policy objects. */
  readonly problems: number;
  /** Policies that are valid and weaker than they look. */
  readonly warnings: number;
  /** When the serving certificate expires (ms since the epoch), where there is one to be seen. */
  readonly certificate: number | undefined;
}

/** What the gate counts, and its Prometheus text. docs/monitoring.md lists every metric. */
export interface Metrics extends TrustMetrics, ToldMetrics {
  /** Counts one answered review, the seconds it took, and what in it claimed to need no proof and did not hold. */
  decided(decision: Decision, seconds: number, suspicions?: readonly Suspicion[]): void;
  /** Notes how the source of objects stands. */
  source(state: SourceState): void;
  /** The text of `/metrics` and its content type (Prometheus exposition format). */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

const toleratedBy = (decision: Decision) => (decision.allowed ? decision.tolerated : []);
const refusedBy = (decision: Decision) => (decision.allowed ? [] : decision.codes);
/** A body that is no review: no API server sends one. */
const isNoReview = (decision: Decision): boolean => refusedBy(decision).includes('REVIEW_INVALID');
/** The kinds of `portieris_bypass_attempts_total`. */
const ATTEMPTS = [...Object.keys(SUSPICIONS), 'review_invalid'];

/** Opens a registry of its own, so that two gates in one process do not mix; `process`: with what the process tells. The first two names are Portieris'. */
export function openMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const allow = new Counter({
    name: 'portieris_pod_admission_decision_allow_count',
    help: 'Admissions allowed',
    registers,
  });
  const deny = new Counter({
    name: 'portieris_pod_admission_decision_deny_count',
    help: 'Admissions denied',
    registers,
  });
  const refusals = new Counter({
    name: 'portieris_image_refusals_total',
    help: 'Images refused, and reviews that are refused as a whole, by code (docs/errors.md)',
    labelNames: ['code'],
    registers,
  });
  // A series that begins with its first event shows increase() nothing: every code begins at 0.
  const codes = Object.keys({ ...DENY_CODES, ...FAULT_CODES });
  for (const code of codes) refusals.inc({ code }, 0);
  const tolerated = new Counter({
    name: 'portieris_images_tolerated_total',
    help: 'Images admitted although they would have been refused, by mode and code (docs/modes.md)',
    labelNames: ['mode', 'code'],
    registers,
  });
  for (const mode of MODES) if (mode !== 'enforce') for (const code of codes) tolerated.inc({ mode, code }, 0);
  const attempts = new Counter({
    name: 'portieris_bypass_attempts_total',
    help: 'Claims that would spare a workload its proof and did not hold, by kind',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of ATTEMPTS) attempts.inc({ kind }, 0);
  const seconds = new Histogram({
    name: 'portieris_admission_seconds',
    help: 'Time to answer an admission',
    labelNames: ['allowed'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  for (const allowed of ['true', 'false']) seconds.zero({ allowed });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const ready = gauge('portieris_source_ready', '1 while policies can be relied on');
  const problems = gauge('portieris_policy_problems', 'Mistakes in policy objects');
  const warnings = gauge('portieris_policy_warnings', 'Policies that are valid and may be weaker than they look');
  const certificate = openCertificateMetric(registry);
  openBuildInfo(registry);
  if (options.process === true) openProcessMetrics(registry);
  return {
    ...openTrustMetrics(registry),
    ...openToldMetrics(registry),
    decided(decision, duration, suspicions = []) {
      (decision.allowed ? allow : deny).inc();
      seconds.observe({ allowed: String(decision.allowed) }, duration);
      for (const kind of suspicions) attempts.inc({ kind });
      for (const { mode, code } of toleratedBy(decision)) tolerated.inc({ mode, code });
      for (const code of refusedBy(decision)) refusals.inc({ code });
      if (isNoReview(decision)) attempts.inc({ kind: 'review_invalid' });
    },
    source(state) {
      ready.set(state.ready ? 1 : 0);
      problems.set(state.problems);
      warnings.set(state.warnings);
      certificate(state.certificate);
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
