import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../functions/codes.ts';
import { Authenticator } from '../../functions/io/auth.ts';
import { HttpClient } from '../../functions/io/http.ts';
import { NotaryClient } from '../../functions/io/notary.ts';
import type { NotaryFiles, RoleFile } from '../../functions/ports.ts';
import type { TrustFacts } from '../../functions/trust/notary/facts.ts';
import type { TrustRequest } from '../../functions/trust/notary/request.ts';
import { judge, type Released, type Signer } from '../../functions/trust/notary/signers.ts';
import { rememberedOf, updateTrust } from '../../functions/trust/notary/update.ts';
import { signerOf } from '../support/tuf/look.ts';
import { fileName } from '../support/tuf/memory.ts';
import { makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type KeyFiles, makeKeyFiles, makeRootKeyFile } from './support/keyfiles.ts';
import { type NotaryUser, notaryUser, type SignedTag } from './support/notary.ts';
import { type NotaryServer, startNotaryServer } from './support/notaryserver.ts';

let folder: TemporaryFolder;
let server: NotaryServer;
let files: NotaryFiles;
/** Files asked of the server since the last `looked`. */
let asked: string[] = [];
let http: HttpClient;

beforeAll(async () => {
  folder = await temporaryFolder('notary');
  server = await startNotaryServer({ authority: makeAuthority('notary integration'), folder: folder.path });
  const clock = { now: () => Date.now() };
  http = new HttpClient({ ca: await readFile(server.authorityFile, 'utf8') }, clock);
  const client = new NotaryClient(http, new Authenticator(http, clock, []));
  files = {
    fetch(address, file: RoleFile, signal) {
      asked.push(fileName(file));
      return client.fetch(address, file, signal);
    },
  };
});
afterAll(async () => {
  await http.close();
  await server.stop();
  await folder.remove();
});

let people = 0;
/** A fresh user of the real client, with keys of its own. */
async function somebody(): Promise<NotaryUser> {
  people += 1;
  return notaryUser({ folder: join(folder.path, `user-${people}`), ...server });
}

const addressOf = (gun: string) => ({ server: server.origin, gun, registry: 'example.com', credential: undefined });

/** The root file as the server has it. */
async function rootText(gun: string): Promise<string> {
  const bytes = await files.fetch(addressOf(gun), { role: 'root', maxBytes: 1e6 }, AbortSignal.timeout(30_000));
  return Buffer.from(bytes ?? []).toString('utf8');
}

/** Looks at the repository through the real server, as the gate does. */
function look(gun: string, more: Partial<TrustRequest> = {}): Promise<TrustFacts> {
  asked = [];
  return updateTrust({ address: addressOf(gun), roles: [], ...more }, files, Date.now(), AbortSignal.timeout(30_000));
}

const digits = (pair: string): string => pair.repeat(32);
const tag = (name: string, pair: string): SignedTag => ({ name, sha256: digits(pair), length: 1234 });
const wantedTag = (name: string) => ({ tag: name, digest: undefined });
const digestOf = (judged: Result<Released>): string => (judged.ok ? judged.value.digest : judged.refusal.code);
/** The digest that stands for the tag, or the code of the refusal. */
const digestIn = (facts: TrustFacts, name: string, signers: readonly Signer[] = []): string =>
  digestOf(judge(facts, wantedTag(name), signers));

describe('a repository of targets alone', () => {
  it('gives the signed digest by tag, by digest, and by both', async () => {
    const gun = 'example.com/plain/app';
    const user = await somebody();
    await user.init(gun);
    await user.sign(gun, tag('v1', 'a1'));
    const facts = await look(gun);
    const digest = `sha256:${digits('a1')}` as const;
    expect(digestIn(facts, 'v1')).toBe(digest);
    expect(digestOf(judge(facts, { tag: undefined, digest }, []))).toBe(digest);
    expect(digestOf(judge(facts, { tag: 'v1', digest }, []))).toBe(digest);
  });

  it('refuses a tag that was never signed, a tag that was removed, and a digest that is not signed', async () => {
    const gun = 'example.com/plain/removed';
    const user = await somebody();
    await user.init(gun);
    await user.sign(gun, tag('v1', 'a2'));
    const before = await look(gun);
    expect(digestIn(before, 'v2')).toBe('TRUST_NOT_SIGNED');
    await user.run('remove', gun, 'v1', '-p');
    const facts = await look(gun, { previous: before });
    expect(digestIn(facts, 'v1')).toBe('TRUST_NOT_SIGNED');
    expect(digestOf(judge(facts, { tag: undefined, digest: `sha256:${digits('a2')}` }, []))).toBe('TRUST_NOT_SIGNED');
  });

  it('refuses a repository that the server does not have', async () => {
    await expect(look('example.com/no/such')).rejects.toMatchObject({ code: 'TRUST_NO_DATA' });
  });
});

/** A repository as docker makes it: two people sign into `targets/releases` and each into a role of their own. */
async function signedByTwo(gun: string, kinds: readonly ['ecdsa' | 'rsa', 'ecdsa' | 'rsa']) {
  const user = await somebody();
  const alice = await makeKeyFiles(folder.path, `alice-${people}`, kinds[0]);
  const bob = await makeKeyFiles(folder.path, `bob-${people}`, kinds[1]);
  await user.init(gun);
  await user.delegate(gun, 'targets/alice', [alice.publicKey]);
  await user.delegate(gun, 'targets/bob', [bob.publicKey]);
  await user.delegate(gun, 'targets/releases', [alice.publicKey, bob.publicKey]);
  await user.importKey(alice.privateKey, 'targets/alice');
  await user.importKey(bob.privateKey, 'targets/bob');
  return { user, alice, bob };
}

const BOTH = ['targets/alice', 'targets/bob'];
const signersOf = (alice: KeyFiles, bob: KeyFiles): Signer[] => [
  signerOf('alice', alice.pem),
  signerOf('bob', bob.pem),
];

describe.each([
  ['ECDSA', ['ecdsa', 'ecdsa']],
  ['RSA', ['rsa', 'rsa']],
  ['one ECDSA and one RSA', ['ecdsa', 'rsa']],
] as const)('a repository with two signers and %s keys', (name, kinds) => {
  it('is released for both, and refused while one of them has not signed', async () => {
    const gun = `example.com/two/${name.replaceAll(' ', '-').toLowerCase()}`;
    const { user, alice, bob } = await signedByTwo(gun, kinds);
    const signers = signersOf(alice, bob);
    await user.sign(gun, tag('v1', 'b1'), ['targets/releases', 'targets/alice']);
    const half = await look(gun, { roles: BOTH });
    expect(digestIn(half, 'v1')).toBe(`sha256:${digits('b1')}`);
    expect(digestIn(half, 'v1', signers.slice(0, 1))).toBe(`sha256:${digits('b1')}`);
    expect(digestIn(half, 'v1', signers)).toBe('TRUST_SIGNER_MISSING');
    await user.sign(gun, tag('v1', 'b1'), ['targets/bob']);
    const whole = await look(gun, { roles: BOTH, previous: half });
    expect(digestIn(whole, 'v1', signers)).toBe(`sha256:${digits('b1')}`);
  });
});

describe('signers', () => {
  it('refuses a signer whose Secret holds a key that is not in the role', async () => {
    const gun = 'example.com/two/stranger';
    const { user, bob } = await signedByTwo(gun, ['ecdsa', 'ecdsa']);
    await user.sign(gun, tag('v1', 'b2'), ['targets/releases', 'targets/alice', 'targets/bob']);
    const facts = await look(gun, { roles: BOTH });
    expect(digestIn(facts, 'v1', [signerOf('alice', bob.pem)])).toBe('TRUST_SIGNER_MISSING');
  });

  it('refuses when two signers stand behind different digests of one tag', async () => {
    const gun = 'example.com/two/disagree';
    const { user, alice, bob } = await signedByTwo(gun, ['ecdsa', 'ecdsa']);
    await user.sign(gun, tag('v1', 'b3'), ['targets/releases', 'targets/alice']);
    await user.sign(gun, tag('v1', 'b4'), ['targets/bob']);
    const facts = await look(gun, { roles: BOTH });
    expect(digestIn(facts, 'v1', signersOf(alice, bob))).toBe('TRUST_DIGEST_CONFLICT');
  });

  it('takes what releases says of a tag before what targets says', async () => {
    const gun = 'example.com/two/shadow';
    const { user } = await signedByTwo(gun, ['ecdsa', 'ecdsa']);
    await user.sign(gun, tag('v1', 'b5'));
    await user.sign(gun, tag('v1', 'b6'), ['targets/releases']);
    expect(digestIn(await look(gun), 'v1')).toBe(`sha256:${digits('b6')}`);
  });

  it('refuses a signer whose delegation was removed', async () => {
    const gun = 'example.com/two/gone';
    const { user, alice, bob } = await signedByTwo(gun, ['ecdsa', 'ecdsa']);
    await user.sign(gun, tag('v1', 'b7'), ['targets/releases', 'targets/alice', 'targets/bob']);
    await user.run('delegation', 'remove', gun, 'targets/bob', '--yes', '-p');
    const facts = await look(gun, { roles: BOTH });
    expect(digestIn(facts, 'v1', signersOf(alice, bob).slice(0, 1))).toBe(`sha256:${digits('b7')}`);
    expect(digestIn(facts, 'v1', signersOf(alice, bob))).toBe('TRUST_SIGNER_MISSING');
  });
});

describe('a refresh', () => {
  it('costs one timestamp where nothing changed', async () => {
    const gun = 'example.com/refresh/same';
    const { user } = await signedByTwo(gun, ['ecdsa', 'ecdsa']);
    await user.sign(gun, tag('v1', 'c1'), ['targets/releases', 'targets/alice']);
    const first = await look(gun, { roles: BOTH });
    expect(asked.length).toBeGreaterThan(4);
    const second = await look(gun, { roles: BOTH, previous: first });
    expect(asked).toEqual(['timestamp']);
    expect(digestIn(second, 'v1')).toBe(`sha256:${digits('c1')}`);
  });

  it('sees a tag signed anew, and fetches nothing that did not change', async () => {
    const gun = 'example.com/refresh/moved';
    const user = await somebody();
    await user.init(gun);
    await user.sign(gun, tag('v1', 'c2'));
    const first = await look(gun);
    await user.sign(gun, tag('v1', 'c3'));
    expect(digestIn(await look(gun, { previous: first }), 'v1')).toBe(`sha256:${digits('c3')}`);
    expect(asked.map((name) => name.split('.')[0])).toEqual(['timestamp', 'snapshot', 'targets']);
  });
});

describe('key rotation by the real client', () => {
  /** Signs, looks, rotates, signs again, and gives the facts from before and the digest seen from each starting point after. */
  async function rotated(gun: string, rotate: (user: NotaryUser) => Promise<void>) {
    const user = await somebody();
    await user.init(gun);
    await user.sign(gun, tag('v1', 'd1'));
    const before = await look(gun);
    await rotate(user);
    await user.sign(gun, tag('v1', 'd2'));
    const after = await look(gun, { previous: before });
    const remembered = await look(gun, { remembered: rememberedOf(before) });
    const fresh = await look(gun);
    expect(after.root.version).toBeGreaterThan(before.root.version);
    for (const facts of [after, remembered, fresh]) expect(digestIn(facts, 'v1')).toBe(`sha256:${digits('d2')}`);
    return { before, after };
  }

  it('follows a new root key, from facts and from memory', async () => {
    const { before, after } = await rotated('example.com/rotate/root', (user) =>
      user.rotate('example.com/rotate/root', 'root'),
    );
    expect([...after.root.keyIds]).not.toEqual([...before.root.keyIds]);
  });

  it('follows three rotations of the root that it did not see one by one', async () => {
    const gun = 'example.com/rotate/thrice';
    const { before, after } = await rotated(gun, async (user) => {
      for (const _ of [1, 2, 3]) await user.rotate(gun, 'root');
    });
    expect(after.root.version).toBeGreaterThanOrEqual(before.root.version + 3);
  });

  it('follows a root key that turns to RSA', async () => {
    const gun = 'example.com/rotate/rsa';
    const key = await makeRootKeyFile(folder.path, 'next-root');
    await rotated(gun, (user) => user.rotate(gun, 'root', { key }));
    expect(await rootText(gun)).toContain('"rsa-x509"');
  });

  it('follows a new targets key', async () => {
    await rotated('example.com/rotate/targets', (user) => user.rotate('example.com/rotate/targets', 'targets'));
  });

  it('follows a new snapshot key of the user', async () => {
    await rotated('example.com/rotate/snapshot', (user) => user.rotate('example.com/rotate/snapshot', 'snapshot'));
  });

  it("follows the snapshot key to the server's keeping and back", async () => {
    const gun = 'example.com/rotate/managed';
    await rotated(gun, (user) => user.rotate(gun, 'snapshot', { serverManaged: true }));
    await rotated(`${gun}-back`, async (user) => {
      await user.rotate(`${gun}-back`, 'snapshot', { serverManaged: true });
      await user.rotate(`${gun}-back`, 'snapshot');
    });
  });

  it("follows a new timestamp key of the server's", async () => {
    const gun = 'example.com/rotate/timestamp';
    await rotated(gun, (user) => user.rotate(gun, 'timestamp', { serverManaged: true }));
  });
});

describe('a repository that was deleted and made anew', () => {
  it('is refused where the first is remembered, and taken where it is not', async () => {
    const gun = 'example.com/anew/app';
    const owner = await somebody();
    await owner.init(gun);
    await owner.sign(gun, tag('v1', 'e1'));
    const before = await look(gun);
    await owner.run('delete', gun, '--remote');
    const other = await somebody();
    await other.init(gun);
    await other.sign(gun, tag('v1', 'e2'));
    await expect(look(gun, { remembered: rememberedOf(before) })).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    await expect(look(gun, { previous: before })).rejects.toMatchObject({ code: 'TRUST_ROOT_CHANGED' });
    expect(digestIn(await look(gun), 'v1')).toBe(`sha256:${digits('e2')}`);
  });
});

describe('root keys that the user brings', () => {
  it('accepts a repository whose root key is RSA', async () => {
    const gun = 'example.com/root/rsa';
    const user = await somebody();
    await user.init(gun, await makeRootKeyFile(folder.path, 'own-root'));
    await user.sign(gun, tag('v1', 'f1'));
    expect(digestIn(await look(gun), 'v1')).toBe(`sha256:${digits('f1')}`);
    expect(await rootText(gun)).toContain('"rsa-x509"');
  });
});
