import { Fault } from '../codes.ts';
import { isObject, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Credential } from '../ports.ts';
import { basicAuthorization } from './credential.ts';
import { BodyTooLarge, type HttpAnswer } from './exchange.ts';
import { type HttpCall, type HttpClient, placeOf } from './http.ts';
import type { TokenWish } from './realm.ts';

/** A token as a token service gave it. */
export interface Token {
  readonly token: string;
  /** Seconds for which it is valid from when it was asked for. */
  readonly lifetime: number;
}

/** Lifetime where the answer names none (docker token specification), and the longest that is believed. */
const DEFAULT_LIFETIME = 60;
const LONGEST_LIFETIME = 3600;

type Attempt = Omit<HttpCall, 'maxBytes'>;

function getAttempt(wish: TokenWish, credential: Credential | undefined): Attempt {
  const url = new URL(wish.realm);
  if (wish.service !== undefined) url.searchParams.set('service', wish.service);
  url.searchParams.set('scope', wish.scope);
  const place = placeOf(url);
  if (credential === undefined) return place;
  return { ...place, headers: { authorization: basicAuthorization(credential.username, credential.password) } };
}

function postAttempt(wish: TokenWish, grant: Readonly<Record<string, string>>): Attempt {
  const form = new URLSearchParams({ ...grant, client_id: 'portieris', scope: wish.scope });
  if (wish.service !== undefined) form.set('service', wish.service);
  return { ...placeOf(wish.realm), form };
}

/** The ways to ask, best first: a token service answers 404 or 405 to the way it does not know. */
function attemptsFor(wish: TokenWish, credential: Credential | undefined): readonly Attempt[] {
  if (credential === undefined) return [getAttempt(wish, undefined)];
  const { username, password, identityToken } = credential;
  const byPassword =
    username === '' || password === ''
      ? []
      : [getAttempt(wish, credential), postAttempt(wish, { grant_type: 'password', username, password })];
  if (identityToken === undefined) return byPassword;
  return [postAttempt(wish, { grant_type: 'refresh_token', refresh_token: identityToken }), ...byPassword];
}

/** True for what may stand in an Authorization header after "Bearer ": visible ASCII. */
const isToken = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);

function readToken(host: string, bytes: Uint8Array): Token {
  const broken = () => new Fault('TRUST_SERVER_ERROR', `The token service ${host} gave an answer that holds no token.`);
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw broken();
  }
  if (!isObject(answer)) throw broken();
  const found = [own(answer, 'access_token'), own(answer, 'token')].find(isToken);
  if (found === undefined) throw broken();
  const seconds = own(answer, 'expires_in');
  const lifetime = typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, LONGEST_LIFETIME) : DEFAULT_LIFETIME;
  return { token: found, lifetime };
}

/**
 * Asks a token service (docker token specification, and its OAuth 2 form): GET with Basic credentials, then POST with the password grant; an
 * identity token goes first, as a refresh token. The realm must have been checked. Throws `Fault` AUTH_REFUSED when the service says no, TRUST_SERVER_ERROR
 * when its answer holds no token, and what `HttpClient.call` throws.
 */
export async function fetchToken(
  http: HttpClient,
  wish: TokenWish,
  credential: Credential | undefined,
  signal: AbortSignal,
): Promise<Token> {
  const { host } = wish.realm;
  let status = 0;
  for (const attempt of attemptsFor(wish, credential)) {
    const answer: HttpAnswer = await http
      .call({ ...attempt, maxBytes: LIMITS.tokenBytes }, signal)
      .catch((error: unknown) => {
        if (!(error instanceof BodyTooLarge)) throw error;
        throw new Fault('TRUST_SERVER_ERROR', `The token service ${host} gave an answer longer than a token can be.`);
      });
    status = answer.status;
    if (status === 200) return readToken(host, answer.bytes);
    if (status !== 404 && status !== 405) break;
  }
  if ([400, 401, 403].includes(status) || status === 0) {
    const who = credential === undefined ? 'anonymous access' : 'the credential';
    throw new Fault('AUTH_REFUSED', `The token service ${host} refused ${who} for ${wish.scope}.`);
  }
  throw new Fault('TRUST_SERVER_ERROR', `The token service ${host} answered with HTTP ${status}.`);
}
