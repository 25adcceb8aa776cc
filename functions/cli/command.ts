import type { ArgumentsCamelCase, Argv } from 'yargs';
import { CommandError, type Outside } from './outside.ts';

/** Options of every command. */
export interface CommonArgs {
  readonly snapshot: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Seconds for one answer. */
  readonly timeout: number;
}

/** A command: how it is written, and what it does. */
export interface Command<T> {
  /** In the form of yargs: `explain <image>`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: (yargs: Argv<CommonArgs>) => Argv<T>;
  /** Does it; gives the exit code. Throws `CommandError`, `ConfigError` and `Fault` where it can't. */
  readonly run: (args: ArgumentsCamelCase<T>, outside: Outside) => Promise<number>;
}

/** A command as the program takes it in. */
export type Registered = (yargs: Argv<CommonArgs>, outside: Outside, done: (code: number) => void) => void;

/** What the exit codes of every command mean. */
export const EXITS = 'Exit codes: 0 all admitted; 1 something refused; 2 usage, configuration, or no answer.';

/** Makes a command known to the program. */
export function defineCommand<T extends CommonArgs>({ usage, summary, options, run }: Command<T>): Registered {
  return (yargs, outside, done) => {
    const build = (inner: Argv<CommonArgs>) => options(inner).epilogue(`${EXITS}\nMore: docs/cli.md`);
    yargs.command<T>(usage, summary, build, async (args) => {
      done(await run(args, outside));
    });
  };
}

/** The options that every command has. */
export function commonOptions(yargs: Argv): Argv<CommonArgs> {
  const group = 'Where policies, Secrets and ServiceAccounts come from:';
  return yargs
    .option('snapshot', {
      alias: 's',
      type: 'string',
      group,
      describe: 'A directory of Kubernetes YAML, or "cluster" [default: SNAPSHOT, else policies/embedded]',
      requiresArg: true,
    })
    .option('kubeconfig', {
      type: 'string',
      group,
      describe: 'File to reach the cluster with [default: KUBECONFIG, ~/.kube/config]',
      requiresArg: true,
    })
    .option('context', { type: 'string', group, describe: 'Context of the kubeconfig', requiresArg: true })
    .option('timeout', {
      type: 'number',
      default: 30,
      group,
      describe: 'Seconds to wait for an answer',
      requiresArg: true,
      coerce: (seconds: number) => {
        if (!(seconds > 0 && seconds <= 3600))
          throw new Error('--timeout must be a number of seconds, more than 0 and at most 3600');
        return seconds;
      },
    }) as Argv<CommonArgs>;
}

/** An option that may be repeated: a list of what was given. Not `array: true`: yargs would take a lone `-` for an option. */
export const repeatable = {
  type: 'string',
  requiresArg: true,
  coerce: (given: string | readonly string[]): readonly string[] => [given].flat(),
} as const;

/** Names of what may be given more than once; anything else has one value. */
const LISTS: ReadonlySet<string> = new Set(['paths', 'filename', 'workloads', 'without', 'pull-secret', 'pullSecret']);

/** Holds every other option to one value, and none to an empty one. Throws `CommandError`. */
export function checkSingle(given: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(given)) {
    // Its long name says the same; `_` is the command.
    if (name.length === 1) continue;
    if (Array.isArray(value) && !LISTS.has(name)) throw new CommandError(`${name}: may be given only once`);
    if (value === '') throw new CommandError(`${name}: is empty`);
  }
  return true;
}

/** Options that say as which pod a question is asked. */
export const podOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('namespace', {
      alias: 'n',
      type: 'string',
      default: 'default',
      requiresArg: true,
      describe: 'Namespace of the pod',
    })
    .option('service-account', {
      type: 'string',
      default: 'default',
      requiresArg: true,
      describe: 'ServiceAccount of the pod, whose imagePullSecrets count',
    })
    .option('pull-secret', {
      ...repeatable,
      default: [] as readonly string[],
      describe: 'Name of an imagePullSecret of the pod; may be repeated',
    });
