import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Started, startNode } from './process.ts';
import { bytesOf, digestOf, podSpec, reviewOf, workloadOf } from './review.ts';
import { TestRepository } from './tuf/repository.ts';
import { type NotaryServer, serveNotary } from './tuf/server.ts';

const DAY = 24 * 3600 * 1000;
const trusting = (name: string, mode: string) => ({ name, policy: { trust: { enabled: true }, mode } });
const POLICIES = [
  {
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'default' },
    spec: {
      repositories: [
        trusting('registry.demo/shop/*', 'enforce'),
        trusting('registry.demo/pilot/*', 'audit'),
        trusting('registry.demo/lab/*', 'warn'),
      ],
    },
  },
  {
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ImagePolicy',
    metadata: { name: 'mistaken', namespace: 'elsewhere' },
    spec: { repositories: [{ name: 'registry.demo/*', policy: { trust: { enabled: 'yes' } } }] },
  },
];
const PATHS = [
  'shop/web',
  'shop/api',
  'shop/cart',
  'shop/mail',
  'pilot/search',
  'lab/probe',
  'shop/forgotten',
  'shop/spare',
  'shop/restored',
] as const;
/** Days until the targets of a repository expire. */
const DAYS: Readonly<Record<string, number>> = { 'shop/mail': 5, 'shop/cart': 21, 'shop/forgotten': -1 };

const owner = {
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'nobody', uid: 'made-up', controller: true }],
};
/** What a review may be about. */
export const SCENES = {
  signed: () => pod('registry.demo/shop/web:v1'),
  another: () => pod('registry.demo/shop/api:v1', 'registry.demo/shop/cart:v1'),
  soon: () => pod('registry.demo/shop/mail:v1'),
  unsigned: () => pod('registry.demo/shop/web:nightly'),
  /** Of a repository that no other scene asks for. */
  uncached: () => pod('registry.demo/shop/spare:v1'),
  unknown: () => pod('docker.io/library/nginx'),
  expired: () => pod('registry.demo/shop/forgotten:v1'),
  restored: () => pod('registry.demo/shop/restored:v1'),
  piloted: () => pod('registry.demo/pilot/search:nightly'),
  warned: () => pod('registry.demo/lab/probe:nightly'),
  forged: () => bytesOf(reviewOf(workloadOf('Pod', podSpec(['registry.demo/shop/web:v1']), owner))),
  leaving: () =>
    bytesOf(
      reviewOf(
        workloadOf('Pod', podSpec(['registry.demo/shop/web:v1']), { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ),
    ),
  garbage: () => bytesOf('{"kind": "AdmissionReview"'),
} as const;
/** One of them. */
export type SceneName = keyof typeof SCENES;

const pod = (...images: string[]): Uint8Array => bytesOf(reviewOf(workloadOf('Pod', podSpec(images))));

/** A gate in a process of its own with a Notary server, where all happens that metrics tell of. */
export interface BusyGate {
  /** `127.0.0.1:<port>`, of each replica. */
  readonly targets: readonly string[];
  /** Sends reviews of a scene to a replica; gives whether each was allowed. */
  send(scene: SceneName, times?: number, replica?: number): Promise<readonly boolean[]>;
  /** The text of `/metrics` of a replica. */
  metrics(replica?: number): Promise<string>;
  /** From now on the trust server breaks off every connection that asks it for a file; `false`: no longer. */
  outage(on: boolean): void;
  /** Puts an older state of `shop/restored` back on the trust server. */
  restore(): void;
  close(): Promise<void>;
}

const admit = async (target: string, body: Uint8Array): Promise<boolean> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://${target}/admit?timeout=10s`, {
    method: 'POST',
    headers,
    body: Buffer.from(body),
  });
  const { response } = (await answer.json()) as { response: { allowed: boolean } };
  return response.allowed;
};

async function startReplica(
  folder: string,
  index: number,
  notary: NotaryServer,
): Promise<{ program: Started; target: string }> {
  const program = startNode(['functions/serve.ts'], {
    PORT: '0',
    SNAPSHOT: join(folder, 'policies'),
    TRUST_RECORDS: join(folder, `records-${index}`),
    TRUST_CA_FILE: join(folder, 'ca.pem'),
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
    TRUST_TTL_SECONDS: '2',
    // Any server of TLS will do in place of the side-car.
    READY_TLS_PORT: new URL(notary.origin).port,
  });
  const [, port = ''] = await program.until(/"port":(\d+)/);
  return { program, target: `127.0.0.1:${port}` };
}

/** Starts it in `folder`, with this many replicas. */
export async function startBusyGate(folder: string, replicas = 1): Promise<BusyGate> {
  const now = Date.now();
  const repositories = PATHS.map((path) => {
    const repository = new TestRepository({ gun: `registry.demo/${path}`, now }).tag('v1', digestOf('a'));
    const days = DAYS[path];
    if (days !== undefined) Object.assign(repository.draft('targets'), { expires: new Date(now + days * DAY) });
    return repository.publish();
  });
  const restored = repositories[PATHS.indexOf('shop/restored')] as TestRepository;
  const older = new Map(restored.files);
  restored.tag('v2', digestOf('b')).publish();
  const notary = await serveNotary({ repositories });
  await mkdir(join(folder, 'policies'), { recursive: true });
  await writeFile(join(folder, 'policies', 'policies.yaml'), POLICIES.map((policy) => stringify(policy)).join('---\n'));
  await writeFile(join(folder, 'ca.pem'), notary.ca ?? '');
  const started = await Promise.all(
    Array.from({ length: replicas }, (_, index) => startReplica(folder, index, notary)),
  );
  const targets = started.map(({ target }) => target);
  return {
    targets,
    async send(scene, times = 1, replica = 0) {
      const allowed: boolean[] = [];
      for (let sent = 0; sent < times; sent += 1) allowed.push(await admit(targets[replica] ?? '', SCENES[scene]()));
      return allowed;
    },
    metrics: async (replica = 0) => (await fetch(`http://${targets[replica]}/metrics`)).text(),
    outage(on) {
      for (const repository of repositories) {
        for (const file of repository.files.keys()) {
          const path = notary.pathOf(repository, file);
          if (on) notary.overrides.set(path, (request) => request.socket.destroy() && true);
          else notary.overrides.delete(path);
        }
      }
    },
    restore() {
      for (const [file, bytes] of older) restored.files.set(file, bytes);
    },
    async close() {
      await Promise.all(started.map(({ program }) => program.kill()));
      await notary.close();
    },
  };
}
