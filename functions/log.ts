import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/** The structured log: one JSON object a line, on standard output. Never give it credentials, Secrets or review bodies. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Opens the log at a level; lines carry `time` (RFC 3339), `level` and `message`. */
export function openLog(level: Config['logLevel']): Log {
  return pino({
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** A log that says nothing, for tests and tools. */
export const silentLog: Log = pino({ level: 'silent' });
