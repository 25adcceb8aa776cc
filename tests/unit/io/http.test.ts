import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { GivenUp } from '../../../functions/deadline.ts';
import { BodyTooLarge, linesOf } from '../../../functions/io/exchange.ts';
import { HttpClient, retryAfterOf } from '../../../functions/io/http.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { respond, serve, silence, TestAuthority, type TestServer } from '../../support/server.ts';

const clock = { now: () => Date.UTC(2026, 0, 1) };
const authority = new TestAuthority();
const signal = () => AbortSignal.timeout(10_000);
let server: TestServer;
let client: HttpClient;

beforeAll(async () => {
  server = await serve(authority);
  client = new HttpClient({ ca: authority.ca, env: {} }, clock);
});
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  server.routes.clear();
  server.seen.length = 0;
});

const at = (path: string, maxBytes = 1000) => ({ origin: server.origin, path, maxBytes });
const fault = async (call: Promise<unknown>): Promise<Fault> => {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};

describe('a call', () => {
  it('gives status, headers and bytes', async () => {
    server.routes.set('/file', respond(200, { 'x-one': 'a' }, 'hello'));
    const answer = await client.call(at('/file'), signal());
    expect(answer.status).toBe(200);
    expect(linesOf(answer.headers, 'x-one')).toEqual(['a']);
    expect(Buffer.from(answer.bytes).toString()).toBe('hello');
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('gives an answer of exactly the allowed length, and refuses one byte more', async () => {
    server.routes.set('/ten', respond(200, {}, 'x'.repeat(10)));
    expect((await client.call(at('/ten', 10), signal())).bytes).toHaveLength(10);
    await expect(client.call(at('/ten', 9), signal())).rejects.toBeInstanceOf(BodyTooLarge);
  });

  it('posts a form', async () => {
    server.routes.set('/token', respond(200, {}, '{}'));
    await client.call({ ...at('/token'), form: new URLSearchParams({ a: 'b c' }) }, signal());
    expect(server.seen[0]).toMatchObject({ method: 'POST', body: 'a=b+c' });
  });

  it('keeps connections: many calls one after another use one', async () => {
    server.routes.set('/file', respond(200, {}, 'hello'));
    server.routes.set('/none', respond(404, {}, 'not here'));
    await client.call(at('/file'), signal());
    const before = server.connections();
    for (let index = 0; index < 20; index += 1) await client.call(at(index % 2 === 0 ? '/file' : '/none'), signal());
    expect(server.connections()).toBe(before);
  });

  it('follows redirects within the origin, and not without end', async () => {
    server.routes.set('/a', respond(302, { location: '/b' }));
    server.routes.set('/b', respond(200, {}, 'there'));
    server.routes.set('/loop', respond(302, { location: '/loop' }));
    expect(Buffer.from((await client.call(at('/a'), signal())).bytes).toString()).toBe('there');
    expect((await fault(client.call(at('/loop'), signal()))).code).toBe('REDIRECT_REFUSED');
    expect(server.seen).toHaveLength(6);
  });

  it('tells errors of the server apart from its being busy', async () => {
    server.routes.set('/500', respond(500));
    server.routes.set('/503', respond(503));
    server.routes.set('/later', respond(503, { 'retry-after': '7' }));
    server.routes.set('/429', respond(429));
    expect((await fault(client.call(at('/500'), signal()))).code).toBe('TRUST_SERVER_ERROR');
    expect((await fault(client.call(at('/503'), signal()))).code).toBe('TRUST_SERVER_ERROR');
    expect(await fault(client.call(at('/later'), signal()))).toMatchObject({
      code: 'TRUST_SERVER_BUSY',
      retryAfter: 7,
    });
    expect(await fault(client.call(at('/429'), signal()))).toMatchObject({
      code: 'TRUST_SERVER_BUSY',
      retryAfter: undefined,
    });
  });

  it('sends a read again once when a kept connection turns out to be closed', async () => {
    let calls = 0;
    server.routes.set('/stale', (request, response) => {
      calls += 1;
      if (calls === 2) request.socket.destroy();
      else response.end('ok');
    });
    await client.call(at('/stale'), signal());
    expect((await client.call(at('/stale'), signal())).status).toBe(200);
    expect(calls).toBe(3);
  });

  it('does not send a form again', async () => {
    let calls = 0;
    server.routes.set('/file', respond(200));
    server.routes.set('/form', (request) => {
      calls += 1;
      request.socket.destroy();
    });
    await client.call(at('/file'), signal());
    const call = client.call({ ...at('/form'), form: new URLSearchParams() }, signal());
    expect((await fault(call)).code).toBe('TRUST_SERVER_UNREACHABLE');
    expect(calls).toBe(1);
  });

  it('is sent no more when it was given up while it waited for a connection, and costs nobody the connection', async () => {
    const held = Promise.withResolvers<void>();
    server.routes.set('/held', (_, response) => void held.promise.then(() => response.end('held')));
    server.routes.set('/file', respond(200, {}, 'hello'));
    const busy = Array.from({ length: LIMITS.connectionsPerOrigin }, () => client.call(at('/held'), signal()));
    await expect.poll(() => server.seen.length).toBe(LIMITS.connectionsPerOrigin);
    const connections = server.connections();
    const giveUp = new AbortController();
    const waiting = client.call(at('/file'), giveUp.signal);
    const reason = new GivenUp('no matter');
    giveUp.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    held.resolve();
    for (const { bytes } of await Promise.all(busy)) expect(Buffer.from(bytes).toString()).toBe('held');
    expect((await client.call(at('/file'), signal())).status).toBe(200);
    expect(server.seen.filter(({ url }) => url === '/file')).toHaveLength(1);
    expect(server.connections()).toBe(connections);
  });

  it.each([
    ['given up, arrives for nobody, and its connection lasts', new GivenUp('no matter'), false],
    ['late, ends with its connection', undefined, true],
  ])('that is under way and %s', async (_, reason, ends) => {
    const alone = new HttpClient({ ca: authority.ca, env: {} }, clock);
    const [held, sent] = [Promise.withResolvers<void>(), Promise.withResolvers<Socket>()];
    server.routes.set('/file', respond(200, {}, 'hello'));
    server.routes.set('/held', ({ socket }, response) => {
      sent.resolve(socket);
      void held.promise.then(() => response.end('held'));
    });
    const end = new AbortController();
    const call = alone.call(at('/held'), end.signal);
    const socket = await sent.promise;
    end.abort(reason);
    await expect(call).rejects.toBeInstanceOf(Error);
    if (!ends) held.resolve();
    await alone.call(at('/file'), signal());
    await expect.poll(() => socket.destroyed).toBe(ends);
    held.resolve();
    await alone.close();
  });

  it('tells each request once: its status, or what came in its place', async () => {
    const told: unknown[] = [];
    const counted = new HttpClient({ ca: authority.ca, env: {} }, clock, (status) => told.push(status));
    server.routes.set('/file', respond(200, {}, 'hello'));
    server.routes.set('/none', respond(404));
    server.routes.set('/cut', (request) => request.socket.destroy());
    server.routes.set('/silence', silence);
    await counted.call(at('/none'), signal());
    await counted.call(at('/file'), signal());
    await expect(counted.call(at('/file', 1), signal())).rejects.toBeInstanceOf(BodyTooLarge);
    await fault(counted.call({ ...at('/cut'), form: new URLSearchParams() }, signal()));
    await fault(counted.call(at('/silence'), AbortSignal.timeout(50)));
    expect(told).toEqual([404, 200, 200, 'unreachable', 'timeout']);
    await counted.close();
  });

  it('ends with DEADLINE when the signal ends first', async () => {
    server.routes.set('/silence', silence);
    expect((await fault(client.call(at('/silence'), AbortSignal.timeout(50)))).code).toBe('DEADLINE');
    expect((await fault(client.call(at('/silence'), AbortSignal.abort()))).code).toBe('DEADLINE');
  });
});

describe('an address that gives no answer', () => {
  it('is never http', async () => {
    const call = client.call({ ...at('/'), origin: server.origin.replace('https', 'http') }, signal());
    expect(await fault(call)).toMatchObject({
      code: 'TRUST_SERVER_UNREACHABLE',
      message: expect.stringContaining('not https'),
    });
  });

  it.each([
    ['refused', 'https://127.0.0.1:1', 'refused the connection (ECONNREFUSED)'],
    ['a name that does not resolve', 'https://no-such-host.invalid', 'host.invalid could not be reached: '],
  ])('is told: %s', async (_name, origin, words) => {
    const error = await fault(client.call({ ...at('/'), origin }, signal()));
    expect(error.code).toBe('TRUST_SERVER_UNREACHABLE');
    expect(error.message).toContain(words);
  });

  it('is told: a certificate for another name, and one from an unknown authority', async () => {
    const other = await serve(authority, ['other.example']);
    const stranger = new HttpClient({ env: {} }, clock);
    const misnamed = await fault(client.call({ ...at('/'), origin: other.origin }, signal()));
    expect(misnamed.message).toContain('made out to another name');
    const unknown = await fault(stranger.call(at('/'), signal()));
    expect(unknown.message).toContain('TRUST_CA_FILE');
    await stranger.close();
    await other.close();
  });
});

describe('a proxy', () => {
  const openProxy = async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const [, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const close = () => new Promise<void>((resolve) => void proxy.close(() => resolve()).closeAllConnections());
    return { asked, url, close };
  };

  it('is gone through for gets and forms alike, with the own authority and the name still checked', async () => {
    const proxy = await openProxy();
    const other = await serve(authority, ['other.example']);
    const proxied = new HttpClient({ ca: authority.ca, env: { HTTPS_PROXY: proxy.url } }, clock);
    server.routes.set('/file', respond(200, {}, 'hello'));
    expect((await proxied.call(at('/file'), signal())).status).toBe(200);
    expect((await proxied.call({ ...at('/file'), form: new URLSearchParams() }, signal())).status).toBe(200);
    expect(proxy.asked).toContain(new URL(server.origin).host);
    const misnamed = await fault(proxied.call({ ...at('/'), origin: other.origin }, signal()));
    expect(misnamed.message).toContain('made out to another name');
    await proxied.close();
    await other.close();
    await proxy.close();
  });

  it('is left aside for hosts of NO_PROXY, and HTTP_PROXY is not taken for https', async () => {
    const proxy = await openProxy();
    server.routes.set('/file', respond(200));
    for (const env of [{ HTTPS_PROXY: proxy.url, NO_PROXY: 'localhost' }, { HTTP_PROXY: proxy.url }]) {
      const direct = new HttpClient({ ca: authority.ca, env }, clock);
      expect((await direct.call(at('/file'), signal())).status).toBe(200);
      await direct.close();
    }
    expect(proxy.asked).toEqual([]);
    await proxy.close();
  });

  it('is refused at start when its address is not one, without showing it', () => {
    const open = () => new HttpClient({ env: { HTTPS_PROXY: 'ftp://user:hunter2@proxy' } }, clock);
    expect(open).toThrow(/HTTPS_PROXY/);
    expect(open).not.toThrow(/hunter2/);
  });
});

describe('a bundle of authorities', () => {
  it.each(['', 'no pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'is refused at start: %j',
    (ca) => {
      expect(() => new HttpClient({ ca, env: {} }, clock)).toThrow(/certificate/i);
    },
  );
});

describe('Retry-After', () => {
  it.each([
    ['5', 5],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Wed, 31 Dec 2025 00:00:30 GMT', 0],
    ['-1', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s seconds', (value, seconds) => {
    expect(retryAfterOf(value, clock.now())).toBe(seconds);
  });
});
