/**
 * A value that is at hand, or promised. What an admission asks for is mostly at hand, in a cache or a watched list, and the promises on the way to it would be
 * most of what it leaves behind for the collector.
 */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value: at once where it is at hand. */
export const proceed = <T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> =>
  value instanceof Promise ? value.then(next) : next(value);

/** Does work, and gives what `otherwise` makes of its error, be it thrown or promised. What `otherwise` throws is promised. */
export function rescue<T>(work: () => Awaitable<T>, otherwise: (error: unknown) => T): Awaitable<T> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(otherwise) : value;
  } catch (error) {
    return Promise.reject(error).catch(otherwise);
  }
}

/** As `Promise.all`; at once where all are at hand. */
export const all = <T>(values: readonly Awaitable<T>[]): Awaitable<readonly T[]> =>
  values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);

/** The next turn of the event loop. What is ready gets on before it: a file that is written, an answer that came in, another admission. */
export const turn = (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });
