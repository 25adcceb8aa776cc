import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates } from 'node:tls';
import { LIMITS } from '../limits.ts';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from './undici.ts';

/** How connections to trust servers and token services are made. */
export interface Outside {
  /** PEM bundle trusted beside Node's default roots (TRUST_CA_FILE), or undefined. */
  readonly ca?: string | undefined;
  /** Environment in which HTTPS_PROXY and NO_PROXY are looked for, in either case (lower case first, as curl and Go do). */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A handshake that takes longer than this will not be had in time for an admission (10 s by default, 30 s at most). */
const CONNECT_MILLISECONDS = 5_000;
/** Shorter than the 60 s after which common front ends drop an idle connection. */
const IDLE_MILLISECONDS = 30_000;
const PEM_BLOCK = '-----BEGIN CERTIFICATE-----';

/** Certificates of a PEM bundle, one string each. Throws `Error` with a sentence when one of them is not a certificate or there is none. */
export function readBundle(pem: string): readonly string[] {
  const blocks = pem.split(PEM_BLOCK).slice(1);
  if (blocks.length === 0) throw new Error('The bundle of certificate authorities holds no certificate in PEM form.');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(PEM_BLOCK + block).toString();
    } catch {
      throw new Error(`Certificate ${index + 1} of the bundle of certificate authorities is not valid PEM or DER.`);
    }
  });
}

/** HTTPS_PROXY, or the empty string. Throws `Error` without its text, which may hold a password. */
function proxyOf(env: Readonly<Record<string, string | undefined>>): string {
  const text = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '';
  if (text === '') return '';
  // curl and Go take `host:port` for an http proxy.
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error('HTTPS_PROXY is not an http:// or https:// address.');
  }
  return url.href;
}

/**
 * The one dispatcher that all calls share: connections kept alive and bounded for each origin, TLS 1.2 or later, HTTP/1.1 (what Notary
 * speaks), through HTTPS_PROXY unless NO_PROXY names the host. HTTP_PROXY is for `http:` addresses, of which the gate calls none.
 * The TLS context is made once: parsing some 140 roots for each connection costs more than the handshake.
 * Throws `Error` with a sentence when the bundle or the proxy address is not valid.
 */
export function openDispatcher(outside: Outside): Dispatcher {
  const env = outside.env ?? process.env;
  const extra = outside.ca === undefined ? [] : readBundle(outside.ca);
  const secureContext = createSecureContext({
    ca: [...getCACertificates('default'), ...extra],
    minVersion: 'TLSv1.2',
  });
  const tls = { secureContext, minVersion: 'TLSv1.2' as const, timeout: CONNECT_MILLISECONDS };
  const direct = {
    connections: LIMITS.connectionsPerOrigin,
    keepAliveTimeout: IDLE_MILLISECONDS,
    headersTimeout: LIMITS.fetchMilliseconds,
    bodyTimeout: LIMITS.fetchMilliseconds,
    connect: tls,
  };
  const httpsProxy = proxyOf(env);
  // The dispatcher that looks for a proxy parses an address for each request.
  if (httpsProxy === '') return new Agent(direct);
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  return new EnvHttpProxyAgent({ ...direct, requestTls: tls, proxyTls: tls, httpProxy: '', httpsProxy, noProxy });
}
