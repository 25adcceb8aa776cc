import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from '../ports.ts';

/** Made anew for each process, so that an identity in a heap dump or a log can't be tried against a list of passwords. */
const SECRET = randomBytes(32);

/** A name for a credential (hex), equal only for equal credentials, `anonymous` without one; what caches are keyed by in place of the secret. */
export function credentialIdentity(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  const { username, password, identityToken } = credential;
  return createHmac('sha256', SECRET)
    .update(JSON.stringify([username, password, identityToken ?? null]))
    .digest('hex');
}

/** The value of a Basic Authorization header (RFC 7617, UTF-8). */
export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
