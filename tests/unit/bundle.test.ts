import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { standIns } from '../../knative/standins.ts';
import { makeAuthority } from '../integration/support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from '../integration/support/folder.ts';
import { kubeconfigOf } from '../support/kube.ts';
import { freePort } from '../support/port.ts';
import { startNode } from '../support/process.ts';
import { createBytes, digestOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let folder: TemporaryFolder;
let notary: NotaryServer;
let dist: string;

beforeAll(async () => {
  folder = await temporaryFolder('bundle');
  dist = join(folder.path, 'dist');
  await promisify(execFile)(process.execPath, [join(ROOT, 'knative/bundle.ts'), dist]);
  const repository = new TestRepository({ gun: 'registry.demo/shop/web' }).tag('v1', digestOf('a')).publish();
  notary = await serveNotary({ repositories: [repository] });
  await writeFile(join(folder.path, 'ca.pem'), notary.ca ?? '');
});
afterAll(async () => {
  await notary.close();
  await folder.remove();
});

/** The text of a file of the bundle and of all that is loaded with it. */
async function loadedWith(name: string, seen = new Set<string>()): Promise<string> {
  if (seen.has(name)) return '';
  seen.add(name);
  const text = await readFile(join(dist, name), 'utf8');
  const names = [...text.matchAll(/(?:^|[;}\n])(?:import|export)\b[^;"'()]*["']\.\/([\w.-]+\.js)["']/g)];
  const others = await Promise.all(names.map(([, other = '']) => loadedWith(other, seen)));
  return [text, ...others].join('\n');
}

describe('the bundle of the image', () => {
  it.each([
    ['the YAML parser', 'parseAllDocuments'],
    ['the client of the API server', 'loadFromCluster'],
    ['OpenTelemetry', 'OTLPTraceExporter'],
    ['CloudEvents', 'BigNumber'],
    ['the command line', 'yargs'],
    ['what issues certificates', 'RSAES-OAEP'],
  ])('does not load %s before it is asked for', async (_, mark) => {
    const files = (await readdir(dist)).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(files.map((name) => readFile(join(dist, name), 'utf8')));
    expect(texts.some((text) => text.includes(mark))).toBe(true);
    expect((await loadedWith('serve.js')).includes(mark)).toBe(false);
  });

  it('has of the client of the API server what reads it, and not the generated client of every API', async () => {
    const text = await loadedWith('kubelibrary.js');
    expect(text).toContain('loadFromCluster');
    expect(text).not.toContain('CoreV1Api');
  });

  it('is ASCII, for V8 keeps a source at two bytes a character where one of them is beyond Latin-1', async () => {
    for (const name of (await readdir(dist)).filter((file) => file.endsWith('.js')))
      expect((await readFile(join(dist, name), 'utf8')).search(/[^\0-\x7f]/), name).toBe(-1);
  });

  it.each([
    ['of undici what it uses', 'MockAgent', false],
    ['of undici what it uses', 'EnvHttpProxyAgent', true],
    ['no tables of encodings, which only body parsers read that it leaves out', 'iso-8859-16', false],
    ['no list of all media types', 'application/vnd.3gpp', false],
  ])('has %s: %s', async (_, mark, isThere) => {
    for (const entry of ['serve.js', 'kubelibrary.js']) {
      const text = await loadedWith(entry);
      expect(text.includes(mark)).toBe(isThere);
    }
  });

  it('still knows the types that Express names for an answer of the framework', async () => {
    const [entry, file] = [join(folder.path, 'types.mjs'), join(folder.path, 'bundled.mjs')];
    const { resolve: resolved } = createRequire(createRequire(import.meta.url).resolve('express'));
    await writeFile(entry, `export { default } from ${JSON.stringify(resolved('mime-types'))};`);
    await build({ input: entry, platform: 'node', plugins: [standIns], output: { file, format: 'esm' } });
    const { default: types } = (await import(file)) as { default: { contentType(name: string): string | false } };
    expect(['html', 'txt', 'json', 'bin'].map((name) => types.contentType(name))).toEqual([
      'text/html; charset=utf-8',
      'text/plain; charset=utf-8',
      'application/json; charset=utf-8',
      'application/octet-stream',
    ]);
  });

  it('makes Node load neither its own undici nor HTTP/2', async () => {
    const told = "process.on('exit', () => console.log('LOADED', process.moduleLoadList.join()))";
    const gate = startNode(['--import', `data:text/javascript,${told}`, join(dist, 'serve.js')], {
      PORT: '0',
      SNAPSHOT: join(ROOT, 'policies/embedded'),
      TRUST_RECORDS: join(folder.path, 'none'),
    });
    await gate.until(/"port":(\d+)/);
    gate.child.kill('SIGTERM');
    expect(await gate.ended).toBe(0);
    const [loaded = ''] = /LOADED .*/.exec(gate.text()) ?? [];
    expect(loaded).toContain('NativeModule http');
    expect(loaded).not.toMatch(/NativeModule (internal\/deps\/undici|http2|internal\/http2)/);
  });

  it('admits and refuses as the sources do, with nothing beside it', async () => {
    const gate = startNode([join(dist, 'serve.js')], {
      PORT: '0',
      LOG_LEVEL: 'debug',
      SNAPSHOT: join(ROOT, 'policies/embedded'),
      TRUST_RECORDS: join(folder.path, 'records'),
      TRUST_CA_FILE: join(folder.path, 'ca.pem'),
      TRUST_SERVERS: `registry.demo=${notary.origin}`,
    });
    try {
      const [, port = ''] = await gate.until(/"port":(\d+)/);
      // Minified names would keep the framework's idle layers in the way of every admission.
      expect(gate.text()).toMatch(
        /"leftOut":\[(?=[^\]]*jsonParser)(?=[^\]]*rawParser)[^\]]*executionContextMiddleware/,
      );
      const ask = async (image: string): Promise<boolean> => {
        const answer = await fetch(`http://127.0.0.1:${port}/admit?timeout=10s`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(createBytes('Pod', image)),
        });
        return ((await answer.json()) as AdmissionReviewAnswer).response.allowed;
      };
      expect(await ask('registry.demo/shop/web:v1')).toBe(true);
      expect(await ask('registry.demo/shop/web:unsigned')).toBe(false);
    } finally {
      await gate.kill();
    }
  });

  it('holds the function that looks at policies', async () => {
    const started = startNode([join(dist, 'validate.js')], { PORT: '0', SNAPSHOT: join(ROOT, 'policies/embedded') });
    try {
      const [, port = ''] = await started.until(/"port":(\d+)/);
      const answer = await fetch(`http://127.0.0.1:${port}/health/readiness`);
      expect(answer.status).toBe(200);
    } finally {
      await started.kill();
    }
  });

  it('is made from what the Dockerfile copies, which is what the builder is sent, and nothing else', async () => {
    const [stage = ''] = (await readFile(join(ROOT, 'knative/Dockerfile'), 'utf8')).split(/^FROM .*RUNTIME_IMAGE/m);
    const sent = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
    const context = join(folder.path, 'context');
    for (const [, line = ''] of stage.matchAll(/^COPY (.+)$/gm)) {
      const names = line.split(' ').slice(0, -1);
      for (const name of names) expect(sent).toContain(`!${name}`);
      for (const name of names.flatMap((pattern) => globSync(pattern, { cwd: ROOT })))
        await cp(join(ROOT, name), join(context, name), { recursive: true });
    }
    await symlink(join(ROOT, 'node_modules'), join(context, 'node_modules'));
    await promisify(execFile)(process.execPath, ['knative/bundle.ts'], { cwd: context });
    expect((await readdir(join(context, 'dist'))).toSorted()).toEqual((await readdir(dist)).toSorted());
  });

  it('holds the certificate job', async () => {
    const certs = startNode([join(dist, 'certs.js'), 'secret']);
    expect(await certs.ended).toBe(0);
    expect(certs.text()).toContain('kind: Secret');
  });

  it.each([
    ['one with an authority', true],
    ['one without: Node knows the authority', false],
  ])(
    'speaks HTTP/1.1 with an API server that offers HTTP/2, which is not in it; the kubeconfig is %s',
    async (_, named) => {
      const authority = makeAuthority('bundle');
      const pair = authority.issue(['127.0.0.1']);
      const versions = new Set<string>();
      const server = createSecureServer(
        { key: pair.key, cert: pair.certificate, allowHTTP1: true },
        (request, response) => {
          versions.add(request.httpVersion);
          response.writeHead(403, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', code: 403, message: 'not you' }));
        },
      );
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const [kubeconfig, ca] = [join(folder.path, 'kubeconfig'), join(folder.path, 'api.pem')];
      await writeFile(ca, authority.certificate);
      const place = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await writeFile(kubeconfig, kubeconfigOf(place, { token: 't' }, named ? authority.certificate : null));
      const certs = startNode([join(dist, 'certs.js'), 'cluster'], { KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: ca });
      expect(await certs.ended).toBe(1);
      expect(certs.text()).toContain('not you');
      expect([...versions]).toEqual(['1.1']);
      await new Promise((done) => server.close(done));
    },
  );

  it('says why the certificate job does not reach the API server', async () => {
    const kubeconfig = join(folder.path, 'nowhere');
    await writeFile(kubeconfig, kubeconfigOf(`https://127.0.0.1:${await freePort()}`));
    const certs = startNode([join(dist, 'certs.js'), 'cluster'], { KUBECONFIG: kubeconfig });
    expect(await certs.ended).toBe(1);
    expect(certs.text()).toContain('ECONNREFUSED');
  });

  it('holds the command line, which the gate does not load', async () => {
    const input = join(folder.path, 'pod.json');
    const review = JSON.parse(Buffer.from(createBytes('Pod', 'registry.demo/public/tool')).toString());
    await writeFile(input, JSON.stringify(review.request.object));
    const cli = startNode([join(dist, 'cli.js'), 'check', '-f', input]);
    expect([await cli.ended, cli.text()]).toEqual([0, expect.stringContaining('1 image of 1 workload: 1 admitted.')]);
    for (const name of (await readdir(dist)).filter((file) => file.endsWith('.js') && file !== 'cli.js'))
      expect(await readFile(join(dist, name), 'utf8')).not.toContain('yargs');
  });

  it('is what `portieris` runs where the package is installed, for Node strips no types there', async () => {
    const installed = join(folder.path, 'node_modules/portieris');
    await cp(dist, join(installed, 'dist'), { recursive: true });
    await cp(join(ROOT, 'functions/cli/bin.js'), join(installed, 'functions/cli/bin.js'));
    await cp(join(ROOT, 'package.json'), join(installed, 'package.json'));
    const cli = startNode([join(installed, 'functions/cli/bin.js'), '--help']);
    expect([await cli.ended, cli.text()]).toEqual([0, expect.stringContaining('portieris check')]);
  });

  it('says which Node it needs to an older one', async () => {
    const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })";
    const cli = startNode(['--import', `data:text/javascript,${older}`, join(ROOT, 'functions/cli/bin.js'), '--help']);
    expect([await cli.ended, cli.text()]).toEqual([2, 'portieris: needs Node 24 or later, and this is 20.1.0.\n']);
  });

  it('names the licence of every package of ours that is in it', async () => {
    const licences = await readFile(join(dist, 'LICENSES.txt'), 'utf8');
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(licences).toContain(`${name} ${version} (`);
  });

  it('holds no private key and no path of the machine that made it', async () => {
    for (const name of await readdir(dist)) {
      const text = await readFile(join(dist, name), 'utf8');
      expect(text).not.toMatch(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\nr]{1,4}[A-Za-z0-9+/]{40}/);
      expect(text).not.toContain(ROOT);
    }
  });
});
