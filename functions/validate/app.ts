import type { Answered } from '../app.ts';
import type { Config } from '../config.ts';
import { deadlineOf, timed } from '../deadline.ts';
import { openSource, type SourceOptions } from '../gate.ts';
import { type Log, openLog } from '../log.ts';
import type { Clock } from '../ports.ts';
import { openReady } from '../ready.ts';
import type { Service } from '../routes.ts';
import type { Served } from '../server.ts';
import { trustServerOf } from '../trust/servers.ts';
import { refuseUnread, type Validation, validate } from '../validate.ts';
import { StatusKeeper } from './keeper.ts';
import { openValidateMetrics } from './metrics.ts';

/** The function that looks at policies, as a service: what the routes call and the server ends. */
export interface ValidateApp extends Service, Served {
  readonly config: Config;
  readonly log: Log;
}

/** What it is joined with; by default a log of its own, the system's clock, and a cluster as client-node finds it. */
export interface ValidateSurroundings extends Partial<Omit<SourceOptions, 'log' | 'clock'>> {
  readonly log?: Log;
  readonly clock?: Clock;
}

/** Opens the policies that the configuration names. Throws as `openGate` does. */
export async function openValidate(config: Config, around: ValidateSurroundings = {}): Promise<ValidateApp> {
  const { log = openLog(config.logLevel), clock = { now: () => Date.now() }, ...cluster } = around;
  const source = await openSource(config, { log, clock, only: 'policies', ...cluster });
  const metrics = openValidateMetrics();
  const knowsServer = (host: string): boolean => trustServerOf(host, config.trustServers) !== undefined;
  const ready = openReady(config, () => source.readiness());
  const validator = { policies: source, cluster: source, knowsServer };
  const stop = new AbortController();
  const { statuses } = source;
  const keeping =
    statuses === undefined
      ? undefined
      : new StatusKeeper({ ...validator, statuses, clock, log, observe: metrics.status }).run(stop.signal);
  const answered = (validation: Validation): Answered => {
    const { answer } = validation;
    const tell = (): void => {
      metrics.answered(answer.response.allowed);
      logValidation(log, validation);
    };
    return { answer, tell };
  };
  return {
    config,
    log,
    admit: async (body, timeout) =>
      answered(await timed(deadlineOf(timeout, config), (signal) => validate(validator, body, signal))),
    refuse: (body, refusal) => answered(refuseUnread(body, refusal)),
    readiness: ready.readiness,
    async metrics() {
      metrics.source(source.readiness().ready, await ready.certificate());
      return metrics.render();
    },
    drain: ready.drain,
    async close() {
      stop.abort();
      await source.close();
      await keeping;
    },
  };
}

/** One line for each review: what it was of, and every finding. */
function logValidation(log: Log, { request, answer, findings, error }: Validation): void {
  const { uid, operation, namespace, name, kind, dryRun } = request ?? {};
  const { allowed, status } = answer.response;
  const line = { uid, operation, namespace, name, kind: kind?.kind, group: kind?.group, dryRun, allowed, findings };
  if (error !== undefined) log.error({ ...line, err: error }, 'a policy could not be looked at');
  else log.info({ ...line, ...(status !== undefined && { refusal: status.message }) }, 'policy looked at');
}
