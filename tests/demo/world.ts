import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeKey, type TestKey } from '../support/tuf/key.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';

/** The embedded Notary with its repositories, and the directory of policies that trusts it. */
export interface DemoWorld {
  readonly notary: NotaryServer;
  /** What the gate is to be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Signs `registry.demo/<path>:<tag>` by everybody who signs in that repository, which is made where there is none. Throws with a sentence for any other name. */
  sign(image: string): Signed;
  close(): Promise<void>;
}

/** What was signed under a tag: 64 hex digits, and by which roles. */
export interface Signed {
  readonly digest: string;
  readonly signers: readonly string[];
}

/** The digest that the demo signs for a name: the SHA-256 of the name itself, so that saved reviews can hold it. */
export const demoDigest = (name: string): string => createHash('sha256').update(name).digest('hex');

const POLICIES = resolve(import.meta.dirname, '../../policies/embedded');
const DAY = 24 * 3600 * 1000;

function repository(path: string, now: number): TestRepository {
  return new TestRepository({ gun: `registry.demo/${path}`, now });
}

function sign(repo: TestRepository, tag: string, ...roles: string[]): TestRepository {
  return repo.tag(tag, demoDigest(`${repo.gun}:${tag}`), ...roles);
}

/** Everything the embedded Notary holds: signed well, by one signer of two, long ago, and altered on the way. */
function repositories(alice: TestKey, bob: TestKey, now: number): TestRepository[] {
  const web = sign(repository('shop/web', now), '1.4').publish();
  const migrate = sign(repository('shop/migrate', now), '1.4').publish();
  const payments = repository('payments/api', now);
  payments.addSigner('alice', alice);
  payments.addSigner('bob', bob);
  sign(payments, '2.0', 'targets/releases', 'targets/alice', 'targets/bob');
  sign(payments, '2.1', 'targets/releases', 'targets/alice');
  payments.publish();
  const forgotten = sign(repository('shop/forgotten', now - 60 * DAY), '1.0').publish();
  const altered = sign(repository('shop/altered', now), '1.0').publish({
    targets: { served: (bytes) => Buffer.from(bytes.toString().replace('"length":1234', '"length":4321')) },
  });
  return [web, migrate, payments, forgotten, altered];
}

const signerSecret = (name: string, key: TestKey): string => `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  namespace: payments
stringData:
  name: ${name}
  publicKey: |
${key.pem.trim().replace(/^/gm, '    ')}
`;

/** Signs a tag for as many as sign in the repository, and publishes it for another while. */
function signAnew(repositories: TestRepository[], image: string): Signed {
  const [, path, tag] = /^registry\.demo\/([a-z0-9/_-]+):([\w][\w.-]{0,127})$/.exec(image) ?? [];
  if (path === undefined || tag === undefined) {
    throw new Error(
      'Only names like registry.demo/shop/web:nightly can be signed here: the demo has no other registry.',
    );
  }
  const known = repositories.find(({ gun }) => gun === `registry.demo/${path}`);
  const repo = known ?? repository(path, Date.now());
  if (known === undefined) repositories.push(repo);
  const roles = ['targets', ...repo.draft('targets').delegations.keys()];
  repo.draft('timestamp').expires = new Date(Date.now() + 14 * DAY);
  sign(repo, tag, ...roles).publish();
  const signers =
    roles.length === 1 ? roles : roles.filter((role) => role !== 'targets' && role !== 'targets/releases');
  return { digest: demoDigest(image), signers: signers.map((role) => role.replace('targets/', '')) };
}

/** Keeps `to` a copy of the policies, as they change. Gives a function that ends it. */
async function follow(to: string): Promise<() => Promise<void>> {
  const take = async (): Promise<void> => {
    await cp(POLICIES, to, { recursive: true });
    const kept = new Set(await readdir(POLICIES));
    const gone = (await readdir(to)).filter((name) => !kept.has(name));
    await Promise.all(gone.map((name) => rm(join(to, name), { recursive: true })));
  };
  await take();
  let taking = Promise.resolve();
  const watcher = watch(POLICIES, () => {
    taking = taking
      .then(take)
      .catch((error: Error) => process.stderr.write(`${POLICIES}: ${error.message}\n`)) as Promise<void>;
  });
  return () => {
    watcher.close();
    return taking;
  };
}

/** Starts the embedded Notary on a free loopback port and writes the policies, with the signers' public keys, to a folder of their own, which follows policies/embedded. */
export async function openWorld(): Promise<DemoWorld> {
  const now = Date.now();
  const [alice, bob] = [makeKey(), makeKey()];
  const held = repositories(alice, bob, now);
  const notary = await serveNotary({ repositories: held });
  const folder = await mkdtemp(join(tmpdir(), 'portieris-demo-'));
  const snapshot = join(folder, 'policies');
  const ca = join(folder, 'ca.pem');
  const unfollow = await follow(join(snapshot, 'embedded'));
  await writeFile(
    join(snapshot, 'signers.yaml'),
    [signerSecret('alice', alice), signerSecret('bob', bob)].join('---\n'),
  );
  await writeFile(ca, notary.ca ?? '');
  return {
    notary,
    env: { SNAPSHOT: snapshot, TRUST_CA_FILE: ca, TRUST_SERVERS: `registry.demo=${notary.origin}`, LOG_LEVEL: 'error' },
    sign: (image) => signAnew(held, image),
    async close() {
      await unfollow();
      await notary.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
