import { Invalid, option, optional } from '../option.ts';

/** Samplers of the OpenTelemetry specification (SDK environment variables) that the SDK has. */
export const SAMPLERS = [
  'parentbased_always_on',
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
/** One of `SAMPLERS`. */
export type SamplerName = (typeof SAMPLERS)[number];

function parseEndpoint(text: string): URL | Invalid {
  const url = URL.parse(text);
  return url !== null && ['http:', 'https:'].includes(url.protocol)
    ? url
    : new Invalid('must be an http:// or https:// address');
}

/** Options of traces, a part of `OPTIONS`; names and meanings are OpenTelemetry's. */
export const TRACE_OPTIONS = {
  tracesOff: option(
    'OTEL_SDK_DISABLED',
    'false',
    'true: no traces, whatever else is set',
    // The specification takes only "true" for true, in any case, and nothing for a mistake.
    (text) => text.toLowerCase() === 'true',
  ),
  tracesBase: option(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    '',
    'where traces are sent (OTLP over HTTP, protobuf; `/v1/traces` is added); without it, or the next one, there are none (docs/operations.md)',
    optional(parseEndpoint),
  ),
  tracesEndpoint: option(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    '',
    'the same for traces alone, as it is, nothing added',
    optional(parseEndpoint),
  ),
  tracesService: option(
    'OTEL_SERVICE_NAME',
    'portieris',
    'name of the service in traces; OTEL_RESOURCE_ATTRIBUTES adds more',
    (text) => (text === '' ? 'portieris' : text),
  ),
  tracesSampler: option(
    'OTEL_TRACES_SAMPLER',
    'parentbased_always_on',
    `which admissions are traced: ${SAMPLERS.join(', ')}`,
    (text) => SAMPLERS.find((name) => name === text) ?? new Invalid(`must be one of ${SAMPLERS.join(', ')}`),
  ),
  tracesRatio: option('OTEL_TRACES_SAMPLER_ARG', '1', 'share of traces for the ratio samplers, from 0 to 1', (text) => {
    const ratio = /^\d{0,4}(\.\d{0,9})?$/.test(text) ? Number(text || '1') : Number.NaN;
    return ratio >= 0 && ratio <= 1 ? ratio : new Invalid('must be a number from 0 to 1');
  }),
} as const;

/** What the options say, parsed. */
export interface TraceConfig {
  readonly tracesOff: boolean;
  readonly tracesBase: URL | undefined;
  readonly tracesEndpoint: URL | undefined;
  readonly tracesService: string;
  readonly tracesSampler: SamplerName;
  readonly tracesRatio: number;
}

/** Where traces go, or undefined where there are to be none (OTLP exporter specification: the path is added to the common endpoint alone). */
export function tracesUrl({ tracesOff, tracesBase, tracesEndpoint }: TraceConfig): URL | undefined {
  if (tracesOff) return undefined;
  if (tracesEndpoint !== undefined || tracesBase === undefined) return tracesEndpoint;
  const url = new URL(tracesBase);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url;
}
