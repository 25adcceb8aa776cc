import { LIMITS } from '../limits.ts';

const SHOWN = 200;

/** Text from outside for records that escape it themselves (JSON of logs and annotations), cut where it is longer than any image name. */
export const brief = (text: string): string =>
  text.length > LIMITS.referenceLength ? `${text.slice(0, SHOWN)}…` : text;

/**
 * Text from outside in double quotes, as it may stand in a message: everything but printable ASCII is written as an escape
 * (a message may end in a terminal), and what is longer than 200 characters is cut and marked.
 */
export function quote(text: string): string {
  const shown = text.length > SHOWN ? text.slice(0, SHOWN) : text;
  let out = '';
  for (let i = 0; i < shown.length; i++) {
    const code = shown.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) out += `\\${shown[i]}`;
    else if (code < 0x20 || code > 0x7e) out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += shown[i];
  }
  return text.length > SHOWN ? `"${out}…" (${text.length} characters)` : `"${out}"`;
}
