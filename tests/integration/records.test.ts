import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { TrustCache } from '../../functions/cache/trust.ts';
import { openCluster } from '../../functions/io/cluster.ts';
import type { ObjectSource } from '../../functions/io/objects.ts';
import { silentLog } from '../../functions/log.ts';
import type { TrustQuery } from '../../functions/ports.ts';
import type { TrustFacts } from '../../functions/trust/notary/facts.ts';
import { recordName } from '../../functions/trust/notary/record.ts';
import { digestOf } from '../support/review.ts';
import { filesOf } from '../support/tuf/memory.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type KubeServer, startKube } from './support/kube.ts';
import { collectionPath, type KubeObject } from './support/kubeclient.ts';

/** Replicas of the gate that share nothing but a real API server: what one of them has seen, none of the others unlearns. */

const SERVER = 'https://notary.example';
const CRD = resolve(import.meta.dirname, '../../policies/crds/trustrecords.trust.portieris.dev.yaml');
const RECORDS = collectionPath('trust.portieris.dev/v1alpha1', 'trustrecords');
const TTL = 60_000;
const signal = new AbortController().signal;

let folder: TemporaryFolder;
let kube: KubeServer;
let crd: KubeObject;

/** The API server serves a new resource a moment after it was defined. */
const served = () =>
  vi.waitFor(async () => expect((await kube.client.call('GET', RECORDS)).status).toBe(200), {
    timeout: 90_000,
    interval: 50,
  });

beforeAll(async () => {
  folder = await temporaryFolder('records');
  await mkdir(join(folder.path, 'kube'));
  kube = await startKube({ authority: makeAuthority('records'), folder: join(folder.path, 'kube') });
  crd = parse(await readFile(CRD, 'utf8')) as KubeObject;
  await kube.client.create(collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions'), crd);
  await served();
});
afterAll(async () => {
  await kube.stop();
  await folder.remove();
});

const sources: ObjectSource[] = [];
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
});

let count = 0;
const fresh = (): TestRepository => {
  count += 1;
  return new TestRepository({ gun: `registry.test/team/r${count}` }).tag('v1', digestOf('a')).publish();
};

type Look = Partial<Pick<TrustQuery, 'dryRun' | 'pins' | 'firstUse' | 'onlyVouched' | 'vouches'>> & {
  readonly anew?: boolean;
};

/** A replica as it is wired in app.ts: its own cache and clock, the cluster's memory. */
class Replica {
  served: TestRepository;
  skew = 0;
  readonly source: ObjectSource;
  readonly cache: TrustCache;
  asked = 0;

  constructor(source: ObjectSource, repository: TestRepository) {
    if (source.memory === undefined) throw new Error('a cluster remembers');
    this.source = source;
    this.served = repository;
    const clock = { now: () => Date.now() + this.skew };
    const files = {
      fetch: (...call: Parameters<ReturnType<typeof filesOf>['fetch']>) => {
        this.asked += 1;
        return filesOf(this.served).fetch(...call);
      },
    };
    this.cache = new TrustCache({ files, memory: source.memory, clock, ttl: TTL, maxBytes: 1e7 });
  }

  /** What an admission would go by; the trust server is asked anew where `anew`. */
  async look({ anew = false, dryRun = false, ...more }: Look = {}): Promise<TrustFacts> {
    if (anew) this.skew += TTL;
    const address = { server: SERVER, gun: this.served.gun, registry: 'registry.test', credential: undefined };
    return this.cache.facts({ address, roles: [], notBefore: undefined, dryRun, ...more }, signal);
  }
}

async function replica(repository: TestRepository): Promise<Replica> {
  const source = await openCluster({
    kubeconfig: kube.kubeconfig,
    log: silentLog,
    clock: { now: () => Date.now() },
    pace: { absent: 500 },
  });
  sources.push(source);
  await expect.poll(() => source.readiness().problems.join()).not.toMatch(/listed yet/);
  return new Replica(source, repository);
}

const pathOf = (gun: string): string => `${RECORDS}/${recordName(SERVER, gun)}`;
const recordOf = async (gun: string): Promise<KubeObject & { spec: Record<string, unknown> }> =>
  kube.client.read(pathOf(gun));
const copyOf = (repository: TestRepository): Map<string, Buffer> => new Map(repository.files);
const restore = (repository: TestRepository, files: ReadonlyMap<string, Buffer>): void => {
  repository.files.clear();
  for (const [name, bytes] of files) repository.files.set(name, bytes);
};
const rootIds = (repository: TestRepository): string[] => repository.roles.root.keys.map(({ id }) => id);

describe('two replicas', () => {
  it('share what was seen: one saw version 5, the other is shown version 4 and refuses it, and so do both after a restart', async () => {
    const repository = fresh();
    for (let version = 2; version <= 4; version += 1) repository.publish();
    const four = copyOf(repository);
    const [a, b] = [await replica(repository), await replica(repository)];
    repository.publish();
    expect((await a.look()).timestamp.version).toBe(5);
    restore(repository, four);
    await expect(b.look()).rejects.toMatchObject({ code: 'TRUST_ROLLBACK', message: expect.stringMatching(/4.*5/) });
    const [c, d] = [await replica(repository), await replica(repository)];
    for (const one of [c, d]) await expect(one.look()).rejects.toMatchObject({ code: 'TRUST_ROLLBACK' });
  });

  it('refuse another root with the IDs of both keys, before and after a restart', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look();
    const other = new TestRepository({ gun: repository.gun }).tag('v1', digestOf('b')).publish();
    for (const one of [await replica(other), await replica(other)]) {
      const error: unknown = await one.look().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
      for (const id of [...rootIds(repository), ...rootIds(other)]) expect((error as Error).message).toContain(id);
    }
  });

  it('that see a repository first at the same time, one of them on a lying line, end with one root', async () => {
    const repository = fresh();
    const other = new TestRepository({ gun: repository.gun }).tag('v1', digestOf('b')).publish();
    const ends = await Promise.allSettled([(await replica(repository)).look(), (await replica(other)).look()]);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'TRUST_ROOT_CHANGED' } });
  });

  it('lose nothing of what eight of them write at once', async () => {
    const repository = fresh();
    const replicas = await Promise.all(Array.from({ length: 8 }, () => replica(repository)));
    await Promise.all(replicas.map((one) => one.look()));
    for (let round = 0; round < 3; round += 1) {
      repository.publish();
      await Promise.all(replicas.map((one) => one.look({ anew: true })));
    }
    expect((await recordOf(repository.gun)).spec['versions']).toMatchObject({ timestamp: 4, snapshot: 4, targets: 4 });
  });

  it('follow a signed rotation of the root, and remember the new keys', async () => {
    const repository = fresh();
    const [a, b] = [await replica(repository), await replica(repository)];
    await a.look();
    await b.look();
    repository.rotateRoot().publish();
    await a.look({ anew: true });
    expect((await recordOf(repository.gun)).spec['rootKeyIds']).toEqual(rootIds(repository));
    await b.look({ anew: true });
    const c = await replica(repository);
    expect([...(await c.look()).root.keyIds]).toEqual(rootIds(repository));
  });

  it('say how the root came: two replicas at once, one by a first use and one by pins of the cluster, end with pinned', async () => {
    const repository = fresh();
    const [a, b, strict] = [await replica(repository), await replica(repository), await replica(repository)];
    const pins = { keyIds: new Set(rootIds(repository)), fingerprints: new Set<string>(), authorities: [] };
    await a.look();
    expect((await recordOf(repository.gun)).spec['rootFrom']).toBe('firstUse');
    const vouched = { firstUse: false, onlyVouched: true };
    await expect(strict.look(vouched)).rejects.toMatchObject({ code: 'TRUST_ROOT_UNPINNED' });
    await Promise.all([a.look({ anew: true }), b.look({ pins, vouches: true })]);
    expect((await recordOf(repository.gun)).spec['rootFrom']).toBe('pinned');
    await a.look({ anew: true });
    expect((await recordOf(repository.gun)).spec['rootFrom']).toBe('pinned');
    const c = await replica(repository);
    expect([...(await c.look(vouched)).root.keyIds]).toEqual(rootIds(repository));
  });

  it('write nothing for dry runs, and before the first admission that counts on them', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look({ dryRun: true });
    expect((await kube.client.call('GET', pathOf(repository.gun))).status).toBe(404);
    await a.look();
    expect((await recordOf(repository.gun)).spec['repository']).toBe(repository.gun);
  });

  it('ask nobody in the warm path', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look();
    const [asked, version] = [a.asked, (await recordOf(repository.gun)).metadata['resourceVersion']];
    for (let time = 0; time < 50; time += 1) await a.look();
    expect(a.asked).toBe(asked);
    expect((await recordOf(repository.gun)).metadata['resourceVersion']).toBe(version);
  });
});

describe('an operator', () => {
  it('sees each repository with its server, root key, versions, expiry and when it was last seen', async () => {
    const repository = fresh();
    await (await replica(repository)).look();
    const table = await kube.client.call('GET', pathOf(repository.gun), undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    const columns = (table.body as { columnDefinitions: { name: string }[] }).columnDefinitions.map(({ name }) => name);
    expect(columns).toEqual([
      'Name',
      'Repository',
      'Server',
      'Root key',
      'Root from',
      'Versions',
      'Expires',
      'Last seen',
      'Frozen',
    ]);
    const [cells] = (table.body as { rows: { cells: unknown[] }[] }).rows.map((row) => row.cells);
    expect(cells?.slice(1, 3)).toEqual([repository.gun, SERVER]);
    expect(String(cells?.[3])).toContain(rootIds(repository)[0]);
    expect(cells?.[4]).toBe('firstUse');
    expect(String(cells?.[5])).toMatch(/root.*1/);
    expect(String(cells?.[6])).toMatch(/^20\d\d-/);
  });

  it('resets a record by deleting it: the next admission sees the repository for the first time', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look();
    a.served = new TestRepository({ gun: repository.gun }).tag('v1', digestOf('b')).publish();
    await expect(a.look({ anew: true })).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    await kube.client.call('DELETE', pathOf(repository.gun));
    a.skew += 5_000;
    expect([...(await a.look()).root.keyIds]).toEqual(rootIds(a.served));
  });

  it('loads a record before the first use, and that is then no first use', async () => {
    const repository = fresh();
    const other = new TestRepository({ gun: repository.gun }).tag('v1', digestOf('b')).publish();
    const spec = { server: SERVER, repository: repository.gun, rootKeyIds: rootIds(repository), versions: { root: 1 } };
    const record = {
      apiVersion: 'trust.portieris.dev/v1alpha1',
      kind: 'TrustRecord',
      metadata: { name: recordName(SERVER, repository.gun) },
      spec,
    };
    await kube.client.create(RECORDS, record);
    await expect((await replica(other)).look()).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect((await (await replica(repository)).look()).root.version).toBe(1);
  });

  it('freezes a record: a rotated root is refused at the next admission, and nothing is written', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look();
    const headers = { 'content-type': 'application/merge-patch+json' };
    await kube.client.call('PATCH', pathOf(repository.gun), { spec: { frozen: true } }, headers);
    const version = (await recordOf(repository.gun)).metadata['resourceVersion'];
    repository.rotateRoot().publish();
    await expect
      .poll(() =>
        a.look().then(
          () => 'trusted',
          (error: Error) => error.message,
        ),
      )
      .toContain('frozen');
    expect((await recordOf(repository.gun)).metadata['resourceVersion']).toBe(version);
  });

  it('who edits a record by hand to what cannot be understood is told which and where; the API server refuses what its schema does not take', async () => {
    const repository = fresh();
    const a = await replica(repository);
    await a.look();
    const headers = { 'content-type': 'application/merge-patch+json' };
    const patched = await kube.client.call(
      'PATCH',
      pathOf(repository.gun),
      { spec: { versions: { root: null } } },
      headers,
    );
    expect(patched.status).toBe(200);
    await expect(a.look({ anew: true })).rejects.toMatchObject({
      code: 'TRUST_RECORD_INVALID',
      message: expect.stringContaining(recordName(SERVER, repository.gun)),
    });
    const wrong = await kube.client.call('PATCH', pathOf(repository.gun), { spec: { rootKeyIds: ['x'] } }, headers);
    expect(wrong.status).toBe(422);
  });
});

describe('a cluster without the resource', () => {
  it('is said in readiness with the remedy, refuses first uses, and remembers once it is there', async () => {
    const definitions = collectionPath('apiextensions.k8s.io/v1', 'customresourcedefinitions');
    await kube.client.call('DELETE', `${definitions}/trustrecords.trust.portieris.dev`);
    await expect.poll(async () => (await kube.client.call('GET', RECORDS)).status).toBe(404);
    const repository = fresh();
    const a = await replica(repository);
    expect(a.source.readiness().problems.join()).toMatch(
      /trustrecords\.trust\.portieris\.dev is not installed.*policies\/crds/,
    );
    await expect(a.look()).rejects.toMatchObject({
      code: 'CLUSTER_FORBIDDEN',
      message: expect.stringContaining('policies/crds'),
    });
    await kube.client.create(definitions, crd);
    await served();
    a.skew += 5_000;
    await expect
      .poll(() => {
        a.skew += 5_000;
        return a.look().then(
          () => true,
          () => false,
        );
      })
      .toBe(true);
    await expect.poll(() => a.source.readiness().problems.join()).not.toContain('not installed');
  });
});
