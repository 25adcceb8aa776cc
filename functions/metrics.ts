import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from './answer/decision.ts';

/** What the gate counts, and its Prometheus text. */
export interface Metrics {
  /** Counts one answered review and the seconds it took. */
  decided(decision: Decision, seconds: number): void;
  /** Counts what the trust data cache did. */
  cache(event: string): void;
  /** Seconds one update of trust data took. */
  fetched(seconds: number): void;
  /** Notes whether the source of objects is ready, and how many policies are not valid. */
  source(ready: boolean, invalid: number): void;
  /** The text of `/metrics` and its content type (Prometheus exposition format). */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

/** Opens a registry of its own, so that two gates in one process do not mix. The first two names are Portieris'. */
export function openMetrics(): Metrics {
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
    help: 'Images refused, by code (docs/errors.md)',
    labelNames: ['code'],
    registers,
  });
  const tolerated = new Counter({
    name: 'portieris_images_tolerated_total',
    help: 'Images admitted although they would have been refused, by mode and code (docs/modes.md)',
    labelNames: ['mode', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'portieris_admission_seconds',
    help: 'Time to answer an admission',
    labelNames: ['allowed'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const cache = new Counter({
    name: 'portieris_trust_cache_total',
    help: 'Lookups and updates of the trust data cache, by event',
    labelNames: ['event'],
    registers,
  });
  const fetch = new Histogram({
    name: 'portieris_trust_fetch_seconds',
    help: 'Time of one update of trust data',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const ready = new Gauge({ name: 'portieris_source_ready', help: '1 while policies can be relied on', registers });
  const invalid = new Gauge({ name: 'portieris_policy_problems', help: 'Mistakes in policy objects', registers });
  return {
    decided(decision, duration) {
      (decision.allowed ? allow : deny).inc();
      seconds.observe({ allowed: String(decision.allowed) }, duration);
      if (!decision.allowed) for (const code of decision.codes) refusals.inc({ code });
      else for (const { mode, code } of decision.tolerated) tolerated.inc({ mode, code });
    },
    cache: (event) => cache.inc({ event }),
    fetched: (duration) => fetch.observe(duration),
    source(isReady, problems) {
      ready.set(isReady ? 1 : 0);
      invalid.set(problems);
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
