import { generateKeyPairSync } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { keyId } from '../../../functions/trust/notary/keys.ts';
import { makeKey } from '../../support/tuf/key.ts';
import { signaturesOf, type TestRepository } from '../../support/tuf/repository.ts';
import { type Case, inside, keyOf, RELEASES, spoil, unsignable } from './world.ts';

const BASE = ['root', 'targets', 'snapshot', 'timestamp'] as const;

type Edit = (body: JsonObject, repository: TestRepository) => void;

/** A case in which one role's body is edited before it is signed. */
const edited = (role: string, name: string, edit: Edit): Case => ({
  name,
  build: (repository) => spoil(role, { edit: (body) => edit(body, repository) })(repository),
});

/** Thresholds that no role should get away with, and one that nobody meets. */
const THRESHOLDS: readonly (readonly [string, JsonValue])[] = [
  ['0', 0],
  ['-1', -1],
  ['a string', '1'],
  ['missing', null],
  ['one too high', 99],
];

const rootRole = (body: JsonObject, role: string): JsonObject => inside(body, 'roles', role);
const list = (value: JsonValue | undefined): JsonValue[] => value as JsonValue[];

/** Edits of what root says of one of its roles. */
const rootCases = (role: (typeof BASE)[number]): readonly Case[] => [
  ...THRESHOLDS.map(([what, threshold]) =>
    edited('root', `root gives ${role} a threshold that is ${what}`, (body) => {
      rootRole(body, role)['threshold'] = threshold;
    }),
  ),
  {
    name: `root gives ${role} a threshold that is a fraction`,
    build: spoil(
      'root',
      unsignable((body) => {
        rootRole(body, role)['threshold'] = 1.5;
      }),
    ),
  },
  edited('root', `root gives ${role} no keys`, (body) => {
    rootRole(body, role)['keyids'] = [];
  }),
  edited('root', `root does not name ${role}`, (body) => {
    delete inside(body, 'roles')[role];
  }),
  edited('root', `root lacks the key of ${role}`, (body, repository) => {
    delete inside(body, 'keys')[keyOf(repository, role).id];
  }),
  edited('root', `root lists the key of ${role} twice`, (body) => {
    const keys = list(rootRole(body, role)['keyids']);
    keys.push(...keys);
  }),
  edited('root', `root lists for ${role} a second key that is not there`, (body) => {
    list(rootRole(body, role)['keyids']).push('ef'.repeat(32));
  }),
  edited('root', `root gives the key of ${role} an unknown type`, (body, repository) => {
    inside(body, 'keys', keyOf(repository, role).id)['keytype'] = 'rot13';
  }),
  edited('root', `root has a key for ${role} that is not base64`, (body, repository) => {
    inside(body, 'keys', keyOf(repository, role).id, 'keyval')['public'] = '%%%';
  }),
];

/** The one key of `role` made to look like two, both of which sign. */
const twins = (role: 'targets' | 'timestamp' | 'snapshot'): Case => ({
  name: `${role} has a threshold of two, met by one key under two names`,
  build: (repository) => {
    const { id } = keyOf(repository, role);
    const alias = '12'.repeat(32);
    repository.publish({
      root: {
        edit: (body) => {
          inside(body, 'keys')[alias] = inside(body, 'keys', id);
          rootRole(body, role)['keyids'] = [id, alias];
          rootRole(body, role)['threshold'] = 2;
        },
      },
      [role]: {
        envelope: ({ signatures }) => {
          signatures.push({ ...signatures[0], keyid: alias });
        },
      },
    });
  },
});

const twice = (role: 'targets' | 'timestamp' | 'snapshot'): Case => ({
  name: `${role} has a threshold of two, met by one key that signs twice`,
  build: (repository) => {
    const key = keyOf(repository, role);
    repository.roles[role].threshold = 2;
    repository.publish({
      [role]: { envelope: (envelope) => envelope.signatures.push(...signaturesOf(envelope.signed, [key])) },
    });
  },
});

const THRESHOLD_OF_TWO: readonly Case[] = (['targets', 'timestamp', 'snapshot'] as const).flatMap((role) => [
  twins(role),
  twice(role),
  {
    name: `${role} has a threshold of two, met by two keys`,
    build: (repository) => {
      repository.roles[role].keys.push(makeKey());
      repository.roles[role].threshold = 2;
      repository.publish();
    },
  },
  {
    name: `${role} has a threshold of two and one signature`,
    build: (repository) => {
      const { keys } = repository.roles[role];
      const [only] = keys;
      repository.roles[role].keys.push(makeKey());
      repository.roles[role].threshold = 2;
      repository.publish({ [role]: { signers: only === undefined ? [] : [only] } });
    },
  },
]);

/** A plain key made of DER, filed by its true name. */
function rsaEntry(bits: number): { id: string; entry: JsonObject } {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const value = publicKey.export({ format: 'der', type: 'spki' });
  const entry = { keytype: 'rsa', keyval: { private: null, public: value.toString('base64') } };
  return { id: keyId('rsa', value), entry };
}

const KEYS: readonly Case[] = [
  edited('root', 'root files the key of targets under another name', (body, repository) => {
    const { id } = keyOf(repository, 'targets');
    const keys = inside(body, 'keys');
    keys['34'.repeat(32)] = keys[id] as JsonObject;
    delete keys[id];
    rootRole(body, 'targets')['keyids'] = ['34'.repeat(32)];
  }),
  edited('root', 'root has a weak RSA key that no role uses', (body) => {
    const { id, entry } = rsaEntry(1024);
    inside(body, 'keys')[id] = entry;
  }),
  edited('root', 'root lists a weak RSA key beside the good one of targets', (body) => {
    const { id, entry } = rsaEntry(1024);
    inside(body, 'keys')[id] = entry;
    list(rootRole(body, 'targets')['keyids']).push(id);
  }),
  edited('root', 'root has a role that TUF does not know', (body) => {
    inside(body, 'roles')['mirrors'] = { keyids: [], threshold: 1 };
  }),
  edited('root', 'root asks for consistent snapshots', (body) => {
    body['consistent_snapshot'] = true;
  }),
  edited('root', 'root has no keys at all', (body) => {
    body['keys'] = {};
  }),
  edited('root', 'root has roles that are a list', (body) => {
    body['roles'] = [];
  }),
];

const META: readonly (readonly [what: string, edit: (meta: JsonObject) => void])[] = [
  [
    'with a wrong SHA-256',
    (meta) => Object.assign(inside(meta, 'hashes'), { sha256: Buffer.alloc(32).toString('base64') }),
  ],
  [
    'with a wrong SHA-512',
    (meta) => Object.assign(inside(meta, 'hashes'), { sha512: Buffer.alloc(64).toString('base64') }),
  ],
  ['with a SHA-256 that is too short', (meta) => Object.assign(inside(meta, 'hashes'), { sha256: 'AAAA' })],
  ['without a SHA-256', (meta) => void delete inside(meta, 'hashes')['sha256']],
  ['without a SHA-512', (meta) => void delete inside(meta, 'hashes')['sha512']],
  ['with no hashes', (meta) => Object.assign(meta, { hashes: {} })],
  ['with one more hash of a kind nobody knows', (meta) => Object.assign(inside(meta, 'hashes'), { blake9: 'AAAA' })],
  ['one byte longer than it is', (meta) => Object.assign(meta, { length: Number(meta['length']) + 1 })],
  ['one byte shorter than it is', (meta) => Object.assign(meta, { length: Number(meta['length']) - 1 })],
  ['with length 0', (meta) => Object.assign(meta, { length: 0 })],
  ['with a negative length', (meta) => Object.assign(meta, { length: -1 })],
  ['with a length that is a string', (meta) => Object.assign(meta, { length: '100' })],
];

const CHILDREN = [
  ['timestamp', 'snapshot'],
  ['snapshot', 'root'],
  ['snapshot', 'targets'],
  ['snapshot', RELEASES],
] as const;

const META_CASES: readonly Case[] = CHILDREN.flatMap(([parent, child]) => [
  ...META.map(([what, edit]) =>
    edited(parent, `${parent} lists ${child} ${what}`, (body) => edit(inside(body, 'meta', child))),
  ),
  edited(parent, `${parent} does not list ${child}`, (body) => {
    delete inside(body, 'meta')[child];
  }),
]);

/** What may be wrong with the statements of root, snapshot and timestamp about other roles. */
export const STRUCTURE_CASES: readonly Case[] = [
  ...BASE.flatMap(rootCases),
  ...THRESHOLD_OF_TWO,
  ...KEYS,
  ...META_CASES,
];
