import { Fault } from '../codes.ts';

/** What each error code of Node and undici means, said of `host`. */
const SENTENCES: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'its name does not resolve'],
  ['EAI_AGAIN', 'the name service gave no answer for its name'],
  ['ECONNREFUSED', 'it refused the connection'],
  ['ECONNRESET', 'it broke the connection off'],
  ['EPIPE', 'it broke the connection off'],
  ['UND_ERR_SOCKET', 'it broke the connection off'],
  ['EHOSTUNREACH', 'there is no route to it'],
  ['ENETUNREACH', 'there is no route to it'],
  ['ETIMEDOUT', 'the connection timed out'],
  ['UND_ERR_CONNECT_TIMEOUT', 'the connection timed out'],
  ['UND_ERR_HEADERS_TIMEOUT', 'it did not begin to answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'its answer came to a halt'],
  ['UND_ERR_ABORTED', 'the proxy of HTTPS_PROXY did not open a way to it'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is made out to another name'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
]);

/** OpenSSL's words for a chain that does not end at a trusted root. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Codes with which a connection ends that the other side closed while the request was on its way. */
const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** `code` of an error of Node or undici, or the empty string. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error.cause === undefined ? '' : codeOf(error.cause);
}

/**
 * True where the error is what a kept connection gives that the server had closed meanwhile: the request reached nobody, and a read
 * may be sent again (RFC 9112 §9.3.1). A connection that never served anything is not stale but refused.
 */
export function isStale(error: unknown): boolean {
  if (!BROKEN.has(codeOf(error))) return false;
  const socket: unknown = error instanceof Error && 'socket' in error ? error.socket : undefined;
  if (typeof socket !== 'object' || socket === null || !('bytesRead' in socket)) return true;
  return typeof socket.bytesRead === 'number' && socket.bytesRead > 0;
}

/** The fault TRUST_SERVER_UNREACHABLE for an error on the way to `host`; the error's own text is left out, as it may quote the request. */
export function unreachable(host: string, error: unknown): Fault {
  const code = codeOf(error);
  const why = UNTRUSTED.has(code)
    ? 'its certificate is not from a certificate authority that the gate trusts (TRUST_CA_FILE adds one)'
    : (SENTENCES.get(code) ?? 'the connection failed');
  return new Fault(
    'TRUST_SERVER_UNREACHABLE',
    `${host} could not be reached: ${why}${code === '' ? '' : ` (${code})`}.`,
  );
}
