import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import forge from 'node-forge';

/** Answers one request. */
export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** What a server saw of one request. */
export interface Seen {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A running https server on a free port of the loopback. */
export interface TestServer {
  /** `https://localhost:<port>`. */
  readonly origin: string;
  readonly port: number;
  readonly seen: Seen[];
  /** TCP connections opened so far. */
  connections(): number;
  /** By path: what answers; without an entry the answer is 404. */
  readonly routes: Map<string, Handler>;
  close(): Promise<void>;
}

const HOUR = 3600 * 1000;

const keyPair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { format: 'pem', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });

const certificate = (subject: string, publicKey: string) => {
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(publicKey);
  made.serialNumber = `01${randomBytes(8).toString('hex')}`;
  made.validity.notBefore = new Date(Date.now() - HOUR);
  made.validity.notAfter = new Date(Date.now() + 24 * HOUR);
  made.setSubject([{ name: 'commonName', value: subject }]);
  return made;
};

/** A certificate authority made for a test, and server certificates from it. */
export class TestAuthority {
  /** PEM of the authority's certificate. */
  readonly ca: string;
  readonly #key = keyPair();
  readonly #certificate = certificate('test authority', this.#key.publicKey);

  constructor() {
    this.#certificate.setIssuer(this.#certificate.subject.attributes);
    this.#certificate.setExtensions([
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ]);
    this.#certificate.sign(forge.pki.privateKeyFromPem(this.#key.privateKey), forge.md.sha256.create());
    this.ca = forge.pki.certificateToPem(this.#certificate);
  }

  /** Key and certificate (PEM) for DNS names and the address 127.0.0.1 unless `names` is given. */
  issue(names: readonly string[] = ['localhost', '127.0.0.1']): { readonly key: string; readonly cert: string } {
    const pair = keyPair();
    const made = certificate(names[0] ?? 'server', pair.publicKey);
    made.setIssuer(this.#certificate.subject.attributes);
    const altNames = names.map((name) => (/^[0-9.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name }));
    made.setExtensions([
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames },
    ]);
    made.sign(forge.pki.privateKeyFromPem(this.#key.privateKey), forge.md.sha256.create());
    return { key: pair.privateKey, cert: forge.pki.certificateToPem(made) };
  }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

/** Serves routes over TLS with a certificate of `authority`. */
export async function serve(authority: TestAuthority, names?: readonly string[]): Promise<TestServer> {
  const seen: Seen[] = [];
  const routes = new Map<string, Handler>();
  const sockets = new Set<Socket>();
  let connections = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const { method = '', url = '/', headers } = request;
    seen.push({ method, url, authorization: headers.authorization, headers, body });
    const handler = routes.get(new URL(url, 'https://localhost').pathname) ?? respond(404);
    handler(request, response, body);
  };
  const server = createServer(authority.issue(names), (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { origin: `https://localhost:${port}`, port, seen, connections: () => connections, routes, close };
}

/** Answers with a status, headers and a body. */
export const respond =
  (status: number, headers: Readonly<Record<string, string>> = {}, body: string | Uint8Array = ''): Handler =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

/** Answers 200 with JSON. */
export const json = (value: unknown): Handler =>
  respond(200, { 'content-type': 'application/json' }, JSON.stringify(value));

/** Never answers. */
export const silence: Handler = () => undefined;

/** Begins to answer, then sends one byte each 20 ms for ever. */
export const drip: Handler = (_request, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write('x'), 20);
  response.on('close', () => clearInterval(timer));
};

/** Sends bytes as fast as they are taken, for ever; `sent` counts them. */
export function endless(): { readonly handler: Handler; readonly sent: () => number } {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const handler: Handler = (_request, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  return { handler, sent: () => sent };
}

/** 64 MiB of zeros in some 64 KiB of gzip: 64 members of 1 MiB (RFC 1952 §2.2), quick to make. */
export const gzipBomb: Handler = (_request, response) => {
  const member = gzipSync(Buffer.alloc(1024 * 1024));
  response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.concat(Array.from({ length: 64 }, () => member)));
};

/** Sends half of what it announced, then breaks the connection off. */
export const halfway: Handler = (_request, response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('x'.repeat(500), () => response.socket?.destroy());
};

/** Breaks the connection off without an answer. */
export const reset: Handler = (request) => {
  request.socket.destroy();
};
