import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { makeKey } from '../../support/tuf/key.ts';
import type { TestRepository } from '../../support/tuf/repository.ts';
import { type Case, inside, keyOf, RELEASED, RELEASES, spoil, TAG, TARGETED, unsignable } from './world.ts';

type Edit = (role: JsonObject, body: JsonObject, repository: TestRepository) => void;

/** The entry of the releases role in what targets delegates. */
const entryOf = (body: JsonObject): JsonObject =>
  (inside(body, 'delegations')['roles'] as JsonObject[]).find(({ name }) => name === RELEASES) ?? {};

const delegated = (name: string, edit: Edit): Case => ({
  name: `targets delegates to releases ${name}`,
  build: (repository) => spoil('targets', { edit: (body) => edit(entryOf(body), body, repository) })(repository),
});

const field = (name: string, key: string, value: JsonValue): Case =>
  delegated(name, (role) => {
    role[key] = value;
  });

const DELEGATION: readonly Case[] = [
  field('with threshold 0', 'threshold', 0),
  field('with a negative threshold', 'threshold', -1),
  {
    name: 'targets delegates to releases with a fraction as threshold',
    build: spoil(
      'targets',
      unsignable((body) => {
        entryOf(body)['threshold'] = 1.5;
      }),
    ),
  },
  field('with a string as threshold', 'threshold', '1'),
  field('with a threshold nobody meets', 'threshold', 99),
  field('with no keys', 'keyids', []),
  field('with a key that is not there', 'keyids', ['ef'.repeat(32)]),
  field('for no path at all', 'paths', []),
  field('for other paths', 'paths', ['elsewhere']),
  field('for the path of the tag', 'paths', [TAG]),
  field('with paths that are no list', 'paths', TAG),
  field('under the name of a base role', 'name', 'snapshot'),
  field('under the name of a grandchild', 'name', 'targets/a/releases'),
  field('under a name with dots', 'name', 'targets/../releases'),
  field('under an empty name', 'name', ''),
  delegated('twice', (role, body) => {
    (inside(body, 'delegations')['roles'] as JsonObject[]).push({ ...role });
  }),
  delegated('twice, the first time to a stranger', (role, body) => {
    const stranger = makeKey();
    inside(body, 'delegations', 'keys')[stranger.id] = {
      keytype: stranger.keytype,
      keyval: { private: null, public: stranger.value.toString('base64') },
    };
    (inside(body, 'delegations')['roles'] as JsonObject[]).unshift({ ...role, keyids: [stranger.id] });
  }),
  delegated('with the same key listed twice', (role) => {
    role['keyids'] = [...(role['keyids'] as JsonValue[]), ...(role['keyids'] as JsonValue[])];
  }),
  delegated('with a key of an unknown type', (role, body) => {
    inside(body, 'delegations', 'keys', String((role['keyids'] as JsonValue[])[0]))['keytype'] = 'rot13';
  }),
  delegated('in delegations that are null', (_role, body) => {
    body['delegations'] = null;
  }),
  delegated('in a list of roles that is null', (_role, body) => {
    inside(body, 'delegations')['roles'] = null;
  }),
];

const target = (role: string, name: string, value: JsonValue): Case => ({
  name: `${role} holds the tag ${name}`,
  build: (repository) =>
    spoil(role, {
      edit: (body) => {
        inside(body, 'targets')[TAG] = value;
      },
    })(repository),
});

const sha256 = Buffer.from(RELEASED, 'hex').toString('base64');

const TARGETS: readonly Case[] = ['targets', RELEASES].flatMap((role) => [
  target(role, 'without hashes', { hashes: {}, length: 1 }),
  target(role, 'with a SHA-512 alone', { hashes: { sha512: Buffer.alloc(64).toString('base64') }, length: 1 }),
  target(role, 'with a SHA-256 that is too short', { hashes: { sha256: 'AAAA' }, length: 1 }),
  target(role, 'with a negative length', { hashes: { sha256 }, length: -5 }),
  target(role, 'with a length that is a string', { hashes: { sha256 }, length: '5' }),
  target(role, 'as null', null),
  target(role, 'as a string', RELEASED),
  {
    name: `${role} has no targets field`,
    build: spoil(role, {
      edit: (body) => {
        delete body['targets'];
      },
    }),
  },
  {
    name: `${role} has a target named __proto__`,
    build: (repository) => {
      repository.tag('__proto__', RELEASED, role);
      repository.publish();
    },
  },
]);

/** Publishes an honest state for both to see before what `build` does. */
const after = (name: string, build: Case['build'], prepare?: Case['build']): Case => ({
  name,
  past: (repository) => {
    prepare?.(repository);
    repository.publish();
  },
  build,
});

const lower = (role: string): Case =>
  after(
    `${role} is older than what was seen`,
    (repository) => {
      // The past was version 1 and is seen at version 3; the present comes as version 2.
      repository.draft(role).version = 1;
      repository.publish();
    },
    (repository) => {
      repository.draft(role).version = 2;
    },
  );

const ROLLBACK = ['timestamp', 'snapshot', 'targets', RELEASES].map(lower);

const ROTATION: readonly Case[] = [
  after('root rotates its key, signed by old and new', (repository) => repository.rotateRoot().publish()),
  after('root rotates twice', (repository) => repository.rotateRoot().publish().rotateRoot().publish()),
  after('root rotates, signed by the new key alone', (repository) => {
    const fresh = repository.makeRootKey();
    repository.rotateRoot([fresh]).publish({ root: { signers: [fresh] } });
  }),
  after('root rotates, signed by the old key alone', (repository) => {
    const old = repository.roles.root.keys;
    repository.rotateRoot().publish({ root: { signers: old } });
  }),
  after('root is made anew by a stranger', (repository) => {
    const stranger = repository.makeRootKey();
    repository.roles.root.keys = [stranger];
    repository.publish({}, ['root', 'targets', RELEASES]);
  }),
  after('root rotates and its version leaps', (repository) => {
    repository.draft('root').version += 5;
    repository.rotateRoot().publish();
  }),
  after('root rotates twice and the step between is gone', (repository) => {
    repository.rotateRoot().publish().rotateRoot().publish();
    repository.files.delete('2.root');
  }),
  ...(['targets', 'snapshot', 'timestamp'] as const).flatMap((role) => [
    after(`${role} rotates its key`, (repository) => {
      repository.roles[role].keys = [makeKey()];
      repository.publish({}, ['root', 'targets', RELEASES]);
    }),
    after(`${role} rotates its key but is signed by the old one`, (repository) => {
      const old = repository.roles[role].keys;
      repository.roles[role].keys = [makeKey()];
      repository.publish({ root: {}, [role]: { signers: old } });
    }),
  ]),
];

const SWAPPED: readonly Case[] = (
  [
    ['snapshot', 'timestamp'],
    ['timestamp', 'snapshot'],
    ['targets', RELEASES],
    [RELEASES, 'targets'],
    [RELEASES, 'targets/alice'],
    ['targets', 'snapshot'],
    ['root', 'targets'],
  ] as const
).map(([role, other]) => ({
  name: `${role} is answered with the file of ${other}`,
  build: (repository: TestRepository) => {
    repository.publish();
    const foreign = repository.files.get(other) ?? Buffer.alloc(0);
    repository.publish({ [role]: { bytes: () => foreign } });
  },
}));

/** Repositories that hold: both must accept. */
export const HONEST_CASES: readonly Case[] = [
  ...(['ecdsa', 'ecdsa-p384', 'ecdsa-p521', 'rsa', 'ed25519'] as const).map((kind) => ({
    name: `an honest repository with ${kind} keys`,
    kind,
    build: (repository: TestRepository) => void repository.publish(),
  })),
  after('an honest repository seen twice unchanged', () => undefined),
  after('an honest repository with a new digest', (repository) => {
    repository.tag(TAG, TARGETED, RELEASES).publish();
  }),
  {
    name: 'a tag that only targets holds',
    build: (repository) => {
      repository.draft(RELEASES).targets.delete(TAG);
      repository.publish();
    },
  },
  {
    name: 'a tag that no role holds',
    build: (repository) => {
      for (const role of ['targets', RELEASES, 'targets/alice', 'targets/bob'])
        repository.draft(role).targets.delete(TAG);
      repository.publish();
    },
  },
  {
    name: 'releases is delegated but was never signed',
    build: (repository) => {
      repository.draft(RELEASES).published = false;
      repository.publish();
    },
  },
  {
    name: 'releases is signed with the key of targets',
    build: (repository) => spoil(RELEASES, { signers: [keyOf(repository, 'targets')] })(repository),
  },
];

/** What may be wrong with delegations, with what they sign, and with how a repository moves on. */
export const DELEGATION_CASES: readonly Case[] = [...DELEGATION, ...TARGETS, ...ROLLBACK, ...ROTATION, ...SWAPPED];
