import yargs, { type Argv } from 'yargs';
import manifest from '../../package.json' with { type: 'json' };
import { Fault } from '../codes.ts';
import { ConfigError } from '../config.ts';
import { type CommonArgs, checkSingle, commonOptions, EXITS, type Registered } from './command.ts';
import { check } from './commands/check.ts';
import { explain } from './commands/explain.ts';
import { inspect } from './commands/inspect.ts';
import { policy } from './commands/policy.ts';
import { replay } from './commands/replay.ts';
import { simulate } from './commands/simulate.ts';
import { CommandError, EXIT, type Outside } from './outside.ts';
import { plain } from './terminal.ts';

/** Every command, in the order of `--help`. */
const COMMANDS: Readonly<Record<string, Registered>> = { check, explain, inspect, replay, policy, simulate };

const EPILOGUE = `Nothing is written anywhere: each look is a dry run. Every option of the gate counts as an
environment variable (docs/configuration.md): TRUST_CA_FILE and TRUST_SERVERS, for instance.

${EXITS}

Completion: portieris completion >> ~/.bashrc (or ~/.zshrc)`;

type Known = (take: (error: Error | null, words: string[] | undefined) => void) => void;

/** What a shell is offered: options once a dash is typed, each by its long name; without any word it offers files. */
const offered = (current: string, words: readonly string[]): string[] =>
  words.filter((word) => (current.startsWith('-') ? !/^--?[^-](?::|$)/.test(word) : !word.startsWith('-')));

/** Widest help, so that lines can be read on any screen. */
const WIDTH = 110;

/** The command that was meant, as far as there is one of that name. */
const commandOf = (args: readonly string[]): readonly string[] =>
  args.slice(0, 1).filter((name) => Object.hasOwn(COMMANDS, name));

function parserOf(args: readonly string[], outside: Outside, done: (code: number) => void): Argv<CommonArgs> {
  const parser = commonOptions(
    yargs()
      .scriptName('portieris')
      .usage('$0 <command>\n\nTells what the gate would do with your images, and why.')
      .locale('en'),
  );
  for (const register of Object.values(COMMANDS)) register(parser, outside, done);
  return parser
    .completion(
      'completion',
      'Print a script that completes commands and options (bash, zsh)',
      (current: string, _given: unknown, known: Known, done: (words: string[]) => void) =>
        known((_error, words) => done(offered(current, words ?? []))),
    )
    .example('$0 check -f deploy/', 'Would the images of these manifests be admitted?')
    .example('$0 explain registry.demo/shop/web:1.4', 'Why is this image admitted or refused?')
    .epilogue(EPILOGUE)
    .demandCommand(1, 'Name a command.')
    .recommendCommands()
    .strict()
    .check(checkSingle)
    .help()
    .alias('help', 'h')
    .version(manifest.version)
    .wrap(Math.min(outside.output.columns ?? WIDTH, WIDTH))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      // yargs counts arguments (`got 0, need at least 1`), which tells a person nothing.
      const what = message?.startsWith('Not enough non-option arguments') ? 'An argument is missing.' : message;
      throw error ?? new CommandError(`${what}\n${['portieris', ...commandOf(args)].join(' ')} --help tells more.`);
    });
}

/** Runs the command line; gives the exit code. Never throws. */
export async function runProgram(args: readonly string[], outside: Outside): Promise<number> {
  let code: number = EXIT.admitted;
  const parser = parserOf(args, outside, (given) => {
    code = given;
  });
  try {
    let said = '';
    await parser.parseAsync([...args], {}, (_error: unknown, _argv: unknown, output: string) => {
      said = output;
    });
    if (said !== '') outside.output.write(`${said}\n`);
    return code;
  } catch (error) {
    outside.messages.write(`portieris: ${plain(messageOf(error))}\n`);
    return EXIT.failed;
  }
}

/** What is told of an error: a bug with its stack, anything expected with its sentence. */
function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof ConfigError) return error.message;
  if (error instanceof Fault && error.code !== 'BUG') return `[${error.code}] ${error.message}`;
  if (error instanceof Error && error.name === 'YError') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
