import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDispatcher, readBundle } from '../../../functions/io/proxy.ts';
import { respond, serve, TestAuthority, type TestServer } from '../../support/server.ts';

const authority = new TestAuthority();
let target: TestServer;
let proxy: Server;
let tunnels: IncomingMessage[];
let sockets: Set<Socket>;
let proxyHost: string;

beforeAll(async () => {
  target = await serve(authority);
  target.routes.set('/file', respond(200, {}, 'hello'));
});
afterAll(() => target.close());
beforeEach(async () => {
  tunnels = [];
  sockets = new Set();
  proxy = createServer((_, response) => response.writeHead(500).end());
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', (asked: IncomingMessage, near: Socket) => {
    tunnels.push(asked);
    const far = connect(Number(new URL(target.origin).port), '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).once('close', () => other.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  proxyHost = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((done) => proxy.close(() => done()));
});

/** Asks the target with an environment; gives what it said and how many tunnels that took. */
async function ask(env: Record<string, string>, ca: string | undefined = authority.ca) {
  const dispatcher = openDispatcher({ ca, env });
  try {
    const answer = await request(`${target.origin}/file`, { dispatcher });
    return { text: await answer.body.text(), tunnels: tunnels.length };
  } finally {
    await dispatcher.destroy();
  }
}

describe('the way to the outside', () => {
  it('is straight without a proxy', async () => {
    expect(await ask({})).toEqual({ text: 'hello', tunnels: 0 });
  });

  it.each(['HTTPS_PROXY', 'https_proxy'])(
    'goes through the proxy of %s, as a tunnel that hides the request',
    async (name) => {
      expect(await ask({ [name]: `http://${proxyHost}` })).toEqual({ text: 'hello', tunnels: 1 });
      expect(tunnels[0]?.url).toBe(new URL(target.origin).host);
    },
  );

  it('takes an address without a scheme, and lets the lower-case name count', async () => {
    expect(await ask({ https_proxy: proxyHost, HTTPS_PROXY: 'http://127.0.0.1:1' })).toMatchObject({ tunnels: 1 });
  });

  it("gives a proxy's own credentials to the proxy alone", async () => {
    target.seen.length = 0;
    await ask({ HTTPS_PROXY: `http://user:hunter2@${proxyHost}` });
    const basic = `Basic ${Buffer.from('user:hunter2').toString('base64')}`;
    expect(tunnels[0]?.headers['proxy-authorization']).toBe(basic);
    expect(JSON.stringify(target.seen)).not.toContain(basic);
  });

  it.each(['NO_PROXY', 'no_proxy'])('is straight to a host that %s names', async (name) => {
    const list = `internal.test,${new URL(target.origin).hostname}`;
    expect(await ask({ HTTPS_PROXY: `http://${proxyHost}`, [name]: list })).toMatchObject({ tunnels: 0 });
    expect(await ask({ HTTPS_PROXY: `http://${proxyHost}`, [name]: 'internal.test' })).toMatchObject({ tunnels: 1 });
  });

  it('does not follow HTTP_PROXY, for the gate asks nothing over http', async () => {
    expect(await ask({ HTTP_PROXY: `http://${proxyHost}` })).toMatchObject({ tunnels: 0 });
  });

  it.each([{}, { proxied: true }])(
    'trusts no certificate but those of known authorities, $proxied',
    async ({ proxied = false }: { proxied?: boolean }) => {
      const env: Record<string, string> = proxied ? { HTTPS_PROXY: `http://${proxyHost}` } : {};
      await expect(ask(env, new TestAuthority().ca)).rejects.toThrow(/certificate|issuer|signed/i);
    },
  );

  it.each(['ftp://proxy:21', 'http://user:hunter2@', '::::', 'socks5://127.0.0.1:1080'])(
    'is refused for a proxy at %s, without its text',
    (text) => {
      expect(() => openDispatcher({ env: { HTTPS_PROXY: text } })).toThrow(
        /^HTTPS_PROXY is not an http:\/\/ or https:\/\/ address\.$/,
      );
    },
  );
});

describe('a bundle of authorities', () => {
  it('gives each certificate it holds, with text between them or line ends of Windows', () => {
    const other = new TestAuthority().ca;
    expect(readBundle(`# ours\n${authority.ca}\n# theirs\n${other.replaceAll('\n', '\r\n')}`)).toHaveLength(2);
  });

  it('is refused when it is empty, holds no certificate, or one that is broken, by its number', () => {
    for (const text of ['', 'hello', '-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n'])
      expect(() => readBundle(text)).toThrow('holds no certificate in PEM form');
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    expect(() => readBundle(`${authority.ca}\n${broken}`)).toThrow('Certificate 2 of the bundle');
  });
});
