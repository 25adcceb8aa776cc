import { Agent, request } from 'undici';

/** An HTTP answer, read whole. */
export interface WebAnswer {
  readonly status: number;
  readonly text: string;
  /** Texts of its `Warning` headers (RFC 7234 §5.5), as an API server sends them. */
  readonly warnings: readonly string[];
}

/** Asks one question at a time of a server of the test; trusts only the authority it is given. */
export interface WebClient {
  /** Sends the request; a body is sent as JSON unless `headers` say otherwise. */
  ask(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<WebAnswer>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

const ASK_MILLISECONDS = 60_000;

/** A client for one origin; `headers` go with every request. */
export function webClient(origin: string, authority: string, headers: Record<string, string> = {}): WebClient {
  const agent = new Agent({ connect: { ca: authority } });
  return {
    async ask(method, path, options = {}) {
      const body = options.body === undefined ? null : JSON.stringify(options.body);
      const answer = await request(`${origin}${path}`, {
        method: method as Method,
        dispatcher: agent,
        headers: { ...headers, ...(body === null ? {} : { 'content-type': 'application/json' }), ...options.headers },
        body,
        signal: AbortSignal.timeout(ASK_MILLISECONDS),
      });
      const warnings = [answer.headers['warning'] ?? []].flat().map((text) => JSON.parse(text.replace(/^299 - /, '')));
      return { status: answer.statusCode, text: await answer.body.text(), warnings };
    },
    close: () => agent.close(),
  };
}
