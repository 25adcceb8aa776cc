import { randomUUID, sign, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Authority } from './certificates.ts';

/** A token that was asked for. */
export interface TokenAsked {
  /** User name; undefined: anonymous. */
  readonly user: string | undefined;
  readonly scope: string | undefined;
  readonly service: string | undefined;
  readonly given: boolean;
}

/** Who may do what. */
export interface TokenRights {
  /** Password by user name. */
  readonly users: ReadonlyMap<string, string>;
  /** May the user (undefined: anonymous) have this action on this repository? */
  readonly allows: (user: string | undefined, repository: string, action: string) => boolean;
}

/** A token service of the registry protocol (distribution spec, "token authentication"), signing with RS256 and an x5c chain. */
export interface TokenService {
  readonly origin: string;
  readonly realm: string;
  readonly issuer: string;
  readonly asked: TokenAsked[];
  /** For how long a token is good, in seconds; 300 when not set. */
  lifetime: number;
  close(): Promise<void>;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function userOf(request: IncomingMessage, { users }: TokenRights): string | undefined | null {
  const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (basic === undefined) return undefined;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const [name, password] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  return users.get(name) === password ? name : null;
}

/** `repository:<name>:<actions>`; a name may hold colons (a port). */
function accessOf(scope: string, user: string | undefined, rights: TokenRights) {
  const [, type, name = '', actions = ''] = /^([a-z]+):(.+):([^:]+)$/.exec(scope) ?? [];
  return { type, name, actions: actions.split(',').filter((action) => rights.allows(user, name, action)) };
}

/** Starts the service on a free port of the loopback; tokens are signed by a certificate of `authority`. */
export async function startTokenService(authority: Authority, rights: TokenRights): Promise<TokenService> {
  const signer = authority.issue(['token-service']);
  const chain = [new X509Certificate(signer.certificate).raw.toString('base64')];
  const tls = authority.issue(['localhost', '127.0.0.1']);
  const asked: TokenAsked[] = [];
  const issuer = 'test-tokens';
  const state = { lifetime: 300 };

  const tokenFor = (user: string | undefined, url: URL): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = url.searchParams
      .getAll('scope')
      .flatMap((scope) => scope.split(' ').map((one) => accessOf(one, user, rights)));
    const claims = {
      iss: issuer,
      sub: user ?? '',
      aud: url.searchParams.get('service') ?? '',
      iat: now,
      nbf: now - 10,
      exp: now + state.lifetime,
      jti: randomUUID(),
      access,
    };
    const message = `${encode({ typ: 'JWT', alg: 'RS256', x5c: chain })}.${encode(claims)}`;
    return `${message}.${sign('sha256', Buffer.from(message), signer.key).toString('base64url')}`;
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'https://tokens');
    const user = userOf(request, rights);
    const seen = {
      scope: url.searchParams.get('scope') ?? undefined,
      service: url.searchParams.get('service') ?? undefined,
    };
    asked.push({ user: user ?? undefined, ...seen, given: user !== null });
    if (user === null) {
      response.writeHead(401).end();
      return;
    }
    const token = tokenFor(user, url);
    const body = { token, access_token: token, expires_in: state.lifetime, issued_at: new Date().toISOString() };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer({ cert: tls.certificate, key: tls.key }, answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    realm: `${origin}/token`,
    issuer,
    asked,
    get lifetime() {
      return state.lifetime;
    },
    set lifetime(seconds: number) {
      state.lifetime = seconds;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
