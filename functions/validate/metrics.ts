import { Counter, Gauge, Registry } from 'prom-client';
import { openCertificateMetric } from '../metrics/certificate.ts';

/** Outcomes of writing a status. */
const OUTCOMES = ['written', 'late', 'failed'] as const;

/** What the function that looks at policies counts, and its Prometheus text; of the gate's names it has none but that of the certificate. docs/monitoring.md lists every metric. */
export interface ValidateMetrics {
  /** Counts one answered review. */
  answered(allowed: boolean): void;
  /** Counts a status by what came of writing it. */
  status(outcome: (typeof OUTCOMES)[number]): void;
  /** Notes whether policies are known, and when the serving certificate expires (ms since the epoch), where there is one to be seen. */
  source(ready: boolean, certificate: number | undefined): void;
  /** The text of `/metrics` and its content type (Prometheus exposition format). */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

/** Opens a registry of its own. */
export function openValidateMetrics(): ValidateMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const reviews = new Counter({
    name: 'portieris_policy_reviews_total',
    help: 'Reviews of policies answered',
    labelNames: ['allowed'],
    registers,
  });
  const statuses = new Counter({
    name: 'portieris_policy_statuses_total',
    help: 'Statuses of policies by what came of writing them',
    labelNames: ['outcome'],
    registers,
  });
  for (const allowed of ['true', 'false']) reviews.inc({ allowed }, 0);
  for (const outcome of OUTCOMES) statuses.inc({ outcome }, 0);
  const ready = new Gauge({ name: 'portieris_validate_ready', help: '1 while policies are known', registers });
  const certificate = openCertificateMetric(registry);
  return {
    answered: (allowed) => reviews.inc({ allowed: String(allowed) }),
    status: (outcome) => statuses.inc({ outcome }),
    source(isReady, expires) {
      ready.set(isReady ? 1 : 0);
      certificate(expires);
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
