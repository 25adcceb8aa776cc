import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../functions/json.ts';
import type { RootWire } from '../../functions/policy/resource.ts';
import { type DemandedRoots, rootsOf } from '../../functions/policy/roots.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { judge } from '../../functions/trust/notary/signers.ts';
import { resolvePins } from '../../functions/trust/roots.ts';
import { certify, makeKey, type TestKey } from '../support/tuf/key.ts';
import { look } from '../support/tuf/look.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';
import { STRICTER } from '../support/tuf/stricter.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { notaryUser } from './support/notary.ts';
import { clientOpinion } from './support/oracle.ts';
import { RELEASED, TAG } from './support/world.ts';

/** Root pins beside the real client: its `trust_pinning` and our `trust.roots` say the same, on one repository each. */

/** A CA, and its certificate as a file of PEM. */
interface Issuer {
  readonly key: TestKey;
  readonly name: string;
  readonly pem: string;
}
const issuer = (name: string, options = {}): Issuer => {
  const key = makeKey();
  return { key, name, pem: certify(key, name, { authority: true, ...options }).value.toString('latin1') };
};
const DAY = 24 * 3600 * 1000;
const ACME = issuer('Acme');
const OTHER = issuer('Other');
const OLD = issuer('Old', { notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) });
const STRANGER = 'ab'.repeat(32);

/** What one case pins: by GUN (with `*` at the end for a beginning), IDs (`own` is the repository's) or a CA. */
interface Pins {
  readonly certs?: Readonly<Record<string, readonly string[]>>;
  readonly ca?: Readonly<Record<string, Issuer>>;
  readonly firstUse?: boolean;
}
interface Case extends Pins {
  readonly name: string;
  readonly expected: 'trusted' | 'refused';
  /** Who issued the root certificate; itself where not given. */
  readonly by?: Issuer;
  /** Id of the reason for which we are stricter (docs/notary.md): then the client takes it. */
  readonly stricter?: string;
}

const GUN = 'example.com/acme/app';
const CASES: readonly Case[] = [
  { name: 'nothing', expected: 'trusted' },
  { name: 'nothing, and no first use', firstUse: false, expected: 'refused' },
  { name: 'the ID for the very name', certs: { [GUN]: ['own'] }, expected: 'trusted' },
  { name: 'another ID for the very name', certs: { [GUN]: [STRANGER] }, expected: 'refused' },
  { name: 'several IDs', certs: { [GUN]: [STRANGER, 'own'] }, expected: 'trusted' },
  { name: 'no ID', certs: { [GUN]: [] }, expected: 'refused' },
  { name: 'the ID for a beginning', certs: { 'example.com/acme/*': ['own'] }, expected: 'trusted' },
  { name: 'the ID for everything', certs: { '*': ['own'] }, expected: 'trusted' },
  { name: 'another ID for a beginning', certs: { 'example.com/*': [STRANGER] }, expected: 'refused' },
  { name: 'the name before a beginning', certs: { [GUN]: ['own'], 'example.com/*': [STRANGER] }, expected: 'trusted' },
  { name: 'the name before a beginning that fits', certs: { [GUN]: [STRANGER], 'example.com/*': ['own'] }, expected: 'refused' },
  { name: 'the longer beginning', certs: { 'example.com/acme/*': ['own'], 'example.com/*': [STRANGER] }, expected: 'trusted' },
  { name: 'the longer beginning that does not fit', certs: { 'example.com/acme/*': [STRANGER], 'example.com/*': ['own'] }, expected: 'refused' },
  { name: 'the name before the whole name and a star', certs: { [GUN]: ['own'], [`${GUN}*`]: [STRANGER] }, expected: 'trusted' },
  { name: 'another name', certs: { 'example.com/acme/other': [STRANGER] }, expected: 'trusted' },
  { name: 'another name, and no first use', certs: { 'example.com/acme/other': ['own'] }, firstUse: false, expected: 'refused' },
  { name: 'the ID, and no first use', certs: { [GUN]: ['own'] }, firstUse: false, expected: 'trusted' },
  { name: 'the CA that issued it', ca: { [GUN]: ACME }, by: ACME, expected: 'trusted' },
  { name: 'a CA, and a root that issued itself', ca: { [GUN]: ACME }, expected: 'refused' },
  { name: 'another CA', ca: { [GUN]: OTHER }, by: ACME, expected: 'refused' },
  { name: 'the CA for a beginning', ca: { 'example.com/*': ACME }, by: ACME, expected: 'trusted' },
  { name: 'the CA for the longer beginning', ca: { 'example.com/*': OTHER, 'example.com/acme/*': ACME }, by: ACME, expected: 'trusted' },
  { name: 'another CA for the longer beginning', ca: { 'example.com/*': ACME, 'example.com/acme/*': OTHER }, by: ACME, expected: 'refused' },
  { name: 'a CA that has expired', ca: { [GUN]: OLD }, by: OLD, expected: 'refused' },
  { name: 'a CA for other names, and no first use', ca: { 'example.com/other/*': ACME }, by: ACME, firstUse: false, expected: 'refused' },
  { name: 'keys before a CA', certs: { '*': [STRANGER] }, ca: { [GUN]: ACME }, by: ACME, expected: 'refused' },
  { name: 'keys for other names beside a CA', certs: { 'example.com/other/*': [STRANGER] }, ca: { [GUN]: ACME }, by: ACME, expected: 'trusted' },
  {
    name: 'a CA for a name that merely begins alike',
    ca: { 'example.com/ac': ACME },
    by: ACME,
    firstUse: false,
    expected: 'refused',
    stricter: 'pins-prefix',
  },
]; // biome-ignore format: a table reads better in rows

const repositories: TestRepository[] = [];
let folder: TemporaryFolder;
let server: NotaryServer;
let authorityFile: string;
beforeAll(async () => {
  folder = await temporaryFolder('pins');
  server = await serveNotary({ repositories });
  authorityFile = join(folder.path, 'authority.crt');
  await writeFile(authorityFile, server.ca ?? '');
});
afterAll(async () => {
  await server?.close();
  await folder?.remove();
});

/** A repository whose root certificate was issued as the case says. */
function repositoryOf({ by }: Case): TestRepository {
  const repository = new TestRepository({ gun: GUN });
  const options = by === undefined ? {} : { issuer: { commonName: by.name, privateKey: by.key.privateKey } };
  repository.roles.root.keys = [certify(makeKey(), GUN, options)];
  return repository.tag(TAG, RELEASED).publish();
}
const idsIn = (ids: readonly string[], repository: TestRepository): string[] =>
  ids.map((id) => (id === 'own' ? (repository.roles.root.keys[0]?.id ?? '') : id));

/** The case as the client's configuration; its CAs are files, and a beginning of theirs has no star. */
async function pinningOf(one: Case, repository: TestRepository, at: string): Promise<JsonObject> {
  const certs = Object.entries(one.certs ?? {}).map(([gun, ids]) => [gun, idsIn(ids, repository)] as const);
  const ca: [string, string][] = [];
  for (const [gun, { pem }] of Object.entries(one.ca ?? {})) {
    const file = join(at, `ca${ca.length}.pem`);
    await writeFile(file, pem);
    ca.push([gun.replace(/\*$/, ''), file]);
  }
  const none = one.firstUse === false ? { disable_tofu: true } : {};
  return { certs: Object.fromEntries(certs), ca: Object.fromEntries(ca), ...none };
}

/** The case as `trust.roots`. */
function rootsFor(one: Case, repository: TestRepository): DemandedRoots {
  const keys = Object.entries(one.certs ?? {}).map(([gun, ids]): RootWire => ({ gun, keyIds: idsIn(ids, repository) }));
  const cas = Object.entries(one.ca ?? {}).map(([gun, { pem }]): RootWire => ({ gun, certificateAuthority: pem }));
  return rootsOf([...keys, ...cas], 'roots', ({ name }) => ({ namespace: undefined, name }));
}

async function ours(one: Case, repository: TestRepository): Promise<string> {
  const { roots, problems } = rootsFor(one, repository);
  if (problems.length > 0) return `refused: ${problems.map(({ field, message }) => `${field} ${message}`).join('; ')}`;
  const question = { roots, gun: GUN, namespace: 'team' };
  const pins = await resolvePins(question, { secret: async () => undefined }, new AbortController().signal);
  try {
    const facts = await look(repository, { pins, firstUse: one.firstUse });
    const judged = judge(facts, { tag: TAG, digest: undefined }, []);
    return judged.ok ? 'trusted' : judged.refusal.code;
  } catch (error) {
    if (error instanceof TrustError) return `refused: ${error.code} ${error.message}`;
    throw error;
  }
}

describe('root pins beside the real notary client', () => {
  for (const [index, one] of CASES.entries()) {
    it(`are taken as the client takes them, or more strictly on purpose: ${one.name}`, async () => {
      const at = join(folder.path, String(index));
      await mkdir(at);
      const repository = repositoryOf(one);
      repositories.splice(0, repositories.length, repository);
      const trustPinning = await pinningOf(one, repository, at);
      const user = await notaryUser({ folder: at, origin: server.origin, authorityFile, trustPinning });
      const client = await clientOpinion(user, GUN);
      const we = await ours(one, repository);
      const said = `client: ${JSON.stringify(client)}; we: ${we}`;
      expect(we.split(':', 1)[0], said).toBe(one.expected);
      const same = 'digest' in client ? 'trusted' : 'refused';
      expect(same, said).toBe(one.stricter === undefined ? one.expected : 'trusted');
      const codes = STRICTER.find(({ id }) => id === one.stricter)?.codes;
      if (one.stricter !== undefined)
        expect(
          codes?.some((code) => we.includes(code)),
          said,
        ).toBe(true);
    });
  }
});
