import { Fault } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../ports.ts';
import { type Outside, openDispatcher } from './proxy.ts';
import type { Dispatcher } from './undici.ts';
import { isStale, unreachable } from './unreachable.ts';

/** One call: an https address, headers by lower-case name, and how many bytes of the answer are read. */
export interface HttpCall {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Form to POST (application/x-www-form-urlencoded); without it the call is a GET. */
  readonly form?: URLSearchParams;
  /** Bytes beyond which the answer is refused with `BodyTooLarge`. */
  readonly maxBytes: number;
}

/** What came back. `bytes` is empty for every status but 200. */
export interface HttpAnswer {
  readonly status: number;
  /** All lines of each header by lower-case name, in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly bytes: Uint8Array;
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

/** Told of one request: the status that came back, or what came in its place. */
export type Requested = (status: number | 'unreachable' | 'timeout') => void;

/** Statuses of RFC 9110 §15.4 that name another place by Location. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Bytes of an error's body that are read to keep the connection; more costs the connection. */
const DRAINED_BYTES = 16 * 1024;

/**
 * The only door to the network for trust servers and token services. https only; identity encoding only, so that the byte cap counts what
 * is kept; redirects only within the origin, so that neither a credential nor a request of ours is carried elsewhere (a metadata address).
 */
export class HttpClient {
  readonly #dispatcher: Dispatcher;
  readonly #clock: Clock;
  readonly #requested: Requested;

  /** `requested` is told of each request. Throws `Error` with a sentence when the CA bundle or the proxy address is not valid. */
  constructor(outside: Outside, clock: Clock, requested: Requested = () => undefined) {
    this.#dispatcher = openDispatcher(outside);
    this.#clock = clock;
    this.#requested = requested;
  }

  /**
   * Sends one call and reads its answer whole. Gives every status below 500 but redirects and 429 to the caller. Throws `BodyTooLarge`, and `Fault`:
   * TRUST_SERVER_UNREACHABLE, TRUST_SERVER_ERROR (5xx, encoded body), TRUST_SERVER_BUSY (429, or 503 with Retry-After), REDIRECT_REFUSED,
   * DEADLINE when `signal` ends first.
   */
  async call(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    let url = call.url;
    for (let hops = 0; hops <= LIMITS.redirects; hops += 1) {
      const answer = await this.#once({ ...call, url }, signal);
      if (!REDIRECTS.has(answer.status)) return answer;
      url = this.#redirected(call, url, answer);
    }
    throw new Fault('REDIRECT_REFUSED', `${call.url.host} redirected more than ${LIMITS.redirects} times.`);
  }

  /** Ends all connections; calls under way fail. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #once(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const { host, protocol } = call.url;
    if (protocol !== 'https:')
      throw new Fault('TRUST_SERVER_UNREACHABLE', `${host} is not asked: its address is not https.`);
    let answered = false;
    try {
      const response = await this.#sent(call, signal);
      answered = true;
      // A body that is cut off emits an error; without a listener that would end the process.
      response.body.on('error', () => undefined);
      this.#requested(response.statusCode);
      refuseStatus(host, response, this.#clock.now());
      return await readAnswer(host, response, call.maxBytes);
    } catch (error) {
      if (error instanceof Fault || error instanceof BodyTooLarge) throw error;
      if (!answered) this.#requested(signal.aborted ? 'timeout' : 'unreachable');
      if (signal.aborted) throw new Fault('DEADLINE', `${host} did not answer in time.`);
      throw unreachable(host, error);
    }
  }

  async #sent(call: HttpCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search } = call.url;
    const headers = { ...call.headers, 'accept-encoding': 'identity', 'user-agent': 'portieris' };
    const common = { origin, path: `${pathname}${search}`, signal };
    if (call.form !== undefined) {
      const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
      return this.#dispatcher.request({ ...common, method: 'POST', headers: form, body: call.form.toString() });
    }
    const get = () => this.#dispatcher.request({ ...common, method: 'GET', headers });
    return get().catch((error: unknown) => {
      if (signal.aborted || !isStale(error)) throw error;
      return get();
    });
  }

  #redirected(call: HttpCall, from: URL, answer: HttpAnswer): URL {
    const location = answer.headers.get('location')?.[0] ?? '';
    const to = URL.parse(location, from.href);
    if (
      call.form !== undefined ||
      to === null ||
      to.origin !== from.origin ||
      to.username !== '' ||
      to.password !== ''
    ) {
      const where = to === null ? 'nowhere' : to.origin;
      throw new Fault(
        'REDIRECT_REFUSED',
        `${from.host} redirected the gate to ${where.slice(0, 300)}, which it does not follow.`,
      );
    }
    return to;
  }
}

/** Seconds that a Retry-After header names (RFC 9110 §10.2.3: a number or a date), or undefined. */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.length > 64) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const date = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

function refuseStatus(host: string, response: Dispatcher.ResponseData, now: number): void {
  const { statusCode, headers } = response;
  if (statusCode < 500 && statusCode !== 429) return;
  discard(response);
  const retryAfter = retryAfterOf(one(headers['retry-after']), now);
  if (statusCode === 429 || (statusCode === 503 && retryAfter !== undefined)) {
    const after = retryAfter === undefined ? '' : `; retry after ${retryAfter} seconds`;
    const options = retryAfter === undefined ? {} : { retryAfter };
    throw new Fault('TRUST_SERVER_BUSY', `${host} asks to be called less often (HTTP ${statusCode})${after}.`, options);
  }
  throw new Fault('TRUST_SERVER_ERROR', `${host} answered with HTTP ${statusCode}.`);
}

/** Lets a body go in the background: a short one is read so that the connection serves again, a long one ends it. */
function discard(response: Dispatcher.ResponseData): void {
  response.body.dump({ limit: DRAINED_BYTES }).catch(() => undefined);
}

async function readAnswer(host: string, response: Dispatcher.ResponseData, maxBytes: number): Promise<HttpAnswer> {
  const headers = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers.set(name.toLowerCase(), Array.isArray(value) ? value : [value]);
  }
  if (response.statusCode !== 200) {
    discard(response);
    return { status: response.statusCode, headers, bytes: new Uint8Array() };
  }
  const encoding = headers.get('content-encoding')?.join(',').trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== '') {
    response.body.destroy();
    throw new Fault('TRUST_SERVER_ERROR', `${host} answered with an encoded body where it was asked for a plain one.`);
  }
  const declared = Number(headers.get('content-length')?.[0] ?? 0);
  return { status: 200, headers, bytes: await readBody(host, response, { declared, maxBytes }) };
}

function readBody(
  host: string,
  { body }: Dispatcher.ResponseData,
  { declared, maxBytes }: { readonly declared: number; readonly maxBytes: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  return new Promise((done, fail) => {
    const giveUp = (): void => {
      // With the body the connection ends.
      body.destroy();
      fail(new BodyTooLarge(host, maxBytes));
    };
    if (declared > maxBytes) return giveUp();
    // Events, not `for await`: an iterator costs a small body more than all the rest of its reading.
    body.on('data', (chunk: Uint8Array) => {
      total += chunk.length;
      if (total > maxBytes) giveUp();
      else chunks.push(chunk);
    });
    body.on('end', () => done(new Uint8Array(Buffer.concat(chunks, total))));
    body.on('error', fail);
    body.on('close', () => fail(new Error('the body ended before its end')));
  });
}
