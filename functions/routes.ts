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

const json = (value: unknown) => ({ type: 'application/json', text: JSON.stringify(value) });
const plain = (text: string) => ({ type: 'text/plain; charset=utf-8', text: `${text}\n` });

/** What is wrong with a body before it is parsed, if anything. */
function refuseUnread(request: FunctionRequest, body: Uint8Array): Refusal | undefined {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
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

async function admitRoute(app: Service, request: FunctionRequest, response: ServerResponse, url: URL): Promise<void> {
  const body = request.rawBody ?? new Uint8Array();
  const refusal = refuseUnread(request, body);
  const answer =
    refusal === undefined ? await app.admit(body, timeoutOf(url), request.headers) : app.refuse(body, refusal);
  send(response, 200, json(answer));
}

async function readinessRoute(app: Service, response: ServerResponse): Promise<void> {
  const { ready, problems } = await app.readiness();
  send(response, ready ? 200 : 503, json({ ready, problems }));
}

type Route = (
  app: Service,
  exchange: { request: FunctionRequest; response: ServerResponse; url: URL },
) => void | Promise<void>;

/** The target that was asked for last, and its URL: an API server asks for one and the same. */
let latest: { readonly target: string; readonly url: URL | null } = { target: '', url: null };

function urlOf(target: string): URL | null {
  if (latest.target !== target) latest = { target, url: URL.parse(`http://gate${target}`) };
  return latest.url;
}

/** Where a function takes reviews. */
export type ReviewPath = '/admit' | '/validate';

const COMMON: readonly (readonly [string, { readonly method: 'GET' | 'POST'; readonly route: Route }])[] = [
  ['/health/liveness', { method: 'GET', route: (_, { response }) => send(response, 200, plain('alive')) }],
  ['/health/readiness', { method: 'GET', route: (app, { response }) => readinessRoute(app, response) }],
  ['/metrics', { method: 'GET', route: async (app, { response }) => send(response, 200, await app.metrics()) }],
];
const REVIEW: Route = (app, { request, response, url }) => admitRoute(app, request, response, url);
const routesOf = (path: ReviewPath) =>
  new Map([[path as string, { method: 'POST' as const, route: REVIEW }], ...COMMON]);
const ROUTES = { '/admit': routesOf('/admit'), '/validate': routesOf('/validate') } as const;

/** Answers every path of a function: that of its reviews, the two health paths and `/metrics`; anything else is 404 or 405. */
export async function handle(
  app: Service,
  request: FunctionRequest,
  response: ServerResponse,
  path: ReviewPath = '/admit',
): Promise<void> {
  const url = urlOf(request.url ?? '/');
  const found = ROUTES[path].get(url?.pathname ?? '');
  if (url === null || found === undefined)
    return send(response, 404, plain(`There is nothing at this path; reviews go to POST ${path}.`));
  if (request.method !== found.method && !(request.method === 'HEAD' && found.method === 'GET')) {
    response.setHeader('allow', found.method);
    return send(response, 405, plain(`${url.pathname} takes ${found.method}.`));
  }
  await found.route(app, { request, response, url });
}
