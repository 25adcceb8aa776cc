import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../functions/io/auth.ts';
import { HttpClient } from '../../functions/io/http.ts';
import { NotaryClient } from '../../functions/io/notary.ts';
import { isKnownRealm } from '../../functions/io/realm.ts';
import type { Credential } from '../../functions/ports.ts';
import { endless, json, respond, serve, silence, TestAuthority, type TestServer } from '../support/server.ts';

const FILE = '/v2/registry.example/app/_trust/tuf/root.json';
const SECRET = 'hunter2';
const alice: Credential = { username: 'alice', password: SECRET, identityToken: undefined };
const authority = new TestAuthority();
let trust: TestServer;
let tokens: TestServer;
let http: HttpClient;

beforeAll(async () => {
  [trust, tokens] = await Promise.all([serve(authority), serve(authority)]);
  http = new HttpClient({ ca: authority.ca, env: {} }, { now: () => Date.now() });
});
afterAll(async () => {
  await http.close();
  await Promise.all([trust.close(), tokens.close()]);
});
beforeEach(() => {
  for (const server of [trust, tokens]) {
    server.seen.length = 0;
    server.routes.clear();
  }
  tokens.routes.set('/token', json({ token: 't' }));
});

/** What comes of a fetch from the trust server at localhost that answers with this challenge. */
const fetchWith = async (
  challenge: string,
  { credential, realms = [] }: { credential?: Credential; realms?: string[] } = {},
) => {
  trust.routes.set(FILE, respond(401, { 'www-authenticate': challenge }));
  const files = new NotaryClient(http, new Authenticator(http, { now: () => Date.now() }, realms));
  const address = { server: trust.origin, gun: 'registry.example/app', registry: 'registry.example', credential };
  try {
    return await files.fetch(address, { role: 'root', maxBytes: 1000 }, AbortSignal.timeout(2_000));
  } catch (error) {
    return error;
  }
};
/** The token service by a name that is not the trust server's. */
const elsewhere = () => `https://127.0.0.1:${tokens.port}/token`;

describe('a trust server that names a token service', () => {
  it.each([
    ['with a credential', alice],
    ['anonymously', undefined],
  ])('on another host has nothing sent there, %s', async (_name, credential) => {
    const error = await fetchWith(`Bearer realm="${elsewhere()}"`, credential === undefined ? {} : { credential });
    expect(error).toMatchObject({ code: 'AUTH_REALM_REFUSED' });
    expect(tokens.connections()).toBe(0);
    expect(String(error)).not.toContain(SECRET);
  });

  it('on another host that TOKEN_REALMS names is believed, for the port that is named', async () => {
    await fetchWith(`Bearer realm="${elsewhere()}"`, { credential: alice, realms: ['127.0.0.1:1', 'localhost:2'] });
    expect(tokens.seen).toEqual([]);
    await fetchWith(`Bearer realm="${elsewhere()}"`, { credential: alice, realms: ['127.0.0.1'] });
    await fetchWith(`Bearer realm="${elsewhere()}"`, { credential: alice, realms: [`127.0.0.1:${tokens.port}`] });
    expect(tokens.seen).toHaveLength(2);
  });

  it('on another port of its own host is believed', async () => {
    await fetchWith(`Bearer realm="${tokens.origin}/token"`, { credential: alice });
    expect(tokens.seen).toHaveLength(1);
  });

  it.each([
    'http://localhost/token',
    'http://169.254.169.254/latest/meta-data/iam/',
    'https://169.254.169.254/',
    'https://localhost.evil.example/',
    'https://evillocalhost/',
    'https://localhost./token',
    'https://localhost@evil.example/',
    'https://alice@localhost/',
    'https://registry.example.evil/',
    'https://registry.example./',
    'ftp://localhost/',
    'file:///etc/passwd',
  ])('%s is refused', async (realm) => {
    expect(await fetchWith(`Bearer realm="${realm}"`, { credential: alice })).toMatchObject({
      code: 'AUTH_REALM_REFUSED',
    });
    expect(tokens.seen).toEqual([]);
  });

  it.each([
    'Bearer',
    'Bearer realm=""',
    'Bearer service="x"',
    'Bearer realm="/token"',
    'Bearer realm="https://"',
    'Bearer realm="x',
    `Bearer realm="${'x'.repeat(5000)}"`,
  ])('in a challenge that names none (%.30s) gives no answer', async (challenge) => {
    expect(await fetchWith(challenge, { credential: alice })).toMatchObject({ code: 'TRUST_SERVER_ERROR' });
  });

  it('by two realms in one challenge is not believed', async () => {
    const two = `Bearer realm="${tokens.origin}/token",realm="${elsewhere()}"`;
    expect(await fetchWith(two, { credential: alice })).toMatchObject({ code: 'TRUST_SERVER_ERROR' });
    expect(tokens.seen).toEqual([]);
  });
});

describe('a token service that means harm', () => {
  const challenge = () => `Bearer realm="${tokens.origin}/token"`;

  it('cannot send the credential on by a redirect', async () => {
    tokens.routes.set('/token', respond(307, { location: elsewhere() }));
    expect(await fetchWith(challenge(), { credential: alice })).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(tokens.seen).toHaveLength(1);
  });

  it.each([
    ['no JSON', 'token'],
    ['no object', '["t"]'],
    ['no token', '{"tokens":"t"}'],
    ['an empty token', '{"token":""}'],
    ['a number', '{"token":5}'],
    ['a line end in the token', JSON.stringify({ token: 'a\r\nx-evil: 1' })],
    ['a token in its prototype', '{"__proto__":{"token":"t"}}'],
    ['nothing', ''],
  ])('by %s gives no answer', async (_name, body) => {
    tokens.routes.set('/token', respond(200, {}, body));
    expect(await fetchWith(challenge(), { credential: alice })).toMatchObject({ code: 'TRUST_SERVER_ERROR' });
    expect(trust.seen).toHaveLength(1);
  });

  it('by an endless answer gives no answer', async () => {
    tokens.routes.set('/token', endless().handler);
    expect(await fetchWith(challenge())).toMatchObject({ code: 'TRUST_SERVER_ERROR' });
  });

  it('by silence gives none before the deadline', async () => {
    tokens.routes.set('/token', silence);
    expect(await fetchWith(challenge())).toMatchObject({ code: 'DEADLINE' });
  });

  it('cannot be made to ask without end by a server that takes no token', async () => {
    expect(await fetchWith(challenge(), { credential: alice })).toMatchObject({ code: 'AUTH_REFUSED' });
    expect(trust.seen).toHaveLength(2);
    expect(tokens.seen).toHaveLength(1);
  });
});

describe('the token services known without configuration', () => {
  const known = (realm: string, server: string, registry: string) =>
    isKnownRealm(new URL(realm), { server, registry, gun: `${registry}/a`, credential: undefined }, []);

  it.each([
    ['https://auth.docker.io/token', 'https://notary.docker.io', 'docker.io'],
    ['https://AUTH.docker.io/token', 'https://notary.docker.io', 'docker.io'],
    ['https://quay.io/v2/auth', 'https://quay.io:443', 'quay.io'],
    ['https://us.icr.io/oauth/token', 'https://us.icr.io:4443', 'us.icr.io'],
    ['https://host:5001/token', 'https://notary.example', 'host:5000'],
  ])('%s is for %s', (realm, server, registry) => {
    expect(known(realm, server, registry)).toBe(true);
  });

  it.each([
    ['https://auth.docker.io/token', 'https://notary.example', 'docker.io'],
    ['https://auth.docker.io.evil.com/token', 'https://notary.docker.io', 'docker.io'],
    ['https://evilauth.docker.io/token', 'https://notary.docker.io', 'docker.io'],
    ['https://auth.docker.io./token', 'https://notary.docker.io', 'docker.io'],
    ['https://eu.icr.io/oauth/token', 'https://us.icr.io:4443', 'us.icr.io'],
    ['https://169.254.169.254/', 'https://quay.io:443', 'quay.io'],
  ])('%s is not for %s', (realm, server, registry) => {
    expect(known(realm, server, registry)).toBe(false);
  });
});
