import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as forward } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Pair } from './certificates.ts';

/** What happens to one request; `pass` lets it through to the server behind. */
export type Weather = (request: IncomingMessage, response: ServerResponse, pass: () => void) => void;

/** A TLS server in front of a Notary server: lets requests through, or gives them the weather of the test. */
export interface NotaryProxy {
  /** `https://127.0.0.1:port`. */
  readonly origin: string;
  /** Path of each request that arrived, in order. */
  readonly asked: string[];
  /** Requests that arrived and are not answered. */
  waiting(): number;
  /** What happens to requests from now on. */
  weather: Weather;
  /** Every connection is broken off, and new ones are until `mend`. */
  cut(): void;
  mend(): void;
  /** Serves another certificate to new connections, and ends the old ones. */
  present(pair: Pair): void;
  close(): Promise<void>;
}

/** Lets every request through. */
export const fair: Weather = (_request, _response, pass) => pass();

/** Answers with a status and headers in the server's place. */
export const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}): Weather =>
  (_request, response) => {
    response.writeHead(status, headers).end();
  };

/** Keeps every request waiting until `release`, which then lets all of them through. */
export function holding(): { readonly weather: Weather; release(): void } {
  const held: (() => void)[] = [];
  let open = false;
  return {
    weather: (_request, _response, pass) => void (open ? pass() : held.push(pass)),
    release() {
      open = true;
      for (const pass of held.splice(0)) pass();
    },
  };
}

/** Lets so many requests through and breaks every later one off. */
export function breakingAfter(requests: number): Weather {
  let seen = 0;
  return (request, _response, pass) => {
    seen += 1;
    if (seen > requests) request.socket.destroy();
    else pass();
  };
}

/** Starts the proxy on a free port of the loopback; `pair` is what it presents. */
export async function startNotaryProxy(
  behind: { readonly origin: string; readonly authorityFile: string },
  pair: Pair,
): Promise<NotaryProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(behind.authorityFile, 'utf8') });
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  let waiting = 0;
  let isCut = false;
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    const { method, url = '/', headers } = request;
    asked.push(url);
    waiting += 1;
    response.once('close', () => {
      waiting -= 1;
    });
    proxy.weather(request, response, () => {
      const passed = forward(`${behind.origin}${url}`, { agent, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.once('error', () => response.destroy());
      passed.end();
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    if (isCut) socket.destroy();
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const proxy: NotaryProxy = {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    waiting: () => waiting,
    weather: fair,
    cut() {
      isCut = true;
      breakOff();
    },
    mend() {
      isCut = false;
    },
    present({ certificate, key }) {
      server.setSecureContext({ cert: certificate, key });
      breakOff();
    },
    async close() {
      breakOff();
      agent.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
  return proxy;
}
