import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { freePort } from '../support/port.ts';
import type { LoadJob, LoadResult } from './load.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Clock ticks of /proc in a second (USER_HZ). */
const TICKS = 100;

/** A server under measurement. */
export interface Subject {
  readonly name: string;
  /** Without a path. */
  readonly origin: string;
  /** Milliseconds from the start of the process to its first 200. */
  readonly ready: number;
  /** Seconds of CPU so far, user and system; undefined for one that was not started here. */
  cpu(): number | undefined;
  /** Resident memory in MB (10^6 bytes). */
  memory(): number | undefined;
  stop(): Promise<void>;
}

/** What a server of ours is started with. */
export interface Start {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path that answers 200 once it is ready. */
  readonly probe: string;
}

const status = (url: string): Promise<number> =>
  new Promise((done) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    }).once('error', () => done(0));
  });

const statOf = (pid: number): readonly string[] => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

async function ready(child: ChildProcess, url: string, name: string): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await status(url)) !== 200) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`${name} did not become ready at ${url}`);
    await new Promise((done) => setTimeout(done, 3));
  }
}

/** Starts a Node program on a free port and waits until it is ready. What it logs goes nowhere, but is written. */
export async function start({ name, args, env = {}, probe }: Start): Promise<Subject> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { NODE_ENV: 'production', PATH: process.env['PATH'], ...env, PORT: String(port) },
  });
  const pid = child.pid ?? 0;
  await ready(child, `${origin}${probe}`, name);
  return {
    name,
    origin,
    ready: performance.now() - began,
    cpu: () =>
      statOf(pid)
        .slice(11, 13)
        .reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS,
    memory: () => (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024) / 1e6,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** A webhook that runs already, measured beside ours. */
export const peer = (name: string, url: string): Subject => ({
  name,
  origin: url,
  ready: Number.NaN,
  cpu: () => undefined,
  memory: () => undefined,
  stop: () => Promise.resolve(),
});

/** The load generator, in a process of its own. */
export class Loader {
  readonly #child = fork(resolve(import.meta.dirname, 'load.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  async run(job: LoadJob): Promise<LoadResult> {
    this.#child.send(job);
    const [result] = (await once(this.#child, 'message')) as [LoadResult];
    return result;
  }

  stop(): void {
    this.#child.disconnect();
  }
}
