import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliWorld } from './cliworld.ts';

/** The page whose examples are real. */
const PAGE = resolve(import.meta.dirname, '../../../docs/cli.md');
/** Blocks that show a session: a line that begins with `$ `, and what it says. */
const EXAMPLE = /^```console\n\$ (.+)\n([\s\S]*?)^```$/gm;

/** A command line of docs/cli.md, and what the page says it says. */
export interface Example {
  readonly line: string;
  readonly said: string;
}

/** The page, and its examples: those that ask a cluster, and those that need none. */
export async function readExamples(): Promise<{
  readonly page: string;
  readonly alone: readonly Example[];
  readonly cluster: readonly Example[];
}> {
  const page = await readFile(PAGE, 'utf8');
  const all = [...page.matchAll(EXAMPLE)].map(([, line = '', said = '']) => ({ line, said }));
  const { cluster = [], alone = [] } = Object.groupBy(all, ({ line }) =>
    line.includes('-s cluster') ? 'cluster' : 'alone',
  );
  return { page, alone, cluster };
}

/** With `UPDATE_EXAMPLES=1`, writes into the page what these examples say now. */
export async function updateExamples(examples: readonly Example[], world: Pick<CliWorld, 'example'>): Promise<void> {
  if (process.env['UPDATE_EXAMPLES'] !== '1') return;
  const said = new Map<string, string>();
  for (const { line } of examples) said.set(line, (await world.example(line)).text);
  const page = await readFile(PAGE, 'utf8');
  const written = page.replaceAll(EXAMPLE, (block, line: string) =>
    said.has(line) ? `\`\`\`console\n$ ${line}\n${said.get(line)}\`\`\`` : block,
  );
  await writeFile(PAGE, written);
}
