import { styleText } from 'node:util';
import type { Outside, TextStream } from './outside.ts';

/** Dresses a text for a terminal, or leaves it as it is; and how wide that is. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  doubtful(text: string): string;
  faint(text: string): string;
  strong(text: string): string;
  /** How many columns a line may have; undefined: any number, for nobody looks at it on a terminal. */
  readonly columns: number | undefined;
}

type Format = Parameters<typeof styleText>[0];

/** Whether a stream is to be coloured: NO_COLOR (no-color.org) forbids, FORCE_COLOR asks for it, else on a terminal only. */
export function isColoured(stream: TextStream, env: Outside['env']): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** Colours and width of a stream. */
export function paintFor(stream: TextStream, env: Outside['env']): Paint {
  const coloured = isColoured(stream, env);
  const dress = (format: Format) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return {
    good: dress('green'),
    bad: dress('red'),
    doubtful: dress('yellow'),
    faint: dress('gray'),
    strong: dress('bold'),
    columns: stream.isTTY === true ? stream.columns : undefined,
  };
}

/** One line on a terminal that tells how far a long run is; nothing where messages go elsewhere. */
export interface Progress {
  /** Shows this in place of what was shown before. */
  show(text: string): void;
  /** Takes the line away. */
  clear(): void;
}

/** Back to the start of the line, and clear it (ECMA-48 CR, EL). */
const WIPE = '\r\u001b[2K';

/** The progress line of a run. */
export function openProgress({ messages, env }: Outside): Progress {
  if (messages.isTTY !== true || env['TERM'] === 'dumb') return { show: () => undefined, clear: () => undefined };
  const width = Math.max(20, (messages.columns ?? 80) - 1);
  let shown = false;
  return {
    show(text) {
      shown = true;
      messages.write(`${WIPE}${text.slice(0, width)}`);
    },
    clear() {
      if (shown) messages.write(WIPE);
      shown = false;
    },
  };
}

/** Unicode's category C (control, direction of writing, unassigned) less tab and line end: what an image name or a server says must not steer a terminal. */
const STEERING = /[^\P{C}\n\t]/gu;

/** A text that came from outside, safe to print. */
export const plain = (text: string): string =>
  text.replace(STEERING, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
