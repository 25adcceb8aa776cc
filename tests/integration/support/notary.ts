import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';

/** How one run of the `notary` client ended. */
export interface NotaryRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One user of the real `notary` client: a trust directory with keys and trust data of its own, and a server. */
export interface NotaryUser {
  /** Where the client keeps keys and trust data. */
  readonly trustFolder: string;
  /** Runs `notary` with these arguments; never throws for an exit code. */
  tryRun(...args: string[]): Promise<NotaryRun>;
  /** Runs `notary` with these arguments; throws with what it said when it fails. */
  run(...args: string[]): Promise<string>;
  /** Makes a repository and publishes it; `rootKey`: path of a PEM private key to use as its root key. */
  init(gun: string, rootKey?: string): Promise<void>;
  /** Signs `tag` for a SHA-256 (hex) and publishes; `roles` empty: into `targets`. */
  sign(gun: string, tag: SignedTag, roles?: readonly string[]): Promise<void>;
  /** Delegates `role` to these public keys (paths of PEM files) for every path, and publishes. */
  delegate(gun: string, role: string, publicKeys: readonly string[]): Promise<void>;
  /** Takes a private key (path of a PEM file) into the key store, for `role`. */
  importKey(file: string, role: string, gun?: string): Promise<void>;
  /** Rotates the key of a role and publishes; `how`: to a key of the server's, to a given key, or to a fresh one. */
  rotate(gun: string, role: string, how?: Rotation): Promise<void>;
}

/** A tag with what it stands for. */
export interface SignedTag {
  readonly name: string;
  /** SHA-256 of the manifest, lower-case hex. */
  readonly sha256: string;
  readonly length: number;
}

/** What a key is rotated to. */
export interface Rotation {
  readonly serverManaged?: boolean;
  /** Path of a PEM private key. */
  readonly key?: string;
}

/** Where a user works, and which program and server it works with. */
export interface NotaryUserOptions {
  /** A folder that may not exist yet. */
  readonly folder: string;
  readonly origin: string;
  /** Path of the PEM of the authority of the server's certificate. */
  readonly authorityFile: string;
  /** `user:password` for the server's token service. */
  readonly login?: string;
  /** `trust_pinning` of the client's configuration: which roots it takes. */
  readonly trustPinning?: JsonObject;
}

const RUN_MILLISECONDS = 60_000;

/** One passphrase for all keys of a user: they live as long as the test. */
export const PASSPHRASE = 'only-for-this-test';

const passphrases = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['ROOT', 'TARGETS', 'SNAPSHOT', 'DELEGATION'].map((role) => [`NOTARY_${role}_PASSPHRASE`, PASSPHRASE]),
  );

function spawnNotary(args: readonly string[], env: NodeJS.ProcessEnv): Promise<NotaryRun> {
  const path = inject('tools')['notary'] as string;
  return new Promise((resolve, reject) => {
    const child = execFile(path, [...args], { env, timeout: RUN_MILLISECONDS }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    // Rotating a root key asks whether one is sure; a run that asks nothing may have ended before it could read the answer.
    child.stdin?.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' || reject(error));
    child.stdin?.end('yes\n');
  });
}

type Run = NotaryUser['run'];

/** The verbs of the tests, each one command line of the client. */
function verbs(run: Run): Omit<NotaryUser, 'trustFolder' | 'run' | 'tryRun'> {
  return {
    async init(gun, rootKey) {
      await run('init', gun, ...(rootKey === undefined ? [] : ['--rootkey', rootKey]), '-p');
    },
    async sign(gun, tag, roles = []) {
      const into = roles.length === 0 ? [] : ['--roles', roles.join(',')];
      await run('addhash', gun, tag.name, `${tag.length}`, '--sha256', tag.sha256, ...into, '-p');
    },
    async delegate(gun, role, publicKeys) {
      await run('delegation', 'add', gun, role, ...publicKeys, '--all-paths', '-p');
    },
    async importKey(file, role, gun) {
      await run('key', 'import', file, '--role', role, ...(gun === undefined ? [] : ['--gun', gun]));
    },
    async rotate(gun, role, how = {}) {
      const key = how.key === undefined ? [] : ['-k', how.key];
      await run('key', 'rotate', gun, role, ...(how.serverManaged === true ? ['-r'] : []), ...key);
    },
  };
}

/** A user whose home, keys and trust data lie in `folder`: nothing of the machine's own Notary set-up is seen. */
export async function notaryUser(options: NotaryUserOptions): Promise<NotaryUser> {
  const trustFolder = join(options.folder, 'trust');
  await mkdir(trustFolder, { recursive: true });
  const configuration = join(options.folder, 'notary.json');
  const { trustPinning } = options;
  await writeFile(configuration, JSON.stringify(trustPinning === undefined ? {} : { trust_pinning: trustPinning }));
  const login = options.login === undefined ? {} : { NOTARY_AUTH: Buffer.from(options.login).toString('base64') };
  const env = { HOME: options.folder, PATH: process.env['PATH'], ...passphrases(), ...login };
  const fixed = ['-c', configuration, '-s', options.origin, '--tlscacert', options.authorityFile, '-d', trustFolder];
  const tryRun: NotaryUser['tryRun'] = (...args) => spawnNotary([...fixed, ...args], env);
  const run: Run = async (...args) => {
    const ended = await tryRun(...args);
    if (ended.code === 0) return ended.stdout;
    throw new Error(`notary ${args.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
  };
  return { trustFolder, tryRun, run, ...verbs(run) };
}
