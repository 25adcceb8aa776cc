import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/** The structured log: one JSON object a line. Never give it credentials, Secrets or review bodies. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Opens the log at a level, on standard output or where `to` says; lines carry `time` (RFC 3339), `level` and `message`. */
export function openLog(level: Config['logLevel'], to?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return to === undefined ? pino(options) : pino(options, to);
}

/** A log that says nothing, for tests and tools. */
export const silentLog: Log = pino({ level: 'silent' });
