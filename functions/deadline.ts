import { Fault } from './codes.ts';

/** What a promise gives, or `Fault` DEADLINE with this message when the signal aborts first; the work itself goes on behind it. */
export async function within<T>(signal: AbortSignal, work: Promise<T>, message: string): Promise<T> {
  let onAbort: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Fault('DEADLINE', message));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

/**
 * What work gives that is told by a signal when `milliseconds` are over. The timer ends with the work: with AbortSignal.timeout, which can't
 * be ended, a busy gate holds the signals, and with them the reviews, of all admissions of the last ten seconds.
 */
export async function timed<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Never less than this (ms), however short the timeout: a cached proof needs a fraction of it. */
const SHORTEST_DEADLINE = 100;

/** Milliseconds for an answer that the API server waits `timeout` ms for: less the margin of the configuration. */
export const deadlineOf = (timeout: number, { deadlineMargin }: { readonly deadlineMargin: number }): number =>
  Math.max(timeout - deadlineMargin, SHORTEST_DEADLINE);
