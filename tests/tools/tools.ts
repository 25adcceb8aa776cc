import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildTool } from './build.ts';
import { TOOLS, type Tool, type ToolName } from './catalogue.ts';
import { findGo, findProgram, isProgram } from './find.ts';
import { withLock } from './lock.ts';

export type { ToolName } from './catalogue.ts';

/** Paths of programs, by name. */
export type ToolPaths = ReadonlyMap<ToolName, string>;

/** Where to look and whom to tell; each has the real thing as its default. */
export interface ToolOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Receives one line of progress at a time. */
  readonly tell?: (line: string) => void;
}

const tellStderr = (line: string): void => {
  process.stderr.write(`tools: ${line}\n`);
};

/** Folder where built programs are kept: PORTIERIS_TOOLS, else the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const own = env['PORTIERIS_TOOLS'];
  if (own) return own;
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'portieris-tools');
}

/** Says the version, whether it is patched, and the kind of machine, so that a cache never gives another build than the one meant. */
const fileOf = ({ name, version, patch }: Tool): string =>
  `${name}-${version}${patch === undefined ? '' : '-patched'}-${process.platform}-${process.arch}`;

/** The program in the cache, built first where it is missing. */
async function builtTool(tool: Tool, env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<string> {
  const folder = cacheFolder(env);
  const path = join(folder, fileOf(tool));
  if (await isProgram(path)) return path;
  const go = await findGo(env);
  if (go === undefined) {
    throw new Error(
      `${tool.name} is neither in KUBEBUILDER_ASSETS nor on PATH nor in ${folder}, and there is no Go to build it with. ` +
        `Install Go 1.26 or later, or put ${tool.name} ${tool.version} in a folder on PATH.`,
    );
  }
  await mkdir(folder, { recursive: true });
  await withLock(`${path}.lock`, async () => {
    if (!(await isProgram(path))) await buildTool(tool, path, { go, env, tell });
  });
  return path;
}

/**
 * Paths of the named tools (all of them by default): found in KUBEBUILDER_ASSETS or on PATH, else in the cache, else built
 * into it. Throws an error that names the tool and what to do when one can be neither found nor built.
 */
export async function ensureTools(names?: readonly ToolName[], options: ToolOptions = {}): Promise<ToolPaths> {
  const { env = process.env, tell = tellStderr } = options;
  const paths = new Map<ToolName, string>();
  for (const tool of TOOLS) {
    if (names !== undefined && !names.includes(tool.name)) continue;
    paths.set(tool.name, (await findProgram(tool, env, tell)) ?? (await builtTool(tool, env, tell)));
  }
  return paths;
}
