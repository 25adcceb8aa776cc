import { Fault } from '../codes.ts';
import type { NotaryFiles, RepositoryAddress, RoleFile } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';
import { type Authenticator, refusedBy } from './auth.ts';
import { BodyTooLarge, type HttpAnswer, linesOf } from './exchange.ts';
import { type HttpClient, hostOf, type Place } from './http.ts';

const isSegment = (segment: string): boolean => segment !== '' && segment !== '.' && segment !== '..';
/** A segment as Notary's client writes it: a port's colon stays as it is. */
const encode = (segment: string): string => encodeURIComponent(segment).replaceAll('%3A', ':');

/**
 * Path of one TUF file below `/v2/` of its server, each segment encoded, and where a mirror on disk keeps it: `<gun>/_trust/tuf/<file>`, where the file is
 * `<role>.json`, `<role>.<sha256>.json` or `<version>.<role>.json` (theupdateframework/notary server/server.go, tuf/utils ConsistentName). Throws `TrustError`
 * TRUST_MALFORMED for a GUN or role that would lead elsewhere on the server.
 */
export function rolePath(gun: string, file: RoleFile): string {
  const role = file.role.split('/');
  const segments = gun.split('/');
  if (![...segments, ...role].every(isSegment)) {
    throw new TrustError(
      'TRUST_MALFORMED',
      `The role "${file.role.slice(0, 256)}" of ${gun.slice(0, 256)} can't be part of an address.`,
    );
  }
  const version = file.version === undefined ? '' : `${file.version}.`;
  const hash = file.sha256 === undefined ? '' : `.${encode(file.sha256)}`;
  return `${segments.map(encode).join('/')}/_trust/tuf/${version}${role.map(encode).join('/')}${hash}.json`;
}

/** Files of Notary servers over https, with token authentication. */
export class NotaryClient implements NotaryFiles {
  readonly #http: HttpClient;
  readonly #authenticator: Authenticator;

  constructor(http: HttpClient, authenticator: Authenticator) {
    this.#http = http;
    this.#authenticator = authenticator;
  }

  /**
   * The bytes of one file, or undefined on 404. A 401 is answered once by its challenge. Throws `TrustError` TRUST_TOO_LARGE and TRUST_MALFORMED, and `Fault`:
   * AUTH_REFUSED, TRUST_SERVER_ERROR for any other status, and what `HttpClient.call` and `Authenticator.answer` throw.
   */
  async fetch(address: RepositoryAddress, file: RoleFile, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const place = { origin: address.server, path: `/v2/${rolePath(address.gun, file)}` };
    const carried = this.#authenticator.remembered(address);
    let answer = await this.#get(place, { file, authorization: carried }, signal);
    if (answer.status === 401) {
      const lines = linesOf(answer.headers, 'www-authenticate');
      const authorization = await this.#authenticator.answer(address, { lines, refused: carried }, signal);
      answer = await this.#get(place, { file, authorization }, signal);
    }
    switch (answer.status) {
      case 200:
        return answer.bytes;
      case 404:
        return undefined;
      case 401:
      case 403:
        this.#authenticator.forget(address);
        throw refusedBy(address);
      default:
        throw new Fault(
          'TRUST_SERVER_ERROR',
          `${hostOf(place)} answered with HTTP ${answer.status} for ${file.role.slice(0, 256)} of ${address.gun}.`,
        );
    }
  }

  async #get(
    place: Place,
    what: { readonly file: RoleFile; readonly authorization: string | undefined },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const headers = what.authorization === undefined ? {} : { authorization: what.authorization };
    try {
      return await this.#http.call({ ...place, headers, maxBytes: what.file.maxBytes }, signal);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      throw new TrustError(
        'TRUST_TOO_LARGE',
        `${what.file.role.slice(0, 256)} is longer than the ${error.maxBytes} bytes that are read of it.`,
      );
    }
  }
}
