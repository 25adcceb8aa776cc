import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ensureTools } from '../tools/tools.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { startKube } from './support/kube.ts';
import { collectionPath } from './support/kubeclient.ts';
import { notaryUser } from './support/notary.ts';
import { startNotaryServer } from './support/notaryserver.ts';
import { startProgram } from './support/program.ts';
import { startRegistry } from './support/registry.ts';
import { webClient } from './support/web.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('tools');
});
afterAll(() => folder.remove());

/** A folder of its own for one test. */
async function room(name: string): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path, { recursive: true });
  return path;
}

/** Writes a shell script that may be executed; gives its path. */
async function script(path: string, lines: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Stands for Go: counts its calls in a file and leaves a program that says it is etcd. */
const FAKE_GO = `echo called >> "$CALLS"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho etcd Version: 3.7.3\\n' > "$2"
/bin/chmod +x "$2"
/bin/sleep 0.2`;

describe('finding the tools', () => {
  it('prefers a program in KUBEBUILDER_ASSETS to one on PATH', async () => {
    const [assets, path] = [await room('assets'), await room('path')];
    await script(join(assets, 'etcd'), 'echo etcd Version: 3.6.1');
    await script(join(path, 'etcd'), 'echo etcd Version: 3.6.1');
    const found = await ensureTools(['etcd'], { env: { KUBEBUILDER_ASSETS: assets, PATH: `${path}:/bin` } });
    expect(found.get('etcd')).toBe(join(assets, 'etcd'));
  });

  it('passes over a stranger of the same name and says so', async () => {
    const [stranger, real] = [await room('stranger'), await room('real')];
    await script(join(stranger, 'notary'), 'echo I notarise documents');
    await script(join(real, 'notary'), 'echo notary; echo " Version: 0.7.0"');
    const told: string[] = [];
    const env = { PATH: `${stranger}:${real}:/bin` };
    const found = await ensureTools(['notary'], { env, tell: (line) => told.push(line) });
    expect(found.get('notary')).toBe(join(real, 'notary'));
    expect(told.join()).toContain(join(stranger, 'notary'));
  });

  it('passes over a program that is too old', async () => {
    const [old, cache] = [await room('old'), await room('old-cache')];
    await script(join(old, 'etcd'), 'echo etcd Version: 2.3.8');
    await script(join(old, 'go'), FAKE_GO);
    const env = { PATH: old, PORTIERIS_TOOLS: cache, CALLS: join(old, 'calls') };
    const found = await ensureTools(['etcd'], { env, tell: () => undefined });
    expect(found.get('etcd')).toContain(cache);
  });

  it('builds a missing tool once for two who ask at the same time, and leaves only the program', async () => {
    const [bin, cache] = [await room('go'), await room('cache')];
    await script(join(bin, 'go'), FAKE_GO);
    const env = { PATH: bin, PORTIERIS_TOOLS: cache, CALLS: join(bin, 'calls') };
    const quiet = { env, tell: () => undefined };
    const [first, second] = await Promise.all([ensureTools(['etcd'], quiet), ensureTools(['etcd'], quiet)]);
    expect(first).toEqual(second);
    expect(await readFile(env.CALLS, 'utf8')).toBe('called\n');
    expect(await readdir(cache)).toHaveLength(1);
  });

  it('takes over the lock of a builder that died', async () => {
    const [bin, cache] = [await room('dead-go'), await room('dead-cache')];
    await script(join(bin, 'go'), FAKE_GO);
    const name = `etcd-3.7.3-${process.platform}-${process.arch}`;
    await writeFile(join(cache, `${name}.lock`), 'nobody');
    const env = { PATH: bin, PORTIERIS_TOOLS: cache, CALLS: join(bin, 'calls') };
    const found = await ensureTools(['etcd'], { env, tell: () => undefined });
    expect(found.get('etcd')).toBe(join(cache, name));
  });

  it('names the tool and the remedy where there is neither the tool nor Go', async () => {
    const env = { PATH: await room('nothing'), PORTIERIS_TOOLS: await room('nothing-cache') };
    const missing = ensureTools(['kube-apiserver'], { env, tell: () => undefined });
    await expect(missing).rejects.toThrow(
      /kube-apiserver is neither .* Install Go 1\.26 or later, or put kube-apiserver/,
    );
  });

  it("shows Go's own last words when a build fails", async () => {
    const [bin, cache] = [await room('broken-go'), await room('broken-cache')];
    await script(join(bin, 'go'), 'echo "no route to the module" >&2; exit 1');
    const env = { PATH: bin, PORTIERIS_TOOLS: cache };
    await expect(ensureTools(['registry'], { env, tell: () => undefined })).rejects.toThrow(/no route to the module/);
    expect(await readdir(cache)).toEqual([]);
  });
});

describe('running the tools', () => {
  it('shows the end of the log of a server that does not start', async () => {
    const place = await room('failing');
    const path = await script(join(place, 'server'), 'echo the disk is on fire >&2; exit 3');
    const start = startProgram({ name: 'server', path, args: [], folder: place, ready: async () => false });
    await expect(start).rejects.toThrow(/ended with 3 before it was ready.*\n.*the disk is on fire/);
  });

  it('runs a registry over TLS', async () => {
    const authority = makeAuthority('registry test');
    const registry = await startRegistry({ authority, folder: await room('registry') });
    const web = webClient(registry.origin, authority.certificate);
    expect((await web.ask('GET', '/v2/_catalog')).text).toContain('repositories');
    await web.close();
    await registry.stop();
  });

  it('runs a notary server over TLS that the notary client publishes to', async () => {
    const authority = makeAuthority('notary test');
    const server = await startNotaryServer({ authority, folder: await room('notary-server') });
    const user = await notaryUser({ folder: await room('user'), ...server });
    await user.init('example.com/team/app');
    await user.sign('example.com/team/app', { name: 'v1', sha256: 'ab'.repeat(32), length: 7 });
    expect(await user.run('list', 'example.com/team/app')).toContain('ab'.repeat(32));
    await server.stop();
  });

  it('runs a Kubernetes API server that stores objects', async () => {
    const kube = await startKube({ authority: makeAuthority('kube test'), folder: await room('kube') });
    await kube.client.namespace('team');
    await kube.client.create(collectionPath('v1', 'pods', 'team'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    });
    const stored = await kube.client.read(`${collectionPath('v1', 'pods', 'team')}/web`);
    expect(stored.spec.serviceAccountName).toBe('default');
    await kube.stop();
  });

  it('has every tool at hand', () => {
    expect(Object.keys(inject('tools')).sort()).toEqual([
      'etcd',
      'kube-apiserver',
      'kustomize',
      'notary',
      'notary-server',
      'prometheus',
      'promtool',
      'registry',
    ]);
  });
});
