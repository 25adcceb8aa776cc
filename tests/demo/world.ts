import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  close(): Promise<void>;
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

/** Starts the embedded Notary on a free loopback port and writes the policies, with the signers' public keys, to a folder of their own. */
export async function openWorld(): Promise<DemoWorld> {
  const now = Date.now();
  const [alice, bob] = [makeKey(), makeKey()];
  const notary = await serveNotary({ repositories: repositories(alice, bob, now) });
  const folder = await mkdtemp(join(tmpdir(), 'portieris-demo-'));
  const snapshot = join(folder, 'policies');
  const ca = join(folder, 'ca.pem');
  await cp(POLICIES, snapshot, { recursive: true });
  await writeFile(
    join(snapshot, 'signers.yaml'),
    [signerSecret('alice', alice), signerSecret('bob', bob)].join('---\n'),
  );
  await writeFile(ca, notary.ca ?? '');
  return {
    notary,
    env: { SNAPSHOT: snapshot, TRUST_CA_FILE: ca, TRUST_SERVERS: `registry.demo=${notary.origin}`, LOG_LEVEL: 'error' },
    async close() {
      await notary.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
