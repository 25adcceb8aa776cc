import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../../functions/io/auth.ts';
import { HttpClient } from '../../../functions/io/http.ts';
import { NotaryClient } from '../../../functions/io/notary.ts';
import type { Credential } from '../../../functions/ports.ts';
import { type Handler, json, respond, serve, TestAuthority, type TestServer } from '../../support/server.ts';

const GUN = 'host:5000/team/app';
const FILE = `/v2/${GUN}/_trust/tuf/timestamp.json`;
const authority = new TestAuthority();
const alice: Credential = { username: 'alice', password: 'p:ä', identityToken: undefined };
const bob: Credential = { username: 'bob', password: 'b', identityToken: undefined };
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const signal = () => AbortSignal.timeout(10_000);

let now = 0;
let server: TestServer;
let http: HttpClient;
let files: NotaryClient;

/** Serves the file to whoever carries one of `tokens`, else asks for a token. */
const guarded =
  (tokens: ReadonlySet<string>, challenge = `Bearer realm="${server.origin}/token",service="notary"`): Handler =>
  (request, response, body) => {
    const carried = request.headers.authorization ?? '';
    const handler = tokens.has(carried) ? respond(200, {}, 'bytes') : respond(401, { 'www-authenticate': challenge });
    handler(request, response, body);
  };
const fetch = (credential?: Credential, gun = GUN) =>
  files.fetch(
    { server: server.origin, gun, registry: 'host:5000', credential },
    { role: 'timestamp', maxBytes: 100 },
    signal(),
  );
const asked = () => server.seen.filter(({ url }) => url.startsWith('/token'));

beforeAll(async () => {
  server = await serve(authority);
  http = new HttpClient({ ca: authority.ca, env: {} }, { now: () => now });
});
afterAll(async () => {
  await http.close();
  await server.close();
});
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  server.routes.clear();
  server.seen.length = 0;
  files = new NotaryClient(http, new Authenticator(http, { now: () => now }, []));
  server.routes.set(FILE, guarded(new Set(['Bearer t'])));
  server.routes.set('/token', json({ token: 't' }));
});

describe('a token', () => {
  it('is asked for with Basic, for pull of this repository only, and then remembered', async () => {
    expect(await fetch(alice)).toBeDefined();
    expect(await fetch(alice)).toBeDefined();
    expect(server.seen.map(({ method, authorization }) => [method, authorization])).toEqual([
      ['GET', undefined],
      ['GET', basic('alice', 'p:ä')],
      ['GET', 'Bearer t'],
      ['GET', 'Bearer t'],
    ]);
    const query = new URL(asked()[0]?.url ?? '', server.origin).searchParams;
    expect(Object.fromEntries(query)).toEqual({ service: 'notary', scope: `repository:${GUN}:pull` });
  });

  it('is asked for without credentials where there are none', async () => {
    await fetch();
    expect(asked()[0]?.authorization).toBeUndefined();
  });

  it.each([
    ['access_token', { access_token: 't' }],
    ['access_token before token', { access_token: 't', token: 'u' }],
    ['token beside a broken access_token', { access_token: '', token: 't' }],
  ])('is taken from %s', async (_name, answer) => {
    server.routes.set('/token', json(answer));
    expect(await fetch()).toBeDefined();
  });

  it('is asked for pull alone where the challenge asks for more, under the name that the registry gives the repository', async () => {
    for (const [scope, name] of [
      [`repository:${GUN}:push,pull`, GUN],
      ['repository:team/app:pull,push', 'team/app'],
      [`registry:catalog:* repository(plugin):${GUN}:pull`, GUN],
    ]) {
      files = new NotaryClient(http, new Authenticator(http, { now: () => now }, []));
      server.routes.set(FILE, guarded(new Set(['Bearer t']), `Bearer realm="${server.origin}/token",scope="${scope}"`));
      await fetch();
      expect(new URL(asked().at(-1)?.url ?? '', server.origin).searchParams.get('scope')).toBe(
        `repository:${name}:pull`,
      );
    }
  });

  it('is not asked for another repository than the one that is looked at', async () => {
    for (const scope of [
      'repository:host:5000/team/other:pull',
      'registry:catalog:*',
      'repository:app:pull',
      'nonsense',
    ]) {
      server.routes.set(FILE, guarded(new Set(), `Bearer realm="${server.origin}/token",scope="${scope}"`));
      await expect(fetch(alice)).rejects.toMatchObject({ code: 'TRUST_SERVER_ERROR' });
    }
    expect(asked()).toEqual([]);
  });

  it('keeps the query of its realm', async () => {
    server.routes.set(
      FILE,
      guarded(new Set(['Bearer t']), `Bearer realm="${server.origin}/token?account=x&scope=evil"`),
    );
    await fetch();
    expect(new URL(asked()[0]?.url ?? '', server.origin).search).toBe(
      `?account=x&scope=${encodeURIComponent(`repository:${GUN}:pull`)}`,
    );
  });

  it.each([
    [undefined, 50_000],
    [300, 290_000],
    [1e9, 3_590_000],
    ['300', 50_000],
    [-1, 50_000],
  ])('with expires_in %s is used for %d ms', async (lifetime, ms) => {
    server.routes.set('/token', json({ token: 't', expires_in: lifetime }));
    await fetch();
    now += ms - 1;
    await fetch();
    expect(asked()).toHaveLength(1);
    now += 1;
    await fetch();
    expect(asked()).toHaveLength(2);
  });

  it('of which the server is tired is asked for anew, once', async () => {
    await fetch();
    server.routes.set(FILE, guarded(new Set(['Bearer t2'])));
    server.routes.set('/token', json({ token: 't2' }));
    expect(await fetch()).toBeDefined();
    server.routes.set(FILE, guarded(new Set()));
    await expect(fetch()).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
    expect(asked()).toHaveLength(3);
    server.routes.set(FILE, guarded(new Set(['Bearer t2'])));
    expect(await fetch()).toBeDefined();
  });

  it('is of one credential and one repository', async () => {
    const other = GUN.replace('app', 'other');
    server.routes.set(FILE.replace('app', 'other'), guarded(new Set(['Bearer t'])));
    await fetch(alice);
    await fetch(bob);
    await fetch({ ...alice, password: 'x' });
    await fetch();
    await fetch(alice, other);
    expect(asked()).toHaveLength(5);
    expect(server.seen.filter(({ url, authorization }) => url === FILE && authorization === undefined)).toHaveLength(4);
  });
});

describe('a token service', () => {
  it.each([404, 405])('that answers %d to a GET is asked by POST with the password grant', async (status) => {
    server.routes.set('/token', (request, response, body) => {
      (request.method === 'POST' ? json({ access_token: 't' }) : respond(status))(request, response, body);
    });
    expect(await fetch(alice)).toBeDefined();
    expect(Object.fromEntries(new URLSearchParams(asked()[1]?.body))).toEqual({
      grant_type: 'password',
      username: 'alice',
      password: 'p:ä',
      client_id: 'portieris',
      service: 'notary',
      scope: `repository:${GUN}:pull`,
    });
    expect(asked()[1]?.authorization).toBeUndefined();
  });

  it('is given an identity token as a refresh token, and the password where it knows no POST', async () => {
    await fetch({ username: '<token>', password: '', identityToken: 'idt' });
    expect(Object.fromEntries(new URLSearchParams(asked()[0]?.body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'idt',
    });
    server.seen.length = 0;
    server.routes.set('/token', (request, response, body) => {
      (request.method === 'POST' ? respond(405) : json({ token: 't' }))(request, response, body);
    });
    await fetch({ ...alice, identityToken: 'idt' });
    expect(asked().map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it.each([400, 401, 403])('that answers %d has refused the credential, which is not told', async (status) => {
    server.routes.set('/token', respond(status, {}, 'p:ä'));
    const error = await fetch(alice).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'AUTH_REFUSED' });
    expect(String(error)).not.toContain('p:ä');
    expect(asked()).toHaveLength(1);
  });

  it.each([404, 405, 418, 302])('that answers %d to everything gives no answer', async (status) => {
    server.routes.set('/token', respond(status));
    await expect(fetch(alice)).rejects.toMatchObject({
      code: status === 302 ? 'REDIRECT_REFUSED' : 'TRUST_SERVER_ERROR',
    });
  });
});

describe('a trust server', () => {
  it('that asks for Basic gets the credential of the workload, and none where there is none', async () => {
    server.routes.set(FILE, guarded(new Set([basic('alice', 'p:ä')]), 'Basic realm="notary"'));
    expect(await fetch(alice)).toBeDefined();
    expect(await fetch(alice)).toBeDefined();
    expect(server.seen).toHaveLength(3);
    await expect(fetch()).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
    await expect(fetch(bob)).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
  });

  it('that asks for Bearer and Basic gets a token', async () => {
    server.routes.set(FILE, guarded(new Set(['Bearer t']), `Basic realm="x", Bearer realm="${server.origin}/token"`));
    expect(await fetch(alice)).toBeDefined();
    expect(server.seen.filter(({ url }) => url === FILE).map(({ authorization }) => authorization)).toEqual([
      undefined,
      'Bearer t',
    ]);
  });

  it('that refuses with 401 and no challenge, or with 403, has refused', async () => {
    for (const status of [401, 403]) {
      server.routes.set(FILE, respond(status));
      await expect(fetch(alice)).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
    }
  });
});
