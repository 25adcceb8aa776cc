import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A server program that a test runs. */
export interface ProgramOptions {
  /** Short name, for the log file and messages. */
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Where the log goes and where the program runs. */
  readonly folder: string;
  /** Asks the program's own endpoint whether it is ready; an error counts as no. */
  readonly ready: () => Promise<boolean>;
  /** How long it may take to become ready, in milliseconds; 120 s when not given, for slow machines. */
  readonly patience?: number;
}

/** A server program that runs. */
export interface Program {
  /** All it wrote so far. */
  log(): Promise<string>;
  /** Ends it by its process id: asks, and after 10 s insists. Safe to call twice. */
  stop(): Promise<void>;
}

const POLL_MILLISECONDS = 50;
const ASKED_MILLISECONDS = 10_000;
const TAIL_LINES = 40;

const gone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const holds = async (ready: () => Promise<boolean>): Promise<boolean> => ready().catch(() => false);

/** Polls until ready; otherwise the reason why it never will be. */
async function whyNotReady(child: ChildProcess, failed: () => Error | undefined, options: ProgramOptions) {
  const patience = options.patience ?? 120_000;
  const end = performance.now() + patience;
  while (performance.now() < end) {
    const error = failed();
    if (error !== undefined) return `could not be started: ${error.message}`;
    if (gone(child)) return `ended with ${child.exitCode ?? child.signalCode} before it was ready`;
    if (await holds(options.ready)) return undefined;
    await pause(POLL_MILLISECONDS);
  }
  return `was not ready after ${patience / 1000} s`;
}

async function end(child: ChildProcess): Promise<void> {
  if (gone(child) || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), ASKED_MILLISECONDS);
  await ended;
  clearTimeout(insist);
}

/** Starts the program and waits until it is ready. Throws with the end of its log when it does not get there. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const file = join(options.folder, `${options.name}.log`);
  const sink = openSync(file, 'a');
  const child = spawn(options.path, [...options.args], {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', sink, sink],
  });
  closeSync(sink);
  let error: Error | undefined;
  child.once('error', (thrown) => {
    error = thrown;
  });
  // A test run that is broken off must not leave servers behind.
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  const program: Program = {
    log: () => readFile(file, 'utf8'),
    async stop() {
      await end(child);
      process.off('exit', onExit);
    },
  };
  const reason = await whyNotReady(child, () => error, options);
  if (reason === undefined) return program;
  await program.stop();
  const tail = (await program.log()).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${options.name} ${reason}. The end of its log:\n${tail}`);
}
