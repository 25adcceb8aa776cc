import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  diag,
  type Attributes as OtelAttributes,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { getNumberFromEnv, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { Fault } from '../codes.ts';
import type { Log } from '../log.ts';
import type { TraceConfig } from '../trace/options.ts';
import type { Attributes, Span, SpanStart, Tracer } from '../trace/tracer.ts';

/** How long the end of the process is held up (ms). */
const LAST = 2_000;
/** What the SDK complains of is said so often at most (ms): with a receiver that is away it would be every five seconds. */
const SAID_EVERY = 60_000;
const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

function samplerOf({ tracesSampler, tracesRatio }: TraceConfig): Sampler {
  const name = tracesSampler.replace('parentbased_', '');
  const root =
    name === 'traceidratio'
      ? new TraceIdRatioBasedSampler(tracesRatio)
      : name === 'always_on'
        ? new AlwaysOnSampler()
        : new AlwaysOffSampler();
  return name === tracesSampler ? root : new ParentBasedSampler({ root });
}

/** OTEL_BSP_*, whose defaults are the SDK's. */
function batching() {
  const options = {
    scheduledDelayMillis: getNumberFromEnv('OTEL_BSP_SCHEDULE_DELAY'),
    maxQueueSize: getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: getNumberFromEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    exportTimeoutMillis: getNumberFromEnv('OTEL_BSP_EXPORT_TIMEOUT'),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The SDK's complaints, in our log. */
function complainTo(log: Log): void {
  let said = Number.NEGATIVE_INFINITY;
  const say = (reason: string): void => {
    if (performance.now() - said < SAID_EVERY) return;
    said = performance.now();
    log.warn({ reason }, 'traces cannot be sent');
  };
  const none = (): void => undefined;
  diag.setLogger({ error: say, warn: say, info: none, debug: none, verbose: none });
}

const known = (attributes: Attributes): OtelAttributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as OtelAttributes;

class OtelTracer implements Tracer {
  readonly #provider: TracerProvider;
  readonly #around = new AsyncLocalStorage<Context>();
  readonly #propagator = new W3CTraceContextPropagator();

  constructor(provider: TracerProvider) {
    this.#provider = provider;
  }

  async span<T>(
    name: string,
    { attributes = {}, kind, headers }: SpanStart,
    work: (span: Span) => Promise<T>,
  ): Promise<T> {
    const parent = headers === undefined ? (this.#around.getStore() ?? ROOT_CONTEXT) : this.#parent(headers);
    const options = { attributes: known(attributes), kind: kind === undefined ? SpanKind.INTERNAL : KINDS[kind] };
    const span = this.#provider.getTracer('portieris').startSpan(name, options, parent);
    try {
      return await this.#around.run(trace.setSpan(parent, span), () => work(handle(span)));
    } catch (error) {
      // The code alone: a message may quote what was sent.
      const code = error instanceof Fault ? error.code : error instanceof Error ? error.name : 'error';
      span.setAttribute('error.type', code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      throw error;
    } finally {
      span.end();
    }
  }

  async close(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST);
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }

  #parent(headers: NonNullable<SpanStart['headers']>): Context {
    return this.#propagator.extract(ROOT_CONTEXT, headers, {
      get: (carrier, name) => carrier[name],
      keys: (carrier) => Object.keys(carrier),
    });
  }
}

const handle = (span: OtelSpan): Span => ({
  set: (attributes) => void span.setAttributes(known(attributes)),
  fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
});

/**
 * Opens traces by OpenTelemetry's SDK: OTLP over HTTP with protobuf, in batches, off the path of an admission. Headers, certificates, compression and time limits are
 * read by the exporter from OTEL_EXPORTER_OTLP_*.
 */
export function openOtel(url: URL, config: TraceConfig, log: Log): Tracer {
  complainTo(log);
  const named = resourceFromAttributes({ 'service.name': config.tracesService });
  const resource = defaultResource()
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }))
    .merge(named);
  const exporter = new OTLPTraceExporter({ url: url.href });
  const processor = new BatchSpanProcessor({ exporter, ...batching() });
  return new OtelTracer(new TracerProvider({ resource, sampler: samplerOf(config), spanProcessors: [processor] }));
}
