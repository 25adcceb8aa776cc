import { LRUCache } from 'lru-cache';
import { Fault } from '../codes.ts';
import { within } from '../deadline.ts';
import type { Clock, Credential, RepositoryAddress } from '../ports.ts';
import { parseChallenges } from './challenge.ts';
import { basicAuthorization, credentialIdentity } from './credential.ts';
import type { HttpClient } from './http.ts';
import { type TokenWish, tokenWish } from './realm.ts';
import { fetchToken } from './token.ts';

/** The value of an Authorization header and when (ms since the epoch) it stops being valid. */
interface Grant {
  /** Its key among the tokens, or the empty string. */
  readonly key: string;
  readonly authorization: string;
  readonly from: number;
  readonly until: number;
}

/** Bytes of tokens that are kept; a token is 1 to 4 KiB. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** A token is not used in its last seconds, lest it end on the way. */
const MARGIN_MILLISECONDS = 10_000;

/**
 * Gives requests to trust servers their Authorization: answers a challenge by a token (or Basic), and remembers it for this repository and
 * this credential. Tokens are never shared between credentials.
 */
export class Authenticator {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #tokenRealms: readonly string[];
  /** By realm, service, scope and credential. */
  readonly #tokens: LRUCache<string, Grant>;
  /** By the same, requests under way: the first files of a repository are asked for together. */
  readonly #asked = new Map<string, Promise<Grant>>();
  /** By server, GUN and credential: what was accepted last. */
  readonly #accepted: LRUCache<string, Grant>;

  /** `tokenRealms`: hosts of TOKEN_REALMS, lower-case. */
  constructor(http: HttpClient, clock: Clock, tokenRealms: readonly string[]) {
    this.#http = http;
    this.#clock = clock;
    this.#tokenRealms = tokenRealms;
    const bounds = {
      maxSize: KEPT_BYTES,
      sizeCalculation: (grant: Grant, key: string) => grant.authorization.length + key.length + 128,
    };
    this.#tokens = new LRUCache(bounds);
    this.#accepted = new LRUCache(bounds);
  }

  /** The Authorization that this repository took before with this credential and that is still valid, or undefined. */
  remembered(address: RepositoryAddress): string | undefined {
    const grant = this.#accepted.get(addressKey(address));
    return grant !== undefined && this.#isValid(grant) ? grant.authorization : undefined;
  }

  /**
   * The Authorization that answers a 401. `lines` are those of its WWW-Authenticate header; `refused` is the Authorization that the request carried, so that it
   * is not given again. Throws `Fault` AUTH_REALM_REFUSED, AUTH_REFUSED, TRUST_SERVER_ERROR, or what `HttpClient.call` throws.
   */
  async answer(
    address: RepositoryAddress,
    challenge: { readonly lines: readonly string[]; readonly refused: string | undefined },
    signal: AbortSignal,
  ): Promise<string> {
    const host = URL.parse(address.server)?.host;
    const challenges = parseChallenges(challenge.lines);
    if (challenges === undefined) {
      throw new Fault(
        'TRUST_SERVER_ERROR',
        `${host} asked for a login in a form that is not well-formed (WWW-Authenticate).`,
      );
    }
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      const wish = tokenWish(bearer, address, this.#tokenRealms);
      const grant = await this.#grant(wish, address, { refused: challenge.refused, signal });
      this.#accepted.set(addressKey(address), grant);
      return grant.authorization;
    }
    const { credential } = address;
    if (challenges.some(({ scheme }) => scheme === 'basic') && credential !== undefined && credential.password !== '') {
      const authorization = basicAuthorization(credential.username, credential.password);
      this.#accepted.set(addressKey(address), { key: '', authorization, from: 0, until: Number.POSITIVE_INFINITY });
      return authorization;
    }
    throw refusedBy(address);
  }

  /** Forgets what the trust server no longer takes. */
  forget(address: RepositoryAddress): void {
    const key = addressKey(address);
    this.#tokens.delete(this.#accepted.get(key)?.key ?? '');
    this.#accepted.delete(key);
  }

  async #grant(
    wish: TokenWish,
    address: RepositoryAddress,
    call: { readonly refused: string | undefined; readonly signal: AbortSignal },
  ): Promise<Grant> {
    const key = JSON.stringify([
      wish.realm.href,
      wish.service ?? null,
      wish.scope,
      credentialIdentity(address.credential),
    ]);
    const kept = this.#tokens.get(key);
    if (kept !== undefined && this.#isValid(kept) && kept.authorization !== call.refused) return kept;
    return (
      (await this.#joined(key, call.signal)) ?? this.#ask(key, { wish, credential: address.credential }, call.signal)
    );
  }

  /** What a request for the same token gives that is under way; undefined where there is none, or its own caller gave it up. */
  async #joined(key: string, signal: AbortSignal): Promise<Grant | undefined> {
    const asked = this.#asked.get(key);
    if (asked === undefined) return undefined;
    try {
      return await within(signal, asked, 'The token service did not answer in time.');
    } catch (error) {
      if (!signal.aborted && error instanceof Fault && error.code === 'DEADLINE') return undefined;
      throw error;
    }
  }

  async #ask(
    key: string,
    { wish, credential }: { readonly wish: TokenWish; readonly credential: Credential | undefined },
    signal: AbortSignal,
  ): Promise<Grant> {
    const from = this.#clock.now();
    const asked = fetchToken(this.#http, wish, credential, signal).then(({ token, lifetime }) => ({
      key,
      authorization: `Bearer ${token}`,
      from,
      until: from + lifetime * 1000 - MARGIN_MILLISECONDS,
    }));
    this.#asked.set(key, asked);
    try {
      const grant = await asked;
      this.#tokens.set(key, grant);
      return grant;
    } finally {
      if (this.#asked.get(key) === asked) this.#asked.delete(key);
    }
  }

  /** A clock that jumped back before the token was asked for says nothing of its end: then it counts as ended. */
  #isValid(grant: Grant): boolean {
    const now = this.#clock.now();
    return now >= grant.from && now < grant.until;
  }
}

const addressKey = ({ server, gun, registry, credential }: RepositoryAddress): string =>
  JSON.stringify([server, gun, registry, credentialIdentity(credential)]);

/** The fault AUTH_REFUSED for a repository: the server said no to what the workload holds. */
export function refusedBy({ server, gun, credential }: RepositoryAddress): Fault {
  const who = credential === undefined ? 'anonymous access' : 'the credential of the workload';
  return new Fault('AUTH_REFUSED', `${URL.parse(server)?.host} refused ${who} to ${gun}.`);
}
