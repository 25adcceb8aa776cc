import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import type { Config } from './config.ts';

/** The structured log: one JSON object a line. Never give it credentials, Secrets or review bodies. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** An error as a line of the log tells it. */
interface ToldError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** Where it was thrown: the frames alone. */
  readonly stack: string;
  readonly cause?: ToldError;
}

/** Causes of causes that are told. */
const CAUSES = 4;
const MESSAGE_LENGTH = 1000;
/** What follows a scheme of Authorization (RFC 9110 §11.4), and what stands before the host in a URL (RFC 3986 §3.2.1). */
const CREDENTIALS = [
  /\b(?:bearer|basic)\s+[\w.~+/=-]+/gi,
  /\/\/[^\s/@]+@/g,
  /\b\w*(?:password|token|secret)["']?\s*[:=]\s*["']?[^\s"',}]+/gi,
] as const;

/** A message without what has the look of a credential. */
const masked = (message: string): string =>
  CREDENTIALS.reduce((text, pattern) => text.replaceAll(pattern, '[left out]'), message.slice(0, MESSAGE_LENGTH));

/**
 * What a line tells of an error: its type, code, message and frames, and no field of its own: libraries hang requests, answers and headers on their errors.
 * The message of a SyntaxError is left out, for JSON.parse quotes what it read, and that may have been a Secret.
 */
export function tellError(error: unknown, causes: number = CAUSES): ToldError {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no error was thrown', stack: '' };
  const code: unknown = 'code' in error ? error.code : undefined;
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    message: error instanceof SyntaxError ? '[left out: it quotes what was read]' : masked(error.message),
    stack: frames.join('\n'),
    ...(error.cause !== undefined && causes > 0 && { cause: tellError(error.cause, causes - 1) }),
  };
}

/** A line waits this long at most (ms) for others to be written with: one write for each costs an admission an eighth of its time. */
const GATHERED = 100;
/** Characters that are written at once. */
const BLOCK = 4096;
let output: DestinationStream | undefined;

/**
 * Lines in blocks for a stream that writes at once. The stream would gather them itself, but measures all that it has gathered in UTF-8 at each line, for
 * which V8 copies it.
 */
class Blocks implements DestinationStream {
  readonly #stream: DestinationStream;
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: DestinationStream) {
    this.#stream = stream;
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length < BLOCK) this.#timer ??= setTimeout(() => this.flush(), GATHERED).unref();
    else this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#stream.write(lines);
  }
}

/** Standard output, written in blocks. What is left is written when the process ends, however it ends but by SIGKILL. */
function standard(): DestinationStream {
  if (output !== undefined) return output;
  const stream = pino.destination({ dest: 1, sync: true });
  const blocks = new Blocks(stream);
  process.once('exit', () => {
    blocks.flush();
    stream.flushSync();
  });
  output = blocks;
  return blocks;
}

let stamp = { at: Number.NaN, text: '' };

/** The member `time` of a line (RFC 3339, UTC), made once for all lines of a millisecond. */
function timestamp(): string {
  const at = Date.now();
  if (at !== stamp.at) stamp = { at, text: `,"time":"${new Date(at).toISOString()}"` };
  return stamp.text;
}

/** Opens the log at a level, on standard output or where `destination` says; lines carry `time` (RFC 3339), `level` and `message`. */
export function openLog(level: Config['logLevel'], destination = standard()): Log {
  const options: LoggerOptions = {
    level,
    base: null,
    messageKey: 'message',
    timestamp,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (error: unknown) => tellError(error) },
  };
  return pino(options, destination);
}

/** A log that says nothing, for tests and tools. */
export const silentLog: Log = pino({ level: 'silent' });
