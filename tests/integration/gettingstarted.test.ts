import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, read } from '../support/pages.ts';
import { freePort } from '../support/port.ts';
import { outputPattern, type ShellBlock, shellBlocks } from '../support/shellpage.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';

/** Follows docs/getting-started.md as a newcomer would, in a fresh copy of the sources. */

const PAGE = 'docs/getting-started.md';
const blocks = shellBlocks(read(PAGE));

let folder: TemporaryFolder;
let port = 0;
const running: { text: () => string; stop: () => Promise<void> }[] = [];

beforeAll(async () => {
  folder = await temporaryFolder('getting-started');
  port = await freePort();
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of files.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder.path, file), { force: true });
  }
});
afterAll(async () => {
  await Promise.all(running.map(({ stop }) => stop()));
  await folder.remove();
});

/** The port that the page names may be taken on this machine. */
const here = (text: string): string => text.replaceAll('localhost:8080', `localhost:${port}`);

function start(commands: string): { text: () => string; ended: Promise<string>; stop: () => Promise<void> } {
  const env = {
    ...process.env,
    PORT: String(port),
    NO_COLOR: '1',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    // The packages of this checkout came the same way: what npm has of them is as good as what it would fetch.
    npm_config_prefer_offline: 'true',
    NODE_COMPILE_CACHE: join(folder.path, '.compiled'),
  };
  const child = spawn('sh', ['-c', here(commands)], { cwd: folder.path, env, detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise<string>((done) => child.once('close', () => done(text)));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await ended;
  };
  return { text: () => text, ended, stop };
}

/** What was printed, but for what npm says of itself; ends in one line break. */
const withoutNpm = (text: string): string =>
  `${text
    .replaceAll(/^npm (?:warn|notice).*\n/gm, '')
    .replaceAll(/^> .*\n/gm, '')
    .trimEnd()}\n`;

async function follow({ mode, commands, output }: ShellBlock): Promise<void> {
  const shown = output === undefined ? undefined : outputPattern(here(output));
  if (mode === 'background') {
    const started = start(commands);
    running.push(started);
    await expect.poll(() => withoutNpm(started.text())).toMatch(shown ?? /./);
  } else if (mode === 'eventually') {
    await expect.poll(async () => withoutNpm(await start(commands).ended)).toMatch(shown ?? /./);
  } else {
    expect(withoutNpm(await start(commands).ended)).toMatch(shown ?? /^\n$/);
  }
}

describe(PAGE, () => {
  it('has commands to follow', () => {
    expect(blocks.length).toBeGreaterThan(5);
  });

  it.each(blocks.map((block) => [block.line, block.commands.trim().split('\n')[0], block] as const))(
    'line %i is true: %s',
    async (_line, _command, block) => {
      await follow(block);
    },
    600_000,
  );
});
