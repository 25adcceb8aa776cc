import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Admission, admit, type Gate, refuseBody } from './admit.ts';
import type { AdmissionReviewAnswer } from './answer/response.ts';
import { Admitted } from './cache/admitted.ts';
import { MemoryTrust } from './cache/memory.ts';
import { TrustCache } from './cache/trust.ts';
import { Fault, type Refusal } from './codes.ts';
import { type Config, ConfigError } from './config.ts';
import { timed, within } from './deadline.ts';
import { Authenticator } from './io/auth.ts';
import { openCluster } from './io/cluster.ts';
import { openDirectory } from './io/directory.ts';
import { HttpClient } from './io/http.ts';
import { NotaryClient } from './io/notary.ts';
import type { ObjectSource } from './io/objects.ts';
import { readBundle } from './io/proxy.ts';
import { PullSecrets } from './io/pullsecrets.ts';
import { openRecordFile } from './io/recordfile.ts';
import { readRoots } from './io/roots.ts';
import { answersTls } from './io/tls.ts';
import { type Log, openLog } from './log.ts';
import { type Metrics, openMetrics } from './metrics.ts';
import type { Clock, Readiness, TrustMemory } from './ports.ts';
import { PolicyReport } from './report.ts';
import { WORKLOAD_KINDS } from './request/workload.ts';
import type { Verdict } from './trust/verdict.ts';
import { type ImageQuestion, type Prover, verifyImage } from './trust/verify.ts';

/** The gate, joined with the outside: what the routes call. */
export interface App {
  readonly config: Config;
  readonly log: Log;
  /** Answers a review within `timeout` milliseconds less the configured margin. Always answers. */
  admit(body: Uint8Array, timeout: number): Promise<AdmissionReviewAnswer>;
  /** Refuses a body that is not read as a review. */
  refuse(body: Uint8Array, refusal: Refusal): AdmissionReviewAnswer;
  readiness(): Promise<Readiness>;
  /** Prometheus text and its content type. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** Turns readiness off: this process is about to end. */
  drain(): void;
  close(): Promise<void>;
}

/** Never less than this (ms), however short the timeout: a cached proof needs a fraction of it. */
const SHORTEST_DEADLINE = 100;

/** Opens the source of objects that the configuration names, and the gate on it. Throws `ConfigError` where a file that it names can't be used, `Fault` where the cluster can't be. */
export async function openApp(
  config: Config,
  { log = openLog(config.logLevel), metrics = openMetrics() } = {},
): Promise<App> {
  const clock: Clock = { now: () => Date.now() };
  const http = openHttp(config, clock);
  const source =
    config.snapshot === 'cluster'
      ? await openCluster({ log, clock })
      : await openDirectory(config.snapshot, { log, clock });
  const memory = source.memory ?? (await openMemory(config, { log, clock }));
  const prover = openProver(config, source, { log, metrics, clock, http, memory });
  const gate: Gate = {
    policies: source,
    cluster: source,
    clock,
    kinds: [...WORKLOAD_KINDS, ...config.extraWorkloads],
    verify: (question, signal) => verifyInTime(prover, question, signal),
  };
  const report = new PolicyReport(log);
  let draining = false;
  const readiness = async (): Promise<Readiness> => {
    if (draining) return { ready: false, problems: ['The process is ending.'] };
    const { ready, problems } = source.readiness();
    // A mistake in one policy is told here; it makes nobody wait, for the others go on.
    const state = { ready, problems: [...problems, ...report.look(source.current())] };
    const port = config.readyTlsPort;
    if (port === undefined || !state.ready || (await answersTls(port))) return state;
    return {
      ready: false,
      problems: [...state.problems, `Nothing answers with TLS on port ${port} of this host yet.`],
    };
  };
  const record = (admission: Admission, started: number): AdmissionReviewAnswer => {
    const seconds = (performance.now() - started) / 1000;
    metrics.decided(admission.decision, seconds);
    logAdmission(log, admission, seconds);
    return admission.answer;
  };
  return {
    config,
    log,
    async admit(body, timeout) {
      const started = performance.now();
      report.look(source.current());
      const milliseconds = Math.max(timeout - config.deadlineMargin, SHORTEST_DEADLINE);
      return record(await timed(milliseconds, (signal) => admit(gate, body, signal)), started);
    },
    refuse: (body, refusal) => record(refuseBody(body, refusal), performance.now()),
    readiness,
    metrics() {
      metrics.source(source.readiness().ready, source.current()?.problems.length ?? 0);
      return metrics.render();
    },
    drain() {
      draining = true;
    },
    async close() {
      await source.close();
      await http.close();
    },
  };
}

interface Tools {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly http: HttpClient;
  readonly memory: TrustMemory;
}

/** The memory of a gate on a directory: a file beside it. */
async function openMemory(
  { snapshot, trustRecords }: Config,
  { log, clock }: Pick<Tools, 'log' | 'clock'>,
): Promise<TrustMemory> {
  const path = trustRecords ?? `${resolve(snapshot)}.trust-records.json`;
  const memory = await openRecordFile(path, clock);
  if (memory === undefined)
    log.warn(
      { path },
      'the trust in repositories is remembered in this process only: the folder of the file cannot be written',
    );
  return memory ?? new MemoryTrust();
}

/** Reads what the configuration names. Throws `ConfigError` with the sentence of the error. */
function configured<T, V>(read: (value: V) => T, value: V): T {
  try {
    return read(value);
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}

const readAuthorities = (file: string): string => {
  try {
    const pem = readFileSync(file, 'utf8');
    readBundle(pem);
    return pem;
  } catch (error) {
    throw new Error(`TRUST_CA_FILE=${file}: ${(error as Error).message}`, { cause: error });
  }
};

/** The door to the network. Throws `ConfigError` where the authorities or the address of the proxy can't be used. */
function openHttp({ trustCaFile }: Config, clock: Clock): HttpClient {
  const ca = trustCaFile === undefined ? undefined : configured(readAuthorities, trustCaFile);
  return configured((outside) => new HttpClient(outside, clock), { ca });
}

function openProver(config: Config, source: ObjectSource, { log, metrics, clock, http, memory }: Tools): Prover {
  const files = new NotaryClient(http, new Authenticator(http, clock, config.tokenRealms));
  const trust = new TrustCache({
    files,
    memory,
    clock,
    ttl: config.trustTtl,
    maxBytes: config.trustCacheBytes,
    observe: metrics,
  });
  return {
    trust,
    cluster: source,
    credentials: new PullSecrets(source, log),
    admitted: new Admitted({ memory, clock, grace: config.trustGrace, observe: (event) => metrics.cache(event) }),
    clock,
    trustServers: config.trustServers,
    roots: config.trustRootsFile === undefined ? [] : configured(readRoots, config.trustRootsFile),
    firstUse: config.trustFirstUse,
  };
}

/** One image's verdict in time: what is slow, or breaks, is named with the image that it stands for. */
async function verifyInTime(prover: Prover, question: ImageQuestion, signal: AbortSignal): Promise<Verdict> {
  const late = `The proof of ${question.reference.written} was not complete in time.`;
  try {
    return await within(signal, verifyImage(prover, question, signal), late);
  } catch (error) {
    if (error instanceof Fault) return { outcome: 'unknown', fault: error };
    const fault = new Fault('BUG', `The gate could not decide on ${question.reference.written}.`, { cause: error });
    return { outcome: 'unknown', fault };
  }
}

function logAdmission(log: Log, { request, decision, outcomes, error }: Admission, seconds: number): void {
  const { uid, operation, namespace, name, kind, subResource, dryRun } = request ?? {};
  const images = outcomes.map(({ written, rule, verdict }) => ({
    image: written,
    outcome: verdict.outcome,
    ...(rule !== undefined && { policy: rule.source.name, field: rule.source.field }),
    ...(verdict.outcome === 'trusted' && { digest: verdict.digest }),
    ...(verdict.outcome === 'denied' && { code: verdict.code, reason: verdict.message }),
    ...(verdict.outcome === 'unknown' && { code: verdict.fault.code, reason: verdict.fault.message }),
  }));
  const line = {
    uid,
    operation,
    namespace,
    name,
    kind: kind?.kind,
    subResource,
    dryRun,
    allowed: decision.allowed,
    seconds,
    images,
  };
  const bug =
    error ??
    outcomes.map(({ verdict }) => (verdict.outcome === 'unknown' ? verdict.fault.cause : undefined)).find(Boolean);
  if (bug !== undefined) log.error({ ...line, err: bug }, 'an admission could not be decided');
  else if (decision.allowed) log.info({ ...line, exemption: decision.exemption }, 'admitted');
  else log.info({ ...line, refusal: decision.message }, 'refused');
}
