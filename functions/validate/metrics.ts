import { Counter, Gauge, Registry } from 'prom-client';

/** What the function that looks at policies counts, and its Prometheus text. */
export interface ValidateMetrics {
  /** Counts one answered review. */
  answered(allowed: boolean): void;
  /** Counts a status by what came of writing it. */
  status(outcome: 'written' | 'late' | 'failed'): void;
  /** Notes whether policies can be relied on, and how many mistakes they have. */
  source(ready: boolean, problems: number): void;
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
  const ready = new Gauge({ name: 'portieris_source_ready', help: '1 while policies can be relied on', registers });
  const mistakes = new Gauge({ name: 'portieris_policy_problems', help: 'Mistakes in policy objects', registers });
  return {
    answered: (allowed) => reviews.inc({ allowed: String(allowed) }),
    status: (outcome) => statuses.inc({ outcome }),
    source(isReady, problems) {
      ready.set(isReady ? 1 : 0);
      mistakes.set(problems);
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
