import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './app.ts';
import type { Refusal } from './codes.ts';
import { LIMITS } from './limits.ts';

/** A request as functions-framework hands it over: the body is read, its bytes are kept. */
export interface FunctionRequest extends IncomingMessage {
  readonly rawBody?: Buffer;
}

/** What the routes call: a gate, or the validating function. `admit` answers a review within `timeout` milliseconds, always. */
export type Service = Pick<App, 'admit' | 'refuse' | 'readiness' | 'metrics'>;

/** Timeout of the webhook where the API server names none (admissionregistration.k8s.io default), in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;
/** Longest timeoutSeconds of a webhook configuration. */
const LONGEST_TIMEOUT = 30_000;

/** Milliseconds of the `?timeout=` that the API server sends (`10s`, or a Go duration in ms, s or m). */
export function timeoutOf(url: URL): number {
  const match = /^(\d{1,6}(?:\.\d{1,9})?)(ms|s|m)$/.exec(url.searchParams.get('timeout') ?? '');
  if (match === null) return DEFAULT_TIMEOUT;
  const unit = { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm'];
  return Math.min(Number(match[1]) * unit, LONGEST_TIMEOUT);
}

function send(response: ServerResponse, status: number, body: { type: string; text: string }): void {
  response.writeHead(status, {
    'content-type': body.type,
    'content-length': Buffer.byteLength(body.text),
    'x-content-type-options': 'nosniff',
  });
  response.end(body.text);
}

const JSON_TYPE = 'application/json';
const json = (value: unknown) => ({ type: JSON_TYPE, text: JSON.stringify(value) });
const plain = (text: string) => ({ type: 'text/plain; charset=utf-8', text: `${text}\n` });

/** What is wrong with a body before it is parsed, if anything. */
function refuseUnread(request: FunctionRequest, body: Uint8Array): Refusal | undefined {
  const said = request.headers['content-type'];
  const type = said === JSON_TYPE ? said : said?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== JSON_TYPE) {
    return {
      code: 'REVIEW_INVALID',
      message: `The content type is ${JSON.stringify(type ?? '')}, not application/json.`,
    };
  }
  if (body.byteLength > LIMITS.reviewBytes) {
    return { code: 'REVIEW_TOO_LARGE', message: `The body is larger than ${LIMITS.reviewBytes} bytes.` };
  }
  return undefined;
}

async function admitRoute(app: Service, { request, response, timeout }: Exchange): Promise<void> {
  const body = request.rawBody ?? new Uint8Array();
  const refusal = refuseUnread(request, body);
  const { answer, tell } =
    refusal === undefined ? await app.admit(body, timeout, request.headers) : app.refuse(body, refusal);
  send(response, 200, json(answer));
  tell();
}

async function readinessRoute(app: Service, response: ServerResponse): Promise<void> {
  const { ready, problems } = await app.readiness();
  send(response, ready ? 200 : 503, json({ ready, problems }));
}

interface Exchange {
  readonly request: FunctionRequest;
  readonly response: ServerResponse;
  /** Milliseconds that the caller waits. */
  readonly timeout: number;
}

type Route = (app: Service, exchange: Exchange) => void | Promise<void>;

/** What a request target asks for (RFC 9112 §3.2). */
interface Target {
  readonly text: string;
  /** Undefined where it is no target. */
  readonly path: string | undefined;
  readonly timeout: number;
}

/** The target that was asked for last: an API server asks for one and the same. */
let latest: Target = { text: '', path: undefined, timeout: DEFAULT_TIMEOUT };

function targetOf(text: string): Target {
  if (latest.text === text) return latest;
  const url = URL.parse(`http://gate${text}`);
  latest = { text, path: url?.pathname, timeout: url === null ? DEFAULT_TIMEOUT : timeoutOf(url) };
  return latest;
}

/** Where a function takes reviews. */
export type ReviewPath = '/admit' | '/validate';

const COMMON: readonly (readonly [string, { readonly method: 'GET' | 'POST'; readonly route: Route }])[] = [
  ['/health/liveness', { method: 'GET', route: (_, { response }) => send(response, 200, plain('alive')) }],
  ['/health/readiness', { method: 'GET', route: (app, { response }) => readinessRoute(app, response) }],
  ['/metrics', { method: 'GET', route: async (app, { response }) => send(response, 200, await app.metrics()) }],
];
const routesOf = (path: ReviewPath) =>
  new Map([[path as string, { method: 'POST' as const, route: admitRoute as Route }], ...COMMON]);
const ROUTES = { '/admit': routesOf('/admit'), '/validate': routesOf('/validate') } as const;

/** Answers every path of a function: that of its reviews, the two health paths and `/metrics`; anything else is 404 or 405. */
export function handle(
  app: Service,
  request: FunctionRequest,
  response: ServerResponse,
  path: ReviewPath = '/admit',
): void | Promise<void> {
  const target = targetOf(request.url ?? '/');
  const found = ROUTES[path].get(target.path ?? '');
  if (found === undefined)
    return send(response, 404, plain(`There is nothing at this path; reviews go to POST ${path}.`));
  if (request.method !== found.method && !(request.method === 'HEAD' && found.method === 'GET')) {
    response.setHeader('allow', found.method);
    return send(response, 405, plain(`${target.path} takes ${found.method}.`));
  }
  return found.route(app, { request, response, timeout: target.timeout });
}
