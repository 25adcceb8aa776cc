import { Fault } from './codes.ts';

/** What a promise gives, or `Fault` DEADLINE with this message when the signal aborts first; the work itself goes on behind it. */
export function within<T>(signal: AbortSignal, work: Promise<T>, message: string): Promise<T> {
  return new Promise((done, fail) => {
    const onAbort = (): void => fail(new Fault('DEADLINE', message));
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    void work.then(done, fail).then(settled);
    // What is there already counts, however late it is asked for.
    if (signal.aborted) queueMicrotask(onAbort);
    else signal.addEventListener('abort', onAbort, { once: true });
  });
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

/** Reason of a signal whose work has failed: nobody waits for what it left under way. */
export class GivenUp extends Error {
  constructor(cause: unknown) {
    super('The work that this was for has failed.', { cause });
    this.name = 'GivenUp';
  }
}

/**
 * Work that no caller's signal ends, and that has `milliseconds`, after which it gives `Fault` DEADLINE with this message. Its timer keeps no process alive. When
 * it fails, its signal ends with `GivenUp`.
 */
export function detached<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  message: string,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds).unref();
  const done = within(controller.signal, work(controller.signal), message);
  void done.catch((error: unknown) => controller.abort(new GivenUp(error))).finally(() => clearTimeout(timer));
  return done;
}

/** Never less than this (ms), however short the timeout: a cached proof needs a fraction of it. */
const SHORTEST_DEADLINE = 100;

/** Milliseconds for an answer that the API server waits `timeout` ms for: less the margin of the configuration. */
export const deadlineOf = (timeout: number, { deadlineMargin }: { readonly deadlineMargin: number }): number =>
  Math.max(timeout - deadlineMargin, SHORTEST_DEADLINE);
