/** What may be said of a span: texts, numbers, truths, lists of texts. Never a credential or a Secret's content. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A span that is open. */
export interface Span {
  /** Adds attributes; undefined ones are left out. */
  set(attributes: Attributes): void;
  /** Marks it as failed, with a short text. */
  fail(message: string): void;
}

/** Headers of a request, of which those of W3C Trace Context (`traceparent`, `tracestate`) say of which trace it is a part. */
export type TraceHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** How a span begins. */
export interface SpanStart {
  readonly attributes?: Attributes;
  /** `server`: it answers a request; `client`: it asks somebody; undefined: inside. */
  readonly kind?: 'server' | 'client';
  /** What the request says of its caller; otherwise the span around it is the parent. */
  readonly headers?: TraceHeaders;
}

/** Makes spans (OpenTelemetry). Where tracing is off there is none, and nothing is wrapped. */
export interface Tracer {
  /** Runs work in a span, which is the parent of those that the work makes; what it throws marks the span as failed and is thrown on. */
  span<T>(name: string, start: SpanStart, work: (span: Span) => Promise<T>): Promise<T>;
  /** Sends what is left, for a bounded time. Never throws. */
  close(): Promise<void>;
}
