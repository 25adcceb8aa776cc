import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Tool } from './catalogue.ts';
import { isProgram } from './find.ts';

const MODULES = fileURLToPath(new URL('./go/', import.meta.url));
const HEARTBEAT_MILLISECONDS = 15_000;
const TAIL_LINES = 25;

/** Where and by whom a tool is built. */
export interface Workshop {
  /** Path of the `go` command. */
  readonly go: string;
  readonly env: NodeJS.ProcessEnv;
  /** Receives one line of progress at a time. */
  readonly tell: (line: string) => void;
}

/** Flags that make a small binary, the same whatever folder it is built in. */
const flagsOf = (tool: Tool): string[] => [
  '-trimpath',
  '-buildvcs=false',
  '-ldflags',
  ['-s -w', ...tool.linker].join(' '),
  ...(tool.tags === undefined ? [] : ['-tags', tool.tags]),
];

/** The `go` command line that leaves the program in `folder`. */
function commandOf(tool: Tool, folder: string, overlay: readonly string[]): string[] {
  return tool.module === undefined
    ? ['install', ...flagsOf(tool), ...overlay, `${tool.package}@v${tool.version}`]
    : ['build', ...flagsOf(tool), ...overlay, '-o', join(folder, tool.name), tool.package];
}

/** Writes the tool's patch of Go's library into `folder`; gives the flags that build with it. Throws where the text is not there to be replaced. */
async function overlayOf({ patch, name }: Tool, folder: string, { go, env }: Workshop): Promise<string[]> {
  if (patch === undefined) return [];
  const { stdout } = await promisify(execFile)(go, ['env', 'GOROOT'], { env: environmentOf(env, folder) });
  const original = join(stdout.trim(), 'src', patch.file);
  const text = await readFile(original, 'utf8');
  if (text.split(patch.from).length !== 2) {
    throw new Error(
      `${name}: ${patch.file} of this Go does not hold "${patch.from}" once; look at its patch in tests/tools/catalogue.ts`,
    );
  }
  const [patched, overlay] = [join(folder, 'patched.go'), join(folder, 'overlay.json')];
  await writeFile(patched, text.replace(patch.from, patch.to));
  await writeFile(overlay, JSON.stringify({ Replace: { [original]: patched } }));
  return ['-overlay', overlay];
}

/** The user's environment, less what would make Go build something else than asked. */
function environmentOf(env: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  return { ...env, CGO_ENABLED: '0', GOBIN: folder, GOWORK: 'off', GOFLAGS: '', GOOS: '', GOARCH: '' };
}

async function runGo(tool: Tool, folder: string, workshop: Workshop): Promise<void> {
  const overlay = await overlayOf(tool, folder, workshop);
  const child = spawn(workshop.go, commandOf(tool, folder, overlay), {
    cwd: tool.module === undefined ? folder : join(MODULES, tool.module),
    env: environmentOf(workshop.env, folder),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [said, code] = await Promise.all([text(child.stderr), ended]);
  if (code === 0) return;
  const tail = said.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${tool.name} ${tool.version} could not be built: go ended with ${code}. Go said:\n${tail}`);
}

const seconds = (since: number): string => `${Math.round((performance.now() - since) / 1000)} s`;

/**
 * Builds the tool with Go and moves it to `path` in one step, so that nobody ever sees half a program. Throws with Go's
 * own last lines when that fails.
 */
export async function buildTool(tool: Tool, path: string, workshop: Workshop): Promise<void> {
  const started = performance.now();
  const label = `${tool.name} ${tool.version}`;
  workshop.tell(`building ${label} (once; then kept as ${basename(path)})`);
  const heartbeat = setInterval(() => workshop.tell(`building ${label}: ${seconds(started)}`), HEARTBEAT_MILLISECONDS);
  const folder = await mkdtemp(`${path}.building-`);
  try {
    await runGo(tool, folder, workshop);
    const built = join(folder, tool.name);
    if (!(await isProgram(built))) throw new Error(`${label}: go ended well but left no program`);
    await rename(built, path);
    workshop.tell(`built ${label} in ${seconds(started)}`);
  } finally {
    clearInterval(heartbeat);
    await rm(folder, { recursive: true, force: true });
  }
}
