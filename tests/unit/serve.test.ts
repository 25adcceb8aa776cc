import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { type TemporaryFolder, temporaryFolder } from '../integration/support/folder.ts';
import { freePort } from '../support/port.ts';
import { type Started, startNode } from '../support/process.ts';
import { bytesOf, createBytes, digestOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';

const SERVE = 'functions/serve.ts';
const POLICIES = resolve(import.meta.dirname, '../../policies/embedded');
const IMAGE = 'registry.demo/shop/web:v1';

let folder: TemporaryFolder;
let notary: NotaryServer;
let env: Record<string, string>;
const repository = new TestRepository({ gun: 'registry.demo/shop/web' }).tag('v1', digestOf('a')).publish();

beforeAll(async () => {
  folder = await temporaryFolder('serve');
  notary = await serveNotary({ repositories: [repository] });
  await writeFile(join(folder.path, 'ca.pem'), notary.ca ?? '');
  env = {
    PORT: '0',
    TRUST_RECORDS: join(folder.path, 'records'),
    SNAPSHOT: POLICIES,
    TRUST_CA_FILE: join(folder.path, 'ca.pem'),
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
  };
});
afterAll(async () => {
  await notary.close();
  await folder.remove();
});

let gate: Started;
afterEach(() => gate.kill());

/** Starts the gate; gives its port once it serves. */
async function serve(more: Record<string, string> = {}): Promise<number> {
  gate = startNode([SERVE], { ...env, ...more });
  const [, port = ''] = await gate.until(/"port":(\d+)/);
  return Number(port);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** One exchange over node:http, which sends a path as it is given. */
async function ask(port: number, options: RequestOptions, body?: Uint8Array): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, agent: false, ...options });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return { status: answer.statusCode, headers: answer.headers, text };
}
const JSON_TYPE = { 'content-type': 'application/json' };
const admit = (port: number, body: Uint8Array, more: RequestOptions = {}): Promise<Answer> =>
  ask(port, { method: 'POST', path: '/admit?timeout=10s', headers: JSON_TYPE, ...more }, body);
const responseOf = ({ text }: Answer): AdmissionReviewAnswer['response'] =>
  (JSON.parse(text) as AdmissionReviewAnswer).response;

describe('our own start', () => {
  it('answers on every path it has, and says 404 or 405 on others, however odd', async () => {
    const port = await serve();
    for (const path of ['/health/liveness', '/health/readiness', '/metrics'])
      expect(await ask(port, { path })).toMatchObject({ status: 200 });
    for (const path of ['/', '//', '///', '/admit/', '/\\', '/admit%00', '/?a', '/healthz'])
      expect(await ask(port, { path }), path).toMatchObject({ status: 404 });
    expect(await ask(port, { path: '/%' })).toMatchObject({ status: 400 });
    expect(await ask(port, { path: '/admit' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await ask(port, { path: '/metrics', method: 'POST' })).toMatchObject({ status: 405 });
    expect(responseOf(await admit(port, createBytes('Pod', IMAGE)))).toMatchObject({ allowed: true });
  });

  it('keeps a connection for longer than the API server and queue-proxy do', async () => {
    const port = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await admit(port, createBytes('Pod', IMAGE), { agent });
    const [, seconds = '0'] = /timeout=(\d+)/.exec(String(first.headers['keep-alive'])) ?? [];
    expect(Number(seconds)).toBeGreaterThan(90);
    const again = request({ host: '127.0.0.1', port, path: '/metrics', agent });
    again.end();
    const [answer] = (await once(again, 'response')) as [IncomingMessage];
    expect(again.reusedSocket).toBe(true);
    answer.resume();
    agent.destroy();
  });

  it('drains on SIGTERM: what is under way is answered, nothing new is taken, and it ends with 0', async () => {
    const port = await serve();
    let release = (): void => undefined;
    notary.overrides.set(notary.pathOf(repository, 'root'), (_, response) => {
      release = () => response.end(repository.files.get('root'));
      return true;
    });
    const asked = notary.requests.length;
    const open = new Agent({ keepAlive: true });
    expect(await ask(port, { path: '/health/readiness', agent: open })).toMatchObject({ status: 200 });
    const underWay = admit(port, createBytes('Pod', IMAGE), { agent: open });
    await expect.poll(() => notary.requests.length).toBeGreaterThan(asked);
    gate.child.kill('SIGTERM');
    const refused = async (): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      return Promise.race([
        once(socket, 'connect').then(() => socket.destroy() && 'taken'),
        once(socket, 'error').then(() => 'refused'),
      ]).catch(() => 'refused');
    };
    await expect.poll(refused).toBe('refused');
    notary.overrides.clear();
    release();
    const answer = await underWay;
    expect(responseOf(answer)).toMatchObject({ allowed: true });
    expect(answer.headers.connection).toBe('close');
    expect(await gate.ended).toBe(0);
    open.destroy();
  });

  it('refuses a body beyond 16 MiB with an AdmissionReview, and goes on', async () => {
    const port = await serve();
    const review = reviewOf(workloadOf('Pod', podSpec([IMAGE]), { annotations: { a: 'x'.repeat(17 * 1024 * 1024) } }));
    const answer = responseOf(await admit(port, bytesOf(review)));
    expect(answer).toMatchObject({ allowed: false, uid: '705ab4f5-6393-11e8-b7cc-42010a800002' });
    expect(answer.status?.message).toContain('[REVIEW_TOO_LARGE]');
    expect(await ask(port, { path: '/health/liveness' })).toMatchObject({ status: 200 });
  });

  it('outlives a caller who hangs up in the middle of his body', async () => {
    const port = await serve();
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /admit HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"a":',
    );
    await once(socket, 'ready');
    socket.destroy();
    expect(responseOf(await admit(port, createBytes('Pod', IMAGE)))).toMatchObject({ allowed: true });
  });

  it('writes one JSON line for each decision, with nothing of the body but names', async () => {
    const port = await serve();
    const metadata = { annotations: { token: 'hunter2' } };
    const spec = podSpec([IMAGE, 'registry.demo/shop/web:unsigned'], {
      containers: [{ name: 'c', image: IMAGE, env: [{ name: 'P', value: 'hunter2' }] }],
    });
    await admit(port, bytesOf(reviewOf(workloadOf('Pod', spec, metadata))));
    await admit(port, createBytes('Deployment', 'registry.demo/shop/web:unsigned'));
    const [line] = await gate.until(/\{[^\n]*"message":"refused"\}\n/);
    const lines = gate
      .text()
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one) as Record<string, unknown>);
    const decisions = lines.filter(({ uid }) => uid !== undefined);
    expect(decisions).toHaveLength(2);
    expect(decisions[0]).toMatchObject({
      allowed: true,
      level: 'info',
      namespace: 'team',
      kind: 'Pod',
      operation: 'CREATE',
    });
    expect(JSON.parse(line)).toMatchObject({
      allowed: false,
      kind: 'Deployment',
      images: [{ image: 'registry.demo/shop/web:unsigned', outcome: 'denied', code: 'TRUST_NOT_SIGNED' }],
    });
    expect(gate.text()).not.toContain('hunter2');
  });

  it('counts decisions under the names of Portieris, and refusals by code', async () => {
    const port = await serve();
    await admit(port, createBytes('Pod', IMAGE));
    await admit(port, createBytes('Pod', 'registry.demo/shop/web:unsigned'));
    const { text, headers } = await ask(port, { path: '/metrics' });
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(text).toContain('portieris_pod_admission_decision_allow_count 1');
    expect(text).toContain('portieris_pod_admission_decision_deny_count 1');
    expect(text).toContain('portieris_image_refusals_total{code="TRUST_NOT_SIGNED"} 1');
    expect(text).toContain('portieris_source_ready 1');
  });

  it('names every mistake of its environment at once, and ends with 2', async () => {
    gate = startNode([SERVE], {
      ...env,
      PORT: 'http',
      LOG_LEVEL: 'loud',
      TRUST_TTL_SECONDS: '-1',
      TRUST_SERVERS: 'a=http://b',
    });
    expect(await gate.ended).toBe(2);
    for (const name of ['PORT=http', 'LOG_LEVEL=loud', 'TRUST_TTL_SECONDS=-1', 'TRUST_SERVERS=a=http://b'])
      expect(gate.text()).toContain(name);
  });

  it('says in a sentence that a file of authorities cannot be read, and ends with 2', async () => {
    gate = startNode([SERVE], { ...env, TRUST_CA_FILE: '/nowhere/ca.pem' });
    expect(await gate.ended).toBe(2);
    expect(gate.text()).toContain('TRUST_CA_FILE=/nowhere/ca.pem: ENOENT');
    expect(gate.text()).not.toMatch(/\n\s+at /);
  });

  it.each([
    ['TRUST_CA_FILE', 'no certificate at all', 'holds no certificate in PEM form'],
    ['TRUST_ROOTS_FILE', 'roots: [{ gun: nginx, keyIds: [x] }]', 'roots[0].keyIds[0]'],
  ])('says what is wrong with the file of %s, without a stack', async (name, text, said) => {
    const file = join(folder.path, name);
    await writeFile(file, text);
    gate = startNode([SERVE], { ...env, [name]: file });
    expect(await gate.ended).toBe(2);
    expect(gate.text()).toContain(name);
    expect(gate.text()).toContain(said);
    expect(gate.text()).not.toMatch(/\n\s+at /);
  });

  it('says what to do where trust records are to be kept in a directory that is a file, and ends with 2', async () => {
    const file = join(folder.path, 'records.json');
    await writeFile(file, '{}');
    gate = startNode([SERVE], { ...env, TRUST_RECORDS: file });
    expect(await gate.ended).toBe(2);
    expect(gate.text()).toContain(`${file} is no directory`);
    expect(gate.text()).toContain('move it away, or name a directory with TRUST_RECORDS');
    expect(gate.text()).not.toMatch(/\n\s+at /);
  });

  it('warns where trust records cannot be kept, and serves', async () => {
    const path = join(folder.path, 'gone', 'records');
    const port = await serve({ TRUST_RECORDS: path });
    await gate.until(/remembered in this process only/);
    expect(responseOf(await admit(port, createBytes('Pod', IMAGE)))).toMatchObject({ allowed: true });
    expect(existsSync(join(folder.path, 'gone'))).toBe(false);
  });

  it('says that its proxy has no address, without showing it', async () => {
    gate = startNode([SERVE], { ...env, HTTPS_PROXY: 'ftp://user:hunter2@proxy' });
    expect(await gate.ended).toBe(2);
    expect(gate.text()).toContain('HTTPS_PROXY is not an http:// or https:// address.');
    expect(gate.text()).not.toContain('hunter2');
  });

  it('is not ready, and says why, while its directory is not there', async () => {
    const port = await serve({ SNAPSHOT: '/nowhere/at/all' });
    const { status, text } = await ask(port, { path: '/health/readiness' });
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ ready: false, problems: [expect.stringContaining('/nowhere/at/all')] });
    expect(responseOf(await admit(port, createBytes('Pod', IMAGE))).status?.message).toContain('[NOT_READY]');
  });
});

describe('the functions-framework command', () => {
  it('serves the same function', async () => {
    const port = await freePort();
    gate = startNode(['node_modules/.bin/functions-framework', '--target=admit', `--port=${port}`], env);
    await gate.until(/policies read/);
    await expect
      .poll(() =>
        ask(port, { path: '/health/liveness' }).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    expect(await ask(port, { path: '/health/readiness' })).toMatchObject({ status: 200 });
    expect(responseOf(await admit(port, createBytes('Pod', IMAGE)))).toMatchObject({ allowed: true });
    expect(responseOf(await admit(port, createBytes('Pod', 'registry.demo/shop/web:unsigned')))).toMatchObject({
      allowed: false,
    });
  });
});
