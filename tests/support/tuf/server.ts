import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import forge from 'node-forge';
import type { TestRepository } from './repository.ts';

/** Takes over the answer to a request: returns true when it has answered (or will). */
export type NotaryOverride = (request: IncomingMessage, response: ServerResponse) => boolean;

/** How a server made for a test behaves. */
export interface NotaryServerOptions {
  readonly repositories: readonly TestRepository[];
  /** Default true. */
  readonly tls?: boolean;
  /** With credentials, every file needs a token of `/token`, given to these; without, no token is asked for. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** Port to listen on; default a free one. */
  readonly port?: number;
}

/** A running server; close it in the test's own `after`. */
export interface NotaryServer {
  /** Origin: `https://localhost:<port>`. */
  readonly origin: string;
  /** PEM of the certificate authority of the server's certificate; undefined without TLS. */
  readonly ca: string | undefined;
  /** Path of each request so far. */
  readonly requests: string[];
  /** By path (`/v2/<gun>/_trust/tuf/<file>.json`, `/token`): what answers in place of the server. */
  readonly overrides: Map<string, NotaryOverride>;
  /** Path of a file: `pathOf(repository, 'timestamp')`. */
  pathOf(repository: TestRepository, file: string): string;
  close(): Promise<void>;
}

const pathOf = (repository: TestRepository, file: string): string => `/v2/${repository.gun}/_trust/tuf/${file}.json`;

const fail = (response: ServerResponse, status: number, code: string): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ errors: [{ code, message: code, detail: null }] }));
};

class TokenService {
  readonly #basic: string;
  readonly #tokens = new Set<string>();

  constructor(auth: { readonly username: string; readonly password: string }) {
    this.#basic = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  }

  give(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== this.#basic) {
      fail(response, 401, 'UNAUTHORIZED');
      return;
    }
    const token = randomBytes(16).toString('hex');
    this.#tokens.add(token);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  }

  admits(request: IncomingMessage): boolean {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    return scheme === 'Bearer' && token !== undefined && this.#tokens.has(token);
  }
}

const challenge = (response: ServerResponse, origin: string, gun: string): void => {
  const value = `Bearer realm="${origin}/token",service="notary",scope="repository:${gun}:pull"`;
  response.setHeader('www-authenticate', value);
  fail(response, 401, 'UNAUTHORIZED');
};

const serverCertificate = (): { readonly key: string; readonly cert: string } => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { format: 'pem', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - 3600 * 1000);
  certificate.validity.notAfter = new Date(Date.now() + 7 * 24 * 3600 * 1000);
  const name = [{ name: 'commonName', value: 'localhost' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: 'localhost' },
        { type: 7, ip: '127.0.0.1' },
      ],
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(pair.privateKey), forge.md.sha256.create());
  return { key: pair.privateKey, cert: forge.pki.certificateToPem(certificate) };
};

const answerFile = (repositories: readonly TestRepository[], path: string, response: ServerResponse): void => {
  for (const repository of repositories) {
    const prefix = `/v2/${repository.gun}/_trust/tuf/`;
    if (!path.startsWith(prefix) || !path.endsWith('.json')) continue;
    const bytes = repository.files.get(path.slice(prefix.length, -'.json'.length));
    if (bytes === undefined) break;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    response.end(bytes);
    return;
  }
  fail(response, 404, 'METADATA_NOT_FOUND');
};

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

/** Serves repositories as a Notary server does (`GET /v2/<gun>/_trust/tuf/<file>.json`), with a token service beside it on wish. */
export async function serveNotary(options: NotaryServerOptions): Promise<NotaryServer> {
  const tokens = options.auth === undefined ? undefined : new TokenService(options.auth);
  const requests: string[] = [];
  const overrides = new Map<string, NotaryOverride>();
  let origin = '';
  const listener: RequestListener = (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    requests.push(path);
    if (overrides.get(path)?.(request, response) === true) return;
    if (tokens !== undefined && path === '/token') {
      tokens.give(request, response);
      return;
    }
    const gun = path.slice('/v2/'.length, Math.max(path.indexOf('/_trust/'), 0));
    if (tokens !== undefined && !tokens.admits(request)) challenge(response, origin, gun);
    else if (path === '/v2/') response.writeHead(200).end('{}');
    else answerFile(options.repositories, path, response);
  };
  const tls = options.tls === false ? undefined : serverCertificate();
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  const port = await listen(server, options.port ?? 0);
  origin = `${tls === undefined ? 'http' : 'https'}://localhost:${port}`;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin, ca: tls?.cert, requests, overrides, pathOf, close };
}
