/** Why a text is no trust server, as a sentence that ends a message. */
const UNREADABLE = 'must be https://host or https://host:port; correct the host or the port.';

/**
 * The origin (`https://host[:port]`, lower-case, default port left out, RFC 6454 §6.2) of a trust server as a policy writes
 * it, or undefined for an empty text. The text must already have the form of the schema's pattern; `problem` says what is
 * still wrong with it.
 */
export function parseTrustServer(
  written: string,
): { readonly origin: string | undefined } | { readonly problem: string } {
  if (written === '') return { origin: undefined };
  const url = URL.parse(written);
  if (url === null || url.protocol !== 'https:') return { problem: UNREADABLE };
  return { origin: url.origin };
}
