import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Tool } from './catalogue.ts';

const run = promisify(execFile);

/** The folders where a tool may already be: KUBEBUILDER_ASSETS first, then PATH. */
export function searchFolders(env: NodeJS.ProcessEnv): string[] {
  return [env['KUBEBUILDER_ASSETS'] ?? '', ...(env['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== '');
}

/** Whether `path` is a regular file that may be executed. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** What the program says when asked for its version, both streams; empty when it can't be run. */
async function whatItSays(path: string, ask: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(path, [...ask], { timeout: 20_000 });
    return `${stdout}${stderr}`;
  } catch {
    return '';
  }
}

/**
 * Path of a program of this name that also says it is this tool in a version that fits, or undefined. A stranger of the
 * same name (`notary` is also a signing tool of another system) is named to `tell` and passed over.
 */
export async function findProgram(
  tool: Tool,
  env: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<string | undefined> {
  for (const folder of searchFolders(env)) {
    const path = join(folder, tool.name);
    if (!(await isProgram(path))) continue;
    if (tool.accepts(await whatItSays(path, tool.ask))) return path;
    tell(`${path} is passed over: ${tool.passedOver ?? `it is another program or too old for ${tool.name}`}`);
  }
  return undefined;
}

/** Path of the `go` command on PATH or in GOROOT; undefined where there is none. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const root = env['GOROOT'] ?? '';
  for (const folder of [...searchFolders(env), ...(root === '' ? [] : [join(root, 'bin')])]) {
    const path = join(folder, 'go');
    if (await isProgram(path)) return path;
  }
  return undefined;
}
