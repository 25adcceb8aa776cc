/** A shell block of a page that is to be run, and what the page says it prints. */
export interface ShellBlock {
  /** `run`: must end well or with a refusal; `background`: goes on; `eventually`: until it prints what the page says. */
  readonly mode: 'run' | 'background' | 'eventually';
  readonly commands: string;
  /** Undefined where the page shows nothing. */
  readonly output: string | undefined;
  /** Line of the page on which the block begins, from 1. */
  readonly line: number;
}

interface Fence {
  readonly info: string;
  readonly body: string;
  readonly line: number;
}

const fencesOf = (page: string): Fence[] =>
  [...page.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: info = '', 2: body = '', index }) => ({
    info,
    body,
    line: page.slice(0, index).split('\n').length,
  }));

/** The blocks ```` ```sh run ````, ```` ```sh background ```` and ```` ```sh eventually ```` of a page, each with the ```` ```text output ```` that follows it. */
export function shellBlocks(page: string): ShellBlock[] {
  const fences = fencesOf(page);
  return fences.flatMap(({ info, body, line }, at) => {
    const mode = /^sh (run|background|eventually)$/.exec(info)?.[1];
    if (mode === undefined) return [];
    const next = fences[at + 1];
    const output = next?.info === 'text output' ? next.body : undefined;
    return [{ mode: mode as ShellBlock['mode'], commands: body, output, line }];
  });
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a page says is printed, as a pattern: a line `…` stands for any lines, or none, and `…` in a line for any text. */
export function outputPattern(shown: string): RegExp {
  const lines = shown.trimEnd().split('\n');
  const parts = lines.map((line) =>
    line.trim() === '…' ? '(?:.*\\n)*?' : `${line.trimEnd().split('…').map(literal).join('.*')}[ ]*\\n`,
  );
  return new RegExp(`^\\n*${parts.join('')}\\s*$`);
}
