import type { Log } from './log.ts';
import { type TraceConfig, tracesUrl } from './trace/options.ts';
import type { Tracer } from './trace/tracer.ts';

/** Opens traces where the configuration names a receiver. The SDK is loaded here and not before: who traces nothing pays nothing. */
export async function openTracer(config: TraceConfig, log: Log): Promise<Tracer | undefined> {
  const url = tracesUrl(config);
  if (url === undefined) return undefined;
  const { openOtel } = await import('./io/otel.ts');
  return openOtel(url, config, log);
}
