import { Fault } from '../codes.ts';
import { GivenUp } from '../deadline.ts';
import type { Dispatcher } from './undici.ts';

/** Headers of an answer by lower-case name: a line, or all of them in order. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What came back. `bytes` is empty for every status but 200. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly bytes: Uint8Array;
}

/** What an exchange is held to. */
export interface Bounds {
  /** Of whom messages tell. */
  readonly host: string;
  /** Bytes beyond which the answer is refused. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Told of the status as soon as it is there. */
  readonly began: (status: number) => void;
}

/** The answer has more bytes than the caller allowed; nothing of it is kept. */
export class BodyTooLarge extends Error {
  readonly maxBytes: number;
  constructor(host: string, maxBytes: number) {
    super(`The answer of ${host} is longer than ${maxBytes} bytes.`);
    this.name = 'BodyTooLarge';
    this.maxBytes = maxBytes;
  }
}

/** Bytes of an error's body that are read to keep the connection; more costs the connection. */
const DRAINED_BYTES = 16 * 1024;
const NONE = new Uint8Array();

/** All lines of a header, in order. */
export function linesOf(headers: AnswerHeaders, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/**
 * Sends one request and reads its answer: of status 200 whole, of any other the head, while its body goes in the background, so that the connection serves again.
 * Throws `BodyTooLarge`, `Fault` TRUST_SERVER_ERROR for an encoded body, the reason of the signal where it ends first, and the errors of undici.
 */
export const exchange = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  bounds: Bounds,
): Promise<HttpAnswer> =>
  new Promise((done, fail) => {
    bounds.signal.throwIfAborted();
    dispatcher.dispatch(options, new Reading(bounds, done, fail));
  });

/** Reads as undici hands over: its streams (`request`) cost a small answer more than all the rest. */
class Reading implements Dispatcher.DispatchHandler {
  readonly #bounds: Bounds;
  readonly #done: (answer: HttpAnswer) => void;
  readonly #fail: (error: unknown) => void;
  readonly #onAbort = (): void => {
    const { reason } = this.#bounds.signal as { readonly reason: Error };
    // What is given up arrives for nobody, and its connection lasts; what is late ends with it.
    if (!(reason instanceof GivenUp)) this.#controller?.abort(reason);
    this.#fail(reason);
  };
  #controller: Dispatcher.DispatchController | undefined;
  /** Of status 200. */
  #headers: AnswerHeaders | undefined;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(bounds: Bounds, done: (answer: HttpAnswer) => void, fail: (error: unknown) => void) {
    this.#bounds = bounds;
    this.#done = done;
    this.#fail = fail;
    bounds.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // What waited for a connection until now would meet a server that is back, for nobody. Thrown, the reason leaves the connection alone.
    this.#bounds.signal.throwIfAborted();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return;
    const { began, host, maxBytes } = this.#bounds;
    began(status);
    if (status !== 200) {
      this.#over();
      this.#done({ status, headers, bytes: NONE });
      return;
    }
    this.#headers = headers;
    const encoding = linesOf(headers, 'content-encoding').join(',').trim().toLowerCase();
    if (encoding !== '' && encoding !== 'identity') {
      const message = `${host} answered with an encoded body where it was asked for a plain one.`;
      controller.abort(new Fault('TRUST_SERVER_ERROR', message));
    } else if (Number(linesOf(headers, 'content-length')[0] ?? 0) > maxBytes)
      controller.abort(new BodyTooLarge(host, maxBytes));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const { host, maxBytes } = this.#bounds;
    const most = this.#headers === undefined ? DRAINED_BYTES : maxBytes;
    this.#length += chunk.length;
    if (this.#length > most) controller.abort(new BodyTooLarge(host, most));
    else if (this.#headers !== undefined) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#over();
    if (this.#headers === undefined) return;
    // Memory of its own: what is kept of it must not keep a whole read of the connection.
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#done({ status: 200, headers: this.#headers, bytes });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#over();
    this.#fail(error);
  }

  #over(): void {
    this.#bounds.signal.removeEventListener('abort', this.#onAbort);
  }
}
