import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type App, openApp } from '../../functions/app.ts';
import { parseConfig } from '../../functions/config.ts';
import { openLog, tellError } from '../../functions/log.ts';
import { type TemporaryFolder, temporaryFolder } from '../integration/support/folder.ts';
import { startNode } from '../support/process.ts';
import { bytesOf, digestOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';

/** Secrets that the gate holds, or is shown. None of them may get into the log. */
const SECRETS = {
  password: 'hunter2-of-the-puller',
  broken: 'hunter3-in-a-broken-secret',
  signer: 'hunter4-in-a-signer-secret',
  env: 'hunter5-in-the-environment',
  body: 'hunter6-in-a-body-that-is-no-review',
  annotation: 'hunter7-in-an-annotation',
} as const;
const USER = 'puller';
const basic = Buffer.from(`${USER}:${SECRETS.password}`).toString('base64');
const GUN = 'registry.demo/team/app';

const dockerConfig = JSON.stringify({ auths: { 'registry.demo': { auth: basic } } });
const objects = [
  {
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'default' },
    spec: {
      repositories: [
        { name: 'registry.demo/team/*', policy: { trust: { enabled: true } } },
        {
          name: 'registry.demo/signed/*',
          policy: { trust: { enabled: true, signerSecrets: [{ name: 'signer', namespace: 'team' }] } },
        },
      ],
    },
  },
  secret('pull', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': dockerConfig }),
  secret('cut', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': `${SECRETS.broken} {"auths": ` }),
  secret('signer', 'Opaque', { name: 'alice', publicKey: SECRETS.signer }),
];

function secret(name: string, type: string, stringData: Record<string, string>) {
  return { apiVersion: 'v1', kind: 'Secret', type, metadata: { name, namespace: 'team' }, stringData };
}

let folder: TemporaryFolder;
let notary: NotaryServer;
let app: App;
const lines: string[] = [];

/** A pod with this image and these pull secrets, and secrets in its environment. */
const podOf = (image: string, ...pullSecrets: string[]): Uint8Array => {
  const spec = podSpec([image], { imagePullSecrets: pullSecrets.map((name) => ({ name })) });
  Object.assign((spec['containers'] as object[])[0] ?? {}, { env: [{ name: 'PASSWORD', value: SECRETS.env }] });
  return bytesOf(reviewOf(workloadOf('Pod', spec, { annotations: { note: SECRETS.annotation } })));
};

/** The lines that one admission writes. */
async function linesOf(body: Uint8Array): Promise<Record<string, unknown>[]> {
  lines.length = 0;
  (await app.admit(body, 10_000)).tell();
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
const DECISIONS = /^(admitted|refused|an admission could not be decided)/;

beforeAll(async () => {
  folder = await temporaryFolder('log');
  const repository = new TestRepository({ gun: GUN }).tag('v1', digestOf('a')).publish();
  notary = await serveNotary({ repositories: [repository], auth: { username: USER, password: SECRETS.password } });
  await mkdir(join(folder.path, 'objects'));
  await writeFile(join(folder.path, 'objects', 'all.yaml'), objects.map((one) => stringify(one)).join('---\n'));
  await writeFile(join(folder.path, 'ca.pem'), notary.ca ?? '');
  const config = parseConfig({
    SNAPSHOT: join(folder.path, 'objects'),
    TRUST_RECORDS: join(folder.path, 'records'),
    TRUST_CA_FILE: join(folder.path, 'ca.pem'),
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
    LOG_LEVEL: 'debug',
  });
  app = await openApp(config, { log: openLog('debug', { write: (line: string) => void lines.push(line) }) });
});
afterAll(async () => {
  await app.close();
  await notary.close();
  await folder.remove();
});

describe('the log', () => {
  const cases: [string, () => Uint8Array, string][] = [
    ['is admitted with a credential', () => podOf(`${GUN}:v1`, 'pull'), 'admitted'],
    ['names a pull secret that is cut off', () => podOf(`${GUN}:v1`, 'cut', 'pull'), 'admitted'],
    ['is not signed', () => podOf(`${GUN}:nightly`, 'pull'), 'refused'],
    ['holds no credential that is good', () => podOf(`${GUN}:v1`, 'cut'), 'refused'],
    ['falls under a signer Secret that holds no key', () => podOf('registry.demo/signed/app:v1', 'pull'), 'refused'],
    ['is no review', () => bytesOf(`{"kind": "Secret", "data": "${SECRETS.body}`), 'refused'],
    ['names an image that is none', () => podOf('not an image', 'pull'), 'refused'],
  ];

  it.each(cases)('has one line of decision and no secret where a workload %s', async (_, body, message) => {
    const told = await linesOf(body());
    const decided = told.filter((line) => DECISIONS.test(String(line['message'])));
    expect(decided).toHaveLength(1);
    expect(decided[0]).toMatchObject({ message, allowed: message === 'admitted' });
    const text = lines.join('\n');
    for (const [name, value] of Object.entries(SECRETS)) {
      expect(text, name).not.toContain(value);
      expect(text, name).not.toContain(Buffer.from(value).toString('base64').slice(0, 16));
    }
    expect(text).not.toContain(basic);
    expect(text).not.toMatch(/bearer [0-9a-f]/i);
  });

  it('has no secret where the trust server echoes the request that it was sent', async () => {
    const path = `/v2/registry.demo/team/echo/_trust/tuf/timestamp.json`;
    notary.overrides.set(path, (request, response) => {
      response.writeHead(500, { 'content-type': 'application/json', 'x-echo': String(request.headers.authorization) });
      response.end(JSON.stringify(request.headers));
      return true;
    });
    const [, ...more] = await linesOf(podOf('registry.demo/team/echo:v1', 'pull'));
    expect(more).toEqual([]);
    expect(lines.join('\n')).not.toMatch(/authorization|x-echo|bearer [0-9a-f]|hunter/i);
  });

  it('says of a forged owner what was suspicious', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'made-up', controller: true };
    const spec = podSpec([`${GUN}:v1`], { imagePullSecrets: [{ name: 'pull' }] });
    const [line] = await linesOf(bytesOf(reviewOf(workloadOf('Pod', spec, { ownerReferences: [owner] }))));
    expect(line).toMatchObject({ allowed: true, suspicions: ['owner_unknown'] });
  });
});

describe('an error in the log', () => {
  it('is told without what a library hung on it', () => {
    const error = Object.assign(new Error('it broke'), {
      code: 'UND_ERR_SOCKET',
      headers: { authorization: 'Bearer abc' },
      body: { data: { password: 'hunter2' } },
      request: { path: '/secret' },
    });
    expect(tellError(error)).toEqual({
      type: 'Error',
      code: 'UND_ERR_SOCKET',
      message: 'it broke',
      stack: expect.stringMatching(/^\s+at /),
    });
  });

  it('is told without the text that JSON.parse quotes', () => {
    const error = (() => {
      try {
        return JSON.parse('hunter2');
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(String(error)).toContain('hunter2');
    expect(JSON.stringify(tellError(new Error('a Secret is malformed', { cause: error })))).not.toContain('hunter2');
  });

  it.each([
    'Authorization: Bearer abc.def-123',
    'sent Basic dXNlcjpodW50ZXIy to the server',
    'https://user:hunter2@proxy.example refused',
    'password=hunter2, please',
    '{"identitytoken": "hunter2"}',
  ])('loses what has the look of a credential: %s', (message) => {
    expect(tellError(new Error(message)).message).not.toMatch(/abc|dXNl|hunter2/);
  });

  it('ends, however its causes are knotted, and may be anything that is thrown', () => {
    const knot = new Error('round');
    knot.cause = knot;
    expect(JSON.stringify(tellError(knot)).match(/round/g)).toHaveLength(5);
    expect(JSON.stringify(tellError('hunter2'))).not.toContain('hunter2');
  });
});

describe('the log on standard output', () => {
  it('loses no line and keeps their order, though it writes in blocks, when the process ends at once', async () => {
    const source = `
      const { openLog } = await import(${JSON.stringify(new URL('../../functions/log.ts', import.meta.url).href)});
      const log = openLog('info');
      for (let line = 0; line < 500; line += 1) log.info({ line }, 'said');
      await new Promise((turn) => setImmediate(turn));
      for (let line = 500; line < 1000; line += 1) log.info({ line }, 'said');
      process.exit(3);`;
    const started = startNode(['--input-type=module', '--eval', source]);
    expect(await started.ended).toBe(3);
    const said = started.text().trimEnd().split('\n');
    expect(said.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([...Array(1000).keys()]);
  });

  it('writes a lone line within a moment', async () => {
    const source = `
      const { openLog } = await import(${JSON.stringify(new URL('../../functions/log.ts', import.meta.url).href)});
      openLog('info').info('alone');
      setInterval(() => undefined, 1000);`;
    const started = startNode(['--input-type=module', '--eval', source]);
    await started.until(/alone/);
    await started.kill();
    expect(started.text().trimEnd().split('\n')).toHaveLength(1);
  });
});
