import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Environment of a Node program that a test starts, beside its own variables: where Node keeps what it compiled (tools/compiled.ts), where a run names a place. */
export const COMPILED: Readonly<Record<string, string>> = ((place) =>
  place === undefined ? {} : { NODE_COMPILE_CACHE: place })(process.env['NODE_COMPILE_CACHE']);

/** A program that a test started, with all that it wrote. */
export interface Started {
  readonly child: ChildProcess;
  /** Standard output and standard error so far. */
  text(): string;
  /** Waits until the output holds a match; throws with the output where the program ends before. */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Exit code, once it ended. */
  readonly ended: Promise<number | null>;
  /** Ends it at once, if it still runs. */
  kill(): Promise<void>;
}

/** Starts a Node program of this project with nothing in its environment but these variables and `COMPILED`. */
export function startNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(process.execPath, [...args], { cwd: ROOT, env: { NODE_ENV: 'production', ...COMPILED, ...env } });
  let text = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return {
    child,
    ended,
    text: () => text,
    until: (pattern) =>
      new Promise((done, fail) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (match === null) return;
          waiting.delete(look);
          done(match);
        };
        waiting.add(look);
        look();
        void ended.then((code) => {
          look();
          fail(new Error(`it ended with ${code} before it said ${pattern}:\n${text}`));
        });
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
