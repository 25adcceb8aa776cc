import { LIMITS } from '../../limits.ts';

/** A block of a PEM text (RFC 7468): its label and the bytes it holds. */
export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
}

const BEGIN = '-----BEGIN ';
/** Characters of base64 in a line (RFC 7468 §2). */
const COLUMNS = 64;
const BODY = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes of base64 in its one padded form, or undefined for anything else (RFC 4648 §3.5: pad bits are zero). */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** RFC 1421 §4.6: headers stand before a blank line. `docker trust key generate` writes one, `role: alice`. */
const withoutHeaders = (inner: string): string => {
  const lines = inner.trimStart().split('\n');
  const blank = lines.findIndex((line) => line.trim() === '');
  return blank > 0 && lines.slice(0, blank).every((line) => line.includes(':')) ? lines.slice(blank).join('\n') : inner;
};

const blockAt = (
  text: string,
  at: number,
  headers: boolean,
): { readonly block: PemBlock; readonly end: number } | undefined => {
  const labelEnd = text.indexOf('-----', at + BEGIN.length);
  if (labelEnd < 0) return undefined;
  const label = text.slice(at + BEGIN.length, labelEnd);
  const closing = `-----END ${label}-----`;
  const bodyEnd = text.indexOf(closing, labelEnd + 5);
  if (bodyEnd < 0) return undefined;
  const inner = text.slice(labelEnd + 5, bodyEnd);
  const body = (headers ? withoutHeaders(inner) : inner).replaceAll(/[ \t\r\n]/g, '');
  const bytes = BODY.test(body) ? decodeBase64(body) : undefined;
  return bytes === undefined ? undefined : { block: { label, bytes }, end: bodyEnd + closing.length };
};

/**
 * Every block of a PEM text, in order; undefined where a block is broken, has headers (unless `headers` allows and passes over them), or
 * there are more than `LIMITS.certificatesPerPem`. Text outside of blocks is passed over.
 */
export function readPem(text: string, { headers = false } = {}): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let at = text.indexOf(BEGIN);
  while (at >= 0) {
    const found = blockAt(text, at, headers);
    if (found === undefined || blocks.length === LIMITS.certificatesPerPem) return undefined;
    blocks.push(found.block);
    at = text.indexOf(BEGIN, found.end);
  }
  return blocks;
}

/** PEM as Go's `pem.EncodeToMemory` writes it: 64 columns, a newline at the end. */
export function writePem(blocks: readonly PemBlock[]): string {
  let text = '';
  for (const { label, bytes } of blocks) {
    const body = bytes.toString('base64');
    text += `-----BEGIN ${label}-----\n`;
    for (let at = 0; at < body.length; at += COLUMNS) text += `${body.slice(at, at + COLUMNS)}\n`;
    text += `-----END ${label}-----\n`;
  }
  return text;
}
