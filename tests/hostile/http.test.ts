import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../functions/codes.ts';
import { BodyTooLarge } from '../../functions/io/exchange.ts';
import { HttpClient } from '../../functions/io/http.ts';
import {
  drip,
  endless,
  gzipBomb,
  halfway,
  reset,
  respond,
  serve,
  silence,
  TestAuthority,
  type TestServer,
} from '../support/server.ts';

const authority = new TestAuthority();
let server: TestServer;
let client: HttpClient;

beforeAll(async () => {
  server = await serve(authority);
  client = new HttpClient({ ca: authority.ca, env: {} }, { now: () => Date.now() });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const call = (path: string, { maxBytes = 1_000_000, ms = 5_000 } = {}) =>
  client.call(
    { origin: server.origin, path, headers: { authorization: 'Bearer secret' }, maxBytes },
    AbortSignal.timeout(ms),
  );
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a server that means harm', () => {
  it('cannot have more read than was allowed by an endless body', async () => {
    const { handler, sent } = endless();
    server.routes.set('/endless', handler);
    expect(await failureOf(call('/endless'))).toBeInstanceOf(BodyTooLarge);
    // What the kernel and TLS had in their buffers may have been sent beside it.
    expect(sent()).toBeLessThan(20_000_000);
  });

  it('cannot have an announced length read at all', async () => {
    server.routes.set('/huge', respond(200, { 'content-length': String(2 ** 40) }));
    expect(await failureOf(call('/huge'))).toBeInstanceOf(BodyTooLarge);
  });

  it.each(['-5', '1e3', 'x', '10, 20'])('cannot confuse the cap by the length %s', async (length) => {
    server.routes.set('/odd', (request) => {
      request.socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${'x'.repeat(100)}`);
    });
    expect(await failureOf(call('/odd', { maxBytes: 10 }))).toBeInstanceOf(Error);
  });

  it.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, identity'])(
    'cannot have a body in %s unpacked',
    async (encoding) => {
      server.routes.set(
        '/packed',
        encoding === 'gzip' ? gzipBomb : respond(200, { 'content-encoding': encoding }, 'x'),
      );
      const before = process.memoryUsage().rss;
      expect(await failureOf(call('/packed', { maxBytes: 100_000_000 }))).toMatchObject({ code: 'TRUST_SERVER_ERROR' });
      expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    },
  );

  it('cannot hold a call beyond its deadline: by silence, a drip, or half an answer', async () => {
    server.routes.set('/silence', silence);
    server.routes.set('/drip', drip);
    server.routes.set('/half', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('x'.repeat(500));
    });
    const all = await Promise.all(['/silence', '/drip', '/half'].map((path) => failureOf(call(path, { ms: 200 }))));
    expect(all.map((error) => (error as Fault).code)).toEqual(['DEADLINE', 'DEADLINE', 'DEADLINE']);
  });

  it('that breaks off is a fault, never a shorter body', async () => {
    server.routes.set('/halfway', halfway);
    server.routes.set('/reset', reset);
    expect(await failureOf(call('/halfway'))).toMatchObject({ code: 'TRUST_SERVER_UNREACHABLE' });
    expect(await failureOf(call('/reset'))).toMatchObject({ code: 'TRUST_SERVER_UNREACHABLE' });
  });

  it('that does not speak HTTP, or sends headers without end, is a fault', async () => {
    server.routes.set('/garbage', (request) => void request.socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    server.routes.set('/headers', (request) => {
      request.socket.write(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(100_000)}\r\n`);
    });
    for (const path of ['/garbage', '/headers']) {
      expect(await failureOf(call(path))).toMatchObject({ code: 'TRUST_SERVER_UNREACHABLE' });
    }
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/latest/meta-data/',
    '//169.254.169.254/',
    'https://127.0.0.1:1/',
    'https://user:pass@localhost/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:alert(1)',
    'https://[::1/',
    '',
  ])('cannot send the gate to %s', async (location) => {
    const { seen } = server;
    server.routes.set('/away', respond(302, { location }));
    const before = seen.length;
    const error = await failureOf(call('/away', { ms: 1_000 }));
    expect(error).toBeInstanceOf(Fault);
    expect((error as Fault).code).toBe('REDIRECT_REFUSED');
    expect((error as Fault).message).not.toContain('pass@');
    // An empty Location is the same address again: followed within the origin, and not without end.
    expect(seen.length - before).toBe(location === '' ? 4 : 1);
  });

  it('cannot carry the credential to another port of its own host', async () => {
    const other = await serve(authority);
    server.routes.set('/port', respond(307, { location: other.origin }));
    expect(await failureOf(call('/port'))).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(other.seen).toEqual([]);
    await other.close();
  });

  it('cannot have a form with a password sent on, even within the origin', async () => {
    server.routes.set('/form', respond(307, { location: '/other' }));
    const sent = client.call(
      { origin: server.origin, path: '/form', form: new URLSearchParams({ password: 'p' }), maxBytes: 10 },
      AbortSignal.timeout(5_000),
    );
    expect(await failureOf(sent)).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(server.seen.at(-1)?.url).toBe('/form');
  });

  it('that speaks no newer TLS than 1.1 is not spoken to', async () => {
    const old = createServer({
      ...authority.issue(),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    });
    await new Promise<void>((done) => old.listen(0, '127.0.0.1', done));
    const { port } = old.address() as AddressInfo;
    const call = { origin: `https://localhost:${port}`, path: '/', maxBytes: 1_000 };
    const asked = client.call(call, AbortSignal.timeout(5_000));
    expect(await failureOf(asked)).toMatchObject({ code: 'TRUST_SERVER_UNREACHABLE' });
    const willing = connect({
      port,
      host: '127.0.0.1',
      ca: authority.ca,
      minVersion: 'TLSv1',
      ciphers: 'ALL@SECLEVEL=0',
    });
    await once(willing, 'secureConnect');
    expect(willing.getProtocol()).toBe('TLSv1.1');
    willing.destroy();
    old.close();
  });

  it('is still served well after all of this', async () => {
    server.routes.set('/file', respond(200, {}, 'hello'));
    expect((await call('/file')).bytes).toHaveLength(5);
  });
});
