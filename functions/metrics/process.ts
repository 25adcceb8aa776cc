import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
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

/** What every process of Node tells: CPU, memory, garbage collection, lag of the event loop (prom-client's own set, `process_*` and `nodejs_*`). */
export const openProcessMetrics = (registry: Registry): void => collectDefaultMetrics({ register: registry });
