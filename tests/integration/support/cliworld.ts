import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import type { Inspection } from '../../../functions/cli/inspect.ts';
import { keyId } from '../../../functions/trust/notary/keys.ts';
import { readPem } from '../../../functions/trust/notary/pem.ts';
import { COMPILED } from '../../support/process.ts';
import { makeAuthority } from './certificates.ts';
import { temporaryFolder } from './folder.ts';
import { type KeyFiles, makeKeyFiles } from './keyfiles.ts';
import { type NotaryUser, notaryUser } from './notary.ts';
import { startNotaryServer } from './notaryserver.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** What is signed. */
const REPOSITORIES = ['registry.demo/shop/web', 'registry.demo/payments/api'] as const;
/** Policies and manifests that docs/cli.md speaks of. */
const EXAMPLES = resolve(import.meta.dirname, '../../fixtures/cli');

/** What a command line said, both streams in one, and how it ended. */
export interface Said {
  readonly text: string;
  readonly code: number;
}

/** Real trust data on a real notary-server, and a shell that knows `portieris`. */
export interface CliWorld {
  /** Where the shell runs: `policies/`, `deploy/`. */
  readonly folder: string;
  /** Runs a line of shell with `more` over the environment. */
  run(line: string, more?: Readonly<Record<string, string>>): Promise<Said>;
  /** The same with what differs from run to run replaced: key IDs, times, folders, the address of the server. Table columns keep their width. */
  example(line: string, more?: Readonly<Record<string, string>>): Promise<Said>;
  close(): Promise<void>;
}

/** A digest that no run changes: the SHA-256 of a name. */
export const exampleSha = (name: string): string => createHash('sha256').update(name).digest('hex');

const idOf = ({ pem }: KeyFiles): string => keyId('ecdsa', readPem(pem)?.[0]?.bytes ?? Buffer.alloc(0));

/** Two people whose keys sort as their names do, so that lists of key IDs come in one order. */
async function twoPeople(folder: string): Promise<readonly [KeyFiles, KeyFiles]> {
  const pair = await Promise.all(['one', 'two'].map((name) => makeKeyFiles(folder, name)));
  const [alice, bob] = pair.toSorted((left, right) => (idOf(left) < idOf(right) ? -1 : 1));
  return [alice as KeyFiles, bob as KeyFiles];
}

const tag = (repository: string, name: string) => ({ name, sha256: exampleSha(`${repository}:${name}`), length: 1234 });

/** `shop/web` signed by its owner alone, `payments/api` by alice and bob, whose tag 2.1 bob has not signed yet. */
async function signed(user: NotaryUser, alice: KeyFiles, bob: KeyFiles): Promise<void> {
  const [web, api] = REPOSITORIES;
  await user.init(web);
  await user.sign(web, tag(web, '1.4'));
  await user.init(api);
  await user.delegate(api, 'targets/alice', [alice.publicKey]);
  await user.delegate(api, 'targets/bob', [bob.publicKey]);
  await user.delegate(api, 'targets/releases', [alice.publicKey, bob.publicKey]);
  await user.importKey(alice.privateKey, 'targets/alice');
  await user.importKey(bob.privateKey, 'targets/bob');
  await user.sign(api, tag(api, '2.0'), ['targets/releases', 'targets/alice', 'targets/bob']);
  await user.sign(api, tag(api, '2.1'), ['targets/releases', 'targets/alice']);
}

const secretOf = (name: string, { pem }: KeyFiles): string => `apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: payments}
stringData:
  name: ${name}
  publicKey: |
${pem.trim().replace(/^/gm, '    ')}
`;

/** By key ID of these repositories: an ID that is the same in every run, made of the role that lists the key. */
async function steadyIds(run: CliWorld['run']): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const repository of REPOSITORIES) {
    const { roles } = JSON.parse((await run(`portieris inspect ${repository} -n payments -o json`)).text) as Inspection;
    // A role of one key names it, before a role that shares it with another.
    for (const { role, keyIds } of roles.toSorted((left, right) => left.keyIds.length - right.keyIds.length))
      for (const id of keyIds) if (!ids.has(id)) ids.set(id, exampleSha(`${repository} ${role}`));
  }
  return ids;
}

/** A text with what differs from run to run replaced by what does not, of the same length where a table may hold it. */
const steady = (
  text: string,
  {
    origin,
    folder,
    ids,
  }: { readonly origin: string; readonly folder: string; readonly ids: ReadonlyMap<string, string> },
): string =>
  text
    .replaceAll(origin, 'https://notary.registry.demo')
    .replaceAll(`${folder}/`, '')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2027-01-01T00:00:00.000Z')
    .replaceAll(/\b[0-9a-f]{64}\b/g, (hex) => ids.get(hex) ?? hex);

/** Starts it all; takes some seconds. */
export async function openCliWorld(): Promise<CliWorld> {
  const { path: folder, remove } = await temporaryFolder('cli');
  const notary = await startNotaryServer({ authority: makeAuthority('command line'), folder });
  const [alice, bob] = await twoPeople(folder);
  await signed(await notaryUser({ folder: join(folder, 'user'), ...notary }), alice, bob);
  await cp(EXAMPLES, folder, { recursive: true });
  await writeFile(
    join(folder, 'policies/signers.yaml'),
    [secretOf('alice', alice), secretOf('bob', bob)].join('---\n'),
  );
  await mkdir(join(folder, 'bin'));
  const program = join(folder, 'bin/portieris');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'functions/cli/bin.js')}" "$@"\n`);
  await chmod(program, 0o755);
  const env = {
    ...COMPILED,
    PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter),
    SNAPSHOT: 'policies',
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
    TRUST_CA_FILE: notary.authorityFile,
  };
  const run: CliWorld['run'] = (line, more = {}) =>
    new Promise((done, fail) => {
      execFile('sh', ['-c', `{ ${line}; } 2>&1`], { cwd: folder, env: { ...env, ...more } }, (error, text) => {
        if (error !== null && typeof error.code !== 'number') fail(error);
        else done({ text, code: error === null ? 0 : Number(error.code) });
      });
    });
  const ids = await steadyIds(run);
  return {
    folder,
    run,
    async example(line, more) {
      const { text, code } = await run(line, more);
      return { text: steady(text, { origin: notary.origin, folder, ids }), code };
    },
    async close() {
      await notary.stop();
      await remove();
    },
  };
}
