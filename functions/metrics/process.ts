import { Counter, Gauge, type Registry } from 'prom-client';
import manifest from '../../package.json' with { type: 'json' };

/** `portieris_build_info`: always 1, with what runs as labels. */
export function openBuildInfo(registry: Registry): void {
  const info = new Gauge({
    name: 'portieris_build_info',
    help: 'Always 1; the version of the gate and of Node are in the labels',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  info.set({ version: manifest.version, node: process.version }, 1);
}

/** Sums that the process keeps by itself, read at each scrape. */
const SUMS: readonly (readonly [string, string, () => number])[] = [
  [
    'process_cpu_seconds_total',
    'CPU time that the process used',
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  ],
  [
    'nodejs_eventloop_active_seconds_total',
    'Time for which the event loop had something to do; a rate near 1 is a process that keeps up no longer',
    () => performance.eventLoopUtilization().active / 1000,
  ],
];
const LEVELS: readonly (readonly [string, string, () => number])[] = [
  ['process_resident_memory_bytes', 'Memory that the process holds', () => process.memoryUsage.rss()],
  ['nodejs_heap_size_used_bytes', 'Memory of objects of JavaScript', () => process.memoryUsage().heapUsed],
  ['process_start_time_seconds', 'When the process began', () => performance.timeOrigin / 1000],
];

/**
 * What the process tells of itself, under the names that Prometheus' clients share. All of it is read at a scrape: prom-client's own set observes each
 * collection of garbage and wakes the process a hundred times a second, which every admission would pay for.
 */
export function openProcessMetrics(registry: Registry): void {
  for (const [name, help, read] of SUMS) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  for (const [name, help, read] of LEVELS) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}
