import { type Admission, admit, refuseBody } from './admit.ts';
import type { ImageOutcome } from './answer/decision.ts';
import type { AdmissionReviewAnswer } from './answer/response.ts';
import type { Refusal } from './codes.ts';
import type { Config } from './config.ts';
import { deadlineOf, timed } from './deadline.ts';
import { openGate } from './gate.ts';
import { brief } from './image/quote.ts';
import { type Log, openLog } from './log.ts';
import { openMetrics } from './metrics.ts';
import type { Clock, Readiness } from './ports.ts';
import { openReady } from './ready.ts';
import { PolicyReport } from './report.ts';
import { openTelling } from './tell.ts';
import { tracedAdmission } from './trace/spans.ts';
import type { TraceHeaders } from './trace/tracer.ts';
import { openTracer } from './trace.ts';
import type { Verdict } from './trust/verdict.ts';

/** An answer, and what is left to do once it is sent: the caller waits for the answer alone. */
export interface Answered {
  readonly answer: AdmissionReviewAnswer;
  /** Counts the decision, logs it, and tells it to whom it concerns. */
  readonly tell: () => void;
}

/** The gate as a service: what the routes call. */
export interface App {
  readonly config: Config;
  readonly log: Log;
  /** Answers a review within `timeout` milliseconds less the configured margin. Always answers. `headers`: of which trace the request is a part. */
  admit(body: Uint8Array, timeout: number, headers?: TraceHeaders): Promise<Answered>;
  /** Refuses a body that is not read as a review. */
  refuse(body: Uint8Array, refusal: Refusal): Answered;
  readiness(): Promise<Readiness>;
  /** Prometheus text and its content type. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** Turns readiness off: this process is about to end. */
  drain(): void;
  close(): Promise<void>;
}

const SYSTEM_CLOCK: Clock = { now: () => Date.now() };

/** Opens the source of objects that the configuration names, and the gate on it. Throws `ConfigError` where a file that it names can't be used, `Fault` where the cluster can't be. */
export async function openApp(
  config: Config,
  { log = openLog(config.logLevel), metrics = openMetrics({ process: true }), clock = SYSTEM_CLOCK } = {},
): Promise<App> {
  const tracer = await openTracer(config, log);
  const opened = await openGate(config, { log, metrics, clock, tracer });
  const { gate, source } = opened;
  const notifier = await openTelling(config, opened, { log, metrics });
  const report = new PolicyReport(log);
  const ready = openReady(config, () => {
    const { ready, problems } = source.readiness();
    // A mistake in one policy is told here; it makes nobody wait, for the others go on.
    return { ready, problems: [...problems, ...report.look(source.current())] };
  });
  const answered = (admission: Admission, started: number): Answered => {
    const seconds = (performance.now() - started) / 1000;
    const tell = (): void => {
      metrics.decided(admission.decision, seconds, admission.suspicions);
      logAdmission(log, admission, seconds);
      notifier.admission(admission, gate.clock.now());
    };
    return { answer: admission.answer, tell };
  };
  return {
    config,
    log,
    async admit(body, timeout, headers) {
      const started = performance.now();
      report.look(source.current());
      const answer = () => timed(deadlineOf(timeout, config), (signal) => admit(gate, body, signal));
      return answered(tracer === undefined ? await answer() : await tracedAdmission(tracer, headers, answer), started);
    },
    refuse: (body, refusal) => answered(refuseBody(body, refusal), performance.now()),
    readiness: ready.readiness,
    async metrics() {
      const { problems = [], warnings = [] } = source.current() ?? {};
      metrics.source({
        ready: source.readiness().ready,
        problems: problems.length,
        warnings: warnings.length,
        certificate: await ready.certificate(),
      });
      return metrics.render();
    },
    drain: ready.drain,
    async close() {
      await notifier.close();
      await opened.close();
      await tracer?.close();
    },
  };
}

const causeOf = (verdict: Verdict): unknown => {
  if (verdict.outcome === 'tolerated') return verdict.failures.find(({ cause }) => cause !== undefined)?.cause;
  return verdict.outcome === 'unknown' ? verdict.fault.cause : undefined;
};

/** An image as a line of the log tells it. */
function toldOf({ written, rule, verdict }: ImageOutcome): object {
  const proven = verdict.outcome === 'trusted' || verdict.outcome === 'tolerated';
  const failure = verdict.outcome === 'denied' ? verdict : verdict.outcome === 'unknown' ? verdict.fault : undefined;
  return {
    image: brief(written),
    outcome: verdict.outcome,
    policy: rule?.source.name,
    field: rule?.source.field,
    digest: proven ? verdict.digest : undefined,
    warning: proven ? verdict.warning : undefined,
    failures: verdict.outcome === 'tolerated' ? verdict.failures.map(({ cause: _, ...told }) => told) : undefined,
    code: failure?.code,
    reason: failure?.message,
  };
}

function logAdmission(log: Log, { request, decision, outcomes, suspicions, error }: Admission, seconds: number): void {
  const bug = error ?? outcomes.map(({ verdict }) => causeOf(verdict)).find(Boolean);
  const tolerated = decision.allowed && decision.tolerated.length > 0;
  // One literal, for every admission writes a line; members that are undefined do not stand in it.
  const line = {
    uid: request?.uid,
    operation: request?.operation,
    namespace: request?.namespace,
    name: request?.name,
    kind: request?.kind.kind,
    subResource: request?.subResource,
    dryRun: request?.dryRun,
    allowed: decision.allowed,
    seconds: Math.round(seconds * 1e6) / 1e6,
    images: outcomes.map(toldOf),
    suspicions: suspicions.length > 0 ? suspicions : undefined,
    tolerated: tolerated ? decision.tolerated : undefined,
    exemption: decision.allowed ? decision.exemption : undefined,
    refusal: decision.allowed ? undefined : decision.message,
    err: bug,
  };
  if (bug !== undefined) log.error(line, 'an admission could not be decided');
  else if (tolerated) log.warn(line, 'admitted although it would be refused');
  else log.info(line, decision.allowed ? 'admitted' : 'refused');
}
