import { styleText } from 'node:util';
import type { Scene } from './scenes.ts';

/** What came of a scene. */
export interface Outcome {
  readonly allowed: boolean;
  readonly message: string;
  /** Patched image names by JSON pointer: before and after. */
  readonly images: ReadonlyMap<string, { readonly before: string; readonly after: string }>;
  readonly milliseconds: number;
}

const paint = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text);

const wrap = (text: string, indent: string, width = 110): string =>
  text
    .split(' ')
    .reduce<string[]>((lines, word) => {
      const last = lines.at(-1) ?? '';
      if (last !== '' && last.length + word.length >= width) lines.push(word);
      else lines[Math.max(lines.length - 1, 0)] = last === '' ? word : `${last} ${word}`;
      return lines;
    }, [])
    .join(`\n${indent}`);

function details({ allowed, message, images }: Outcome): string[] {
  if (!allowed) return message.split('\n').map((line) => `    ${paint('red', wrap(line, '      '))}`);
  if (images.size === 0) return [`    ${paint('dim', 'nothing to rewrite')}`];
  return [...images].flatMap(([pointer, { before, after }]) => [
    `    ${paint('dim', pointer)}`,
    `      ${paint('red', `- ${before}`)}`,
    `      ${paint('green', `+ ${after}`)}`,
  ]);
}

/** One scene with its outcome, for people; `differences` say how it is not what it should be. */
export function renderScene({ title }: Pick<Scene, 'title'>, outcome: Outcome, differences: readonly string[]): string {
  const mark = outcome.allowed ? paint(['green', 'bold'], '✔ ADMITTED') : paint(['red', 'bold'], '✘ REFUSED ');
  const time = paint('dim', `(${outcome.milliseconds.toFixed(1)} ms)`);
  return [
    `${mark}  ${paint('bold', title)} ${time}`,
    ...details(outcome),
    ...differences.map((difference) => `    ${paint(['yellow', 'bold'], `NOT AS IT SHOULD BE: ${difference}`)}`),
    '',
  ].join('\n');
}

/** A heading. */
export const renderHeading = (text: string): string => `\n${paint(['bold', 'cyan'], text)}\n\n`;
