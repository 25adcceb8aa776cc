import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../codes.ts';
import { type Config, ConfigError, OPTIONS, parseConfig } from '../config.ts';
import { type OpenGate, openGate, type Surroundings } from '../gate.ts';
import { openLog } from '../log.ts';
import { openMetrics } from '../metrics.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';
import type { Clock } from '../ports.ts';
import type { CommonArgs } from './command.ts';
import { CommandError, type Outside } from './outside.ts';
import { openProgress, plain } from './terminal.ts';

/** The gate as a command sees it: opened, its policies read. Every question to it has to be a dry run. */
export interface Session extends OpenGate {
  readonly config: Config;
  readonly clock: Clock;
  /** The policies at the beginning of the command. */
  readonly snapshot: PolicySnapshot;
}

/** What a command may put in place of the real thing. */
export type SessionOptions = Partial<Pick<Surroundings, 'clock' | 'files' | 'around' | 'source' | 'memory'>>;

/** Between two looks at a cluster that is being read (ms). */
const LOOK = 25;

/** The configuration of the environment, with what the command line says over it. Throws `ConfigError`. */
export function configOf({ snapshot }: Pick<CommonArgs, 'snapshot'>, { env }: Outside): Config {
  return parseConfig(snapshot === undefined ? env : { ...env, SNAPSHOT: snapshot });
}

/**
 * Opens the gate, waits until its policies are read, and closes it after `use`. Its log goes to the messages, errors only. Throws
 * `CommandError` where the policies can't be read, and `ConfigError`.
 */
export async function withSession<T>(
  args: CommonArgs,
  outside: Outside,
  use: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  const config = configOf(args, outside);
  const clock = options.clock ?? { now: () => Date.now() };
  const gate = await opened(args, config, { ...options, clock, outside });
  try {
    const snapshot = await policiesOf(gate, { args, config }, outside);
    for (const { object, field, message } of snapshot.problems)
      outside.messages.write(plain(`policy not valid: ${object}, ${field}: ${message}\n`));
    return await use({ ...gate, config, clock, snapshot });
  } finally {
    await gate.close();
  }
}

async function opened(
  { kubeconfig, context }: CommonArgs,
  config: Config,
  { outside, ...options }: SessionOptions & { readonly clock: Clock; readonly outside: Outside },
): Promise<OpenGate> {
  try {
    return await openGate(config, {
      log: openLog('error', { write: (line) => void outside.messages.write(line) }),
      metrics: openMetrics(),
      kube: { kubeconfig, context },
      ...options,
    });
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Fault || config.snapshot !== 'cluster') throw error;
    throw new CommandError(`The cluster cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

function unread({ snapshot }: CommonArgs, problems: readonly string[], { env }: Outside): CommandError {
  const named = snapshot ?? env['SNAPSHOT'];
  const what = named === 'cluster' ? 'the cluster' : `the directory ${named ?? OPTIONS.snapshot.fallback}`;
  const hint = named === undefined ? ['--snapshot (or SNAPSHOT) names another directory, or the cluster'] : [];
  return new CommandError([`The policies of ${what} cannot be read:`, ...problems, ...hint].join('\n  '));
}

/** A directory is read or not at once; a cluster takes its time. */
async function policiesOf(
  { source }: OpenGate,
  { args, config }: { readonly args: CommonArgs; readonly config: Config },
  outside: Outside,
): Promise<PolicySnapshot> {
  const progress = openProgress(outside);
  const end = performance.now() + args.timeout * 1000;
  for (;;) {
    const { ready, problems } = source.readiness();
    const snapshot = source.current();
    if (ready && snapshot !== undefined) {
      progress.clear();
      return snapshot;
    }
    if (config.snapshot !== 'cluster' || performance.now() >= end) {
      progress.clear();
      throw unread(args, problems, outside);
    }
    progress.show('reading the policies of the cluster …');
    await pause(LOOK);
  }
}
