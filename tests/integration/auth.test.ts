import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import type { JsonObject } from '../../functions/json.ts';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { type Authority, makeAuthority } from './support/certificates.ts';
import { type ConnectProxy, startConnectProxy } from './support/connectproxy.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type RunningGate, startGate } from './support/gate.ts';
import { notaryUser } from './support/notary.ts';
import { startNotaryServer } from './support/notaryserver.ts';
import { type RegistryServer, startRegistry } from './support/registry.ts';
import { startTokenService, type TokenService } from './support/tokenservice.ts';
import { webClient } from './support/web.ts';

/** A real registry and a real notary-server that ask for tokens; images are pushed to the one and signed on the other. */

const PRIVATE = 'team/private';
const PUBLIC = 'team/public';
const USERS = new Map([
  ['owner', 'owner-password'],
  ['reader', 'reader-password'],
]);

let folder: TemporaryFolder;
let authority: Authority;
let tokens: TokenService;
let registry: RegistryServer;
let notary: Awaited<ReturnType<typeof startNotaryServer>>;
let proxy: ConnectProxy;
const digests = new Map<string, string>();
const manifests = new Map<string, string>();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A token for these actions, as a docker client would fetch it. */
async function tokenOf(repository: string, actions: string, user: string): Promise<string> {
  const web = webClient(tokens.origin, authority.certificate);
  const basic = Buffer.from(`${user}:${USERS.get(user)}`).toString('base64');
  const path = `/token?service=registry&scope=repository:${repository}:${actions}`;
  const answer = await web
    .ask('GET', path, { headers: { authorization: `Basic ${basic}` } })
    .finally(() => web.close());
  return (JSON.parse(answer.text) as { token: string }).token;
}

/** Pushes a small image; gives the manifest that the registry now has. */
async function push(repository: string): Promise<string> {
  const authorization = `Bearer ${await tokenOf(repository, 'pull,push', 'owner')}`;
  const web = webClient(registry.origin, authority.certificate, { authorization });
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
    about: repository,
  });
  const headers = { 'content-type': 'application/octet-stream' };
  const dispatcher = new Agent({ connect: { ca: authority.certificate } });
  const started = await request(`${registry.origin}/v2/${repository}/blobs/uploads/`, {
    method: 'POST',
    dispatcher,
    headers: { authorization },
  });
  await started.body.dump();
  const location = new URL(String(started.headers['location']), registry.origin);
  location.searchParams.set('digest', `sha256:${sha256(config)}`);
  const put = await request(location, {
    method: 'PUT',
    dispatcher,
    headers: { authorization, ...headers },
    body: config,
  });
  await put.body.dump();
  expect(put.statusCode).toBe(201);
  await dispatcher.close();
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      size: config.length,
      digest: `sha256:${sha256(config)}`,
    },
    layers: [],
  };
  const stored = await web.ask('PUT', `/v2/${repository}/manifests/v1`, {
    body: manifest,
    headers: { 'content-type': mediaType },
  });
  expect(stored.status).toBe(201);
  await web.close();
  return JSON.stringify(manifest);
}

const auth = () => ({
  realm: tokens.realm,
  issuer: tokens.issuer,
  rootcertbundle: join(folder.path, 'authority.pem'),
});

beforeAll(async () => {
  folder = await temporaryFolder('auth');
  authority = makeAuthority('auth');
  await writeFile(join(folder.path, 'authority.pem'), authority.certificate);
  tokens = await startTokenService(authority, {
    users: USERS,
    allows: (user, repository, action) =>
      user === 'owner' || (action === 'pull' && (repository.endsWith(PUBLIC) || user === 'reader')),
  });
  for (const name of ['registry', 'notary', 'user']) await mkdir(join(folder.path, name));
  registry = await startRegistry({
    authority,
    folder: join(folder.path, 'registry'),
    auth: { ...auth(), service: 'registry' },
  });
  notary = await startNotaryServer({
    authority,
    folder: join(folder.path, 'notary'),
    auth: { ...auth(), service: 'notary' },
  });
  proxy = await startConnectProxy();
  const user = await notaryUser({
    folder: join(folder.path, 'user'),
    origin: notary.origin,
    authorityFile: notary.authorityFile,
    login: `owner:${USERS.get('owner')}`,
  });
  for (const repository of [PRIVATE, PUBLIC]) {
    const manifest = await push(repository);
    manifests.set(repository, manifest);
    digests.set(repository, sha256(manifest));
    const gun = `${registry.host}/${repository}`;
    await user.init(gun);
    await user.sign(gun, { name: 'v1', sha256: sha256(manifest), length: manifest.length });
  }
});
afterAll(async () => {
  await Promise.all([registry.stop(), notary.stop(), tokens.close(), proxy.close()]);
  await folder.remove();
});

let gate: RunningGate | undefined;
afterEach(async () => {
  await gate?.stop();
  gate = undefined;
});

/** A Secret of type dockerconfigjson, or of the older dockercfg. */
function pullSecret(
  name: string,
  user: string,
  password: string,
  more: { key?: string; old?: boolean; namespace?: string } = {},
): JsonObject {
  const { key = registry.host, old = false, namespace = 'team' } = more;
  const entry = { [key]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } };
  const type = old ? 'dockercfg' : 'dockerconfigjson';
  const text = JSON.stringify(old ? entry : { auths: entry });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: `kubernetes.io/${type}`,
    metadata: { name, namespace },
    stringData: { [`.${type}`]: text },
  };
}
const reader = (name: string, more?: Parameters<typeof pullSecret>[3]): JsonObject =>
  pullSecret(name, 'reader', 'reader-password', more);
const account = (name: string, secrets: readonly string[]): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: 'team' },
  imagePullSecrets: secrets.map((secret) => ({ name: secret })),
});

let runs = 0;
/** Starts a gate of its own on these objects. */
async function open(objects: readonly JsonObject[], env: Record<string, string> = {}): Promise<void> {
  runs += 1;
  const at = join(folder.path, `gate${runs}`);
  await mkdir(join(at, 'objects'), { recursive: true });
  const policy = {
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'default' },
    spec: { repositories: [{ name: '*', policy: { trust: { enabled: true } } }] },
  };
  await writeFile(
    join(at, 'objects', 'all.yaml'),
    [policy, ...objects].map((object) => stringify(object)).join('---\n'),
  );
  gate = await startGate({
    authority,
    folder: at,
    env: {
      SNAPSHOT: join(at, 'objects'),
      TRUST_CA_FILE: join(folder.path, 'authority.pem'),
      TRUST_SERVERS: `${registry.host}=${notary.origin}`,
      ...env,
    },
  });
}

interface Wish {
  readonly repository?: string;
  readonly secrets?: readonly string[];
  readonly account?: string;
  readonly namespace?: string;
}

async function ask({
  repository = PRIVATE,
  secrets = [],
  account: serviceAccountName = 'default',
  namespace = 'team',
}: Wish = {}) {
  const spec = podSpec([`${registry.host}/${repository}:v1`], {
    imagePullSecrets: secrets.map((name) => ({ name })),
    serviceAccountName,
  });
  const answer = await fetch(`${gate?.origin}/admit?timeout=5s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(bytesOf(reviewOf(workloadOf('Pod', spec, { namespace }), { namespace }))),
  });
  const { allowed, patch, status } = ((await answer.json()) as AdmissionReviewAnswer).response;
  const operations = JSON.parse(Buffer.from(patch ?? '', 'base64').toString() || '[]') as {
    op: string;
    value: string;
  }[];
  return { allowed, image: operations.find(({ op }) => op === 'replace')?.value, message: status?.message ?? '' };
}
const pinned = (repository: string): string => `${registry.host}/${repository}:v1@sha256:${digests.get(repository)}`;

describe('an image of a private repository', () => {
  it('is admitted with the imagePullSecret of the pod, and what is written is what the registry serves', async () => {
    await open([reader('pull')]);
    const { allowed, image } = await ask({ secrets: ['pull'] });
    expect(allowed).toBe(true);
    expect(image).toBe(pinned(PRIVATE));
    const authorization = `Bearer ${await tokenOf(PRIVATE, 'pull', 'reader')}`;
    const web = webClient(registry.origin, authority.certificate, {
      authorization,
      accept: 'application/vnd.oci.image.manifest.v1+json',
    });
    const served = await web.ask('GET', `/v2/${PRIVATE}/manifests/${image?.split('@')[1]}`).finally(() => web.close());
    expect(served.text).toBe(manifests.get(PRIVATE));
  });

  it('is admitted with the imagePullSecrets of its ServiceAccount, in both types of Secret', async () => {
    await open([reader('new'), reader('old', { old: true }), account('default', ['new']), account('other', ['old'])]);
    expect(await ask()).toMatchObject({ allowed: true });
    expect(await ask({ account: 'other' })).toMatchObject({ allowed: true });
  });

  it('is admitted with every form that docker gives the name of a registry', async () => {
    const forms = [
      registry.host,
      `https://${registry.host}`,
      `https://${registry.host}/v1/`,
      `${registry.host}/${PRIVATE}`,
    ];
    await open(forms.map((key, index) => reader(`s${index}`, { key })));
    for (const [index] of forms.entries())
      expect(await ask({ secrets: [`s${index}`] })).toMatchObject({ allowed: true });
  });

  it('is admitted when the second Secret is right and the first is not', async () => {
    await open([pullSecret('wrong', 'reader', 'guess'), reader('right')]);
    expect(await ask({ secrets: ['wrong', 'missing', 'right'] })).toMatchObject({ allowed: true });
  });

  it('is refused without a credential, with a wrong one, and with one of another registry; no message shows it', async () => {
    await open([pullSecret('wrong', 'reader', 'hunter2'), reader('foreign', { key: 'other.example' })]);
    for (const secrets of [[], ['wrong'], ['foreign'], ['missing']]) {
      const { allowed, message } = await ask({ secrets });
      expect(allowed).toBe(false);
      expect(message).toMatch(/\[[A-Z_]+\]/);
      expect(message).not.toMatch(/hunter2|reader-password/);
    }
  });

  it('is not served to a namespace without the credential that fetched it', async () => {
    await open([reader('pull')]);
    expect(await ask({ secrets: ['pull'] })).toMatchObject({ allowed: true });
    expect(await ask({ secrets: ['pull'], namespace: 'other' })).toMatchObject({ allowed: false });
    expect(await ask({ secrets: [] })).toMatchObject({ allowed: false });
  });

  it('asks for pull alone', async () => {
    await open([reader('pull')]);
    const before = tokens.asked.length;
    expect(await ask({ secrets: ['pull'] })).toMatchObject({ allowed: true });
    const scopes = tokens.asked.slice(before).map(({ scope }) => scope);
    expect(scopes.length).toBeGreaterThan(0);
    for (const scope of scopes) expect(scope).toMatch(/:pull$/);
  });

  it('fetches another token once the first has run out', async () => {
    tokens.lifetime = 1;
    await open([reader('pull')], { TRUST_TTL_SECONDS: '1' });
    expect(await ask({ secrets: ['pull'] })).toMatchObject({ allowed: true });
    const before = tokens.asked.length;
    await expect
      .poll(async () => (await ask({ secrets: ['pull'] })).allowed && tokens.asked.length > before)
      .toBe(true);
    tokens.lifetime = 300;
  });
});

describe('an image of a public repository', () => {
  it('is admitted without any credential', async () => {
    await open([]);
    expect(await ask({ repository: PUBLIC })).toMatchObject({ allowed: true, image: pinned(PUBLIC) });
  });

  it('is admitted in spite of a Secret that is wrong', async () => {
    await open([pullSecret('wrong', 'reader', 'guess')]);
    expect(await ask({ repository: PUBLIC, secrets: ['wrong'] })).toMatchObject({ allowed: true });
  });
});

describe('a trust server with a certificate of an authority of its own', () => {
  it('is not believed without that authority, and the message says what to do', async () => {
    const other = join(folder.path, 'other.pem');
    await writeFile(other, makeAuthority('other').certificate);
    await open([], { TRUST_CA_FILE: other });
    const { allowed, message } = await ask({ repository: PUBLIC });
    expect(allowed).toBe(false);
    expect(message).toContain('TRUST_CA_FILE');
  });
});

describe('a proxy', () => {
  it('is gone through to the trust server and the token service', async () => {
    await open([reader('pull')], { HTTPS_PROXY: proxy.origin });
    const before = proxy.tunnels.length;
    expect(await ask({ secrets: ['pull'] })).toMatchObject({ allowed: true });
    const hosts = new Set(proxy.tunnels.slice(before));
    expect(hosts).toEqual(new Set([new URL(notary.origin).host, new URL(tokens.origin).host]));
  });

  it('is left aside for what NO_PROXY names', async () => {
    await open([reader('pull')], { HTTPS_PROXY: proxy.origin, NO_PROXY: new URL(notary.origin).host });
    const before = proxy.tunnels.length;
    expect(await ask({ secrets: ['pull'] })).toMatchObject({ allowed: true });
    expect(new Set(proxy.tunnels.slice(before))).toEqual(new Set([new URL(tokens.origin).host]));
  });

  it('that is dead is a fault within the deadline, and the message names the host', async () => {
    await open([reader('pull')], { HTTPS_PROXY: 'http://127.0.0.1:9' });
    const { allowed, message } = await ask({ secrets: ['pull'] });
    expect(allowed).toBe(false);
    expect(message).toContain('TRUST_SERVER_UNREACHABLE');
  });
});
