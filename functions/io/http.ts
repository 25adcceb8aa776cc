import { Fault } from '../codes.ts';
import { GivenUp } from '../deadline.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../ports.ts';
import { BodyTooLarge, exchange, type HttpAnswer, linesOf } from './exchange.ts';
import { type Outside, openDispatcher } from './proxy.ts';
import type { Dispatcher } from './undici.ts';
import { isStale, unreachable } from './unreachable.ts';

/** An address in the two parts that a request needs, so that none is parsed for each. */
export interface Place {
  /** `https://host[:port]`, as `URL.origin` writes it. */
  readonly origin: string;
  /** Path and query, encoded. */
  readonly path: string;
}

/** One call: an https address, headers by lower-case name, and how many bytes of the answer are read. */
export interface HttpCall extends Place {
  readonly headers?: Readonly<Record<string, string>>;
  /** Form to POST (application/x-www-form-urlencoded); without it the call is a GET. */
  readonly form?: URLSearchParams;
  /** Bytes beyond which the answer is refused with `BodyTooLarge`. */
  readonly maxBytes: number;
}

/** Told of one request: the status that came back, or what came in its place. */
export type Requested = (status: number | 'unreachable' | 'timeout') => void;

/** Statuses of RFC 9110 §15.4 that name another place by Location. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

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
   * DEADLINE when `signal` ends first, or `GivenUp` where that is its reason.
   */
  async call(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    let hop = call;
    for (let hops = 0; hops <= LIMITS.redirects; hops += 1) {
      const answer = await this.#once(hop, signal);
      if (!REDIRECTS.has(answer.status)) return answer;
      hop = { ...call, path: redirected(hop, answer) };
    }
    throw new Fault('REDIRECT_REFUSED', `${hostOf(call)} redirected more than ${LIMITS.redirects} times.`);
  }

  /** Ends all connections; calls under way fail. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #once(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const host = hostOf(call);
    if (!call.origin.startsWith(HTTPS))
      throw new Fault('TRUST_SERVER_UNREACHABLE', `${host} is not asked: its address is not https.`);
    let began = false;
    const send = (): Promise<HttpAnswer> =>
      exchange(this.#dispatcher, optionsOf(call), {
        host,
        maxBytes: call.maxBytes,
        signal,
        began: (status) => {
          began = true;
          this.#requested(status);
        },
      });
    const stale = (error: unknown): boolean => !began && call.form === undefined && !signal.aborted && isStale(error);
    try {
      const answer = await send().catch((error: unknown) => {
        if (!stale(error)) throw error;
        return send();
      });
      refuseStatus(host, answer, this.#clock.now());
      return answer;
    } catch (error) {
      if (error instanceof Fault || error instanceof BodyTooLarge || error instanceof GivenUp) throw error;
      if (!began) this.#requested(signal.aborted ? 'timeout' : 'unreachable');
      if (signal.aborted) throw new Fault('DEADLINE', `${host} did not answer in time.`);
      throw unreachable(host, error);
    }
  }
}

const HTTPS = 'https://';
/** Host and port, as messages name them. */
export const hostOf = ({ origin }: Place): string => origin.slice(origin.indexOf('//') + 2);

/** Where an address leads. */
export const placeOf = ({ origin, pathname, search }: URL): Place => ({ origin, path: `${pathname}${search}` });

/** The path to which a call was redirected. */
function redirected(call: HttpCall, answer: HttpAnswer): string {
  const location = linesOf(answer.headers, 'location')[0] ?? '';
  const to = URL.parse(location, `${call.origin}${call.path}`);
  if (call.form === undefined && to?.origin === call.origin && to.username === '' && to.password === '')
    return placeOf(to).path;
  const where = to === null ? 'nowhere' : to.origin;
  const message = `${hostOf(call)} redirected the gate to ${where.slice(0, 300)}, which it does not follow.`;
  throw new Fault('REDIRECT_REFUSED', message);
}

/** Seconds that a Retry-After header names (RFC 9110 §10.2.3: a number or a date), or undefined. */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.length > 64) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const date = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** GET, or POST of a form. */
function optionsOf({ origin, path, headers, form }: HttpCall): Dispatcher.DispatchOptions {
  const common = { ...headers, 'accept-encoding': 'identity', 'user-agent': 'portieris' };
  if (form === undefined) return { origin, path, method: 'GET', headers: common };
  const typed = { ...common, 'content-type': 'application/x-www-form-urlencoded' };
  return { origin, path, method: 'POST', headers: typed, body: form.toString() };
}

function refuseStatus(host: string, { status, headers }: HttpAnswer, now: number): void {
  if (status < 500 && status !== 429) return;
  const retryAfter = retryAfterOf(linesOf(headers, 'retry-after')[0], now);
  if (status === 429 || (status === 503 && retryAfter !== undefined)) {
    const after = retryAfter === undefined ? '' : `; retry after ${retryAfter} seconds`;
    const options = retryAfter === undefined ? {} : { retryAfter };
    throw new Fault('TRUST_SERVER_BUSY', `${host} asks to be called less often (HTTP ${status})${after}.`, options);
  }
  throw new Fault('TRUST_SERVER_ERROR', `${host} answered with HTTP ${status}.`);
}
