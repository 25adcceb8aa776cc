import { execFile, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/** How a command ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is given beside its arguments. */
export interface RunOptions {
  /** Written to its standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is ended; 10 minutes by default. */
  readonly timeout?: number;
}

const TEN_MINUTES = 600_000;

/** Runs a program; never throws for an exit code. */
export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { input = '', env = {}, timeout = TEN_MINUTES } = options;
  return new Promise((resolve, reject) => {
    const settings = { env: { ...process.env, ...env }, timeout, maxBuffer: 1 << 27 };
    const child = execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Runs a program; throws with what it said when it fails. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.slice(-3000)}${stdout.slice(-1000)}`);
}

/** A program that goes on running; `said` is what its first matching line gave. */
export interface Running {
  readonly said: string;
  stop(): void;
}

/** Starts a program and waits for a line of its output that matches; gives the first group. Throws when it ends before. */
export function startUntil(program: string, args: readonly string[], line: RegExp): Promise<Running> {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => void child.kill('SIGTERM');
  process.once('exit', stop);
  return new Promise((resolve, reject) => {
    let heard = '';
    const hear = (chunk: Buffer) => {
      heard += chunk.toString('utf8');
      const match = line.exec(heard);
      if (match !== null) resolve({ said: match[1] ?? '', stop });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${heard}`)));
  });
}

/** Asks until the answer is not undefined; throws with `what` and the last error when the seconds are over. */
export async function eventually<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await pause(200);
  }
  throw new Error(`${what}: not within ${seconds} s${last instanceof Error ? ` (${last.message})` : ''}`);
}
