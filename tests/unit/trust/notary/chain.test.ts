import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../functions/json.ts';
import type { TargetsFacts } from '../../../../functions/trust/notary/facts.ts';
import { isUsable } from '../../../../functions/trust/notary/facts.ts';
import { certify, makeKey } from '../../../support/tuf/key.ts';
import { look, NOW, refusalOf } from '../../../support/tuf/look.ts';
import { type Corruption, signaturesOf, TestRepository } from '../../../support/tuf/repository.ts';

const A = 'aa'.repeat(32);
const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
const fresh = () => new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
const signed = (corruptions: Record<string, Corruption> = {}) => fresh().tag('v1', A).publish(corruptions);
const codeOf = async (repository: TestRepository) => (await refusalOf(look(repository))).code;
const at = (object: JsonObject, ...path: readonly string[]): JsonObject =>
  path.reduce<JsonObject>((value, step) => value[step] as JsonObject, object);

describe('the chain', () => {
  it.each(['ecdsa', 'rsa', 'ed25519', 'ecdsa-p384', 'ecdsa-p521'] as const)(
    'holds from root to targets with %s keys',
    async (kind) => {
      const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW, kind }).tag('v1', A).publish();
      const facts = await look(repository);
      expect(facts.targets.targets.get('v1')).toEqual({ sha256: A, length: 1234 });
      expect([...facts.targets.signedBy]).toEqual([repository.roles.targets.keys[0]?.id]);
      expect(facts.timestamp).toMatchObject({ role: 'timestamp', version: 1, threshold: 1 });
      expect(facts.expires).toBe(facts.timestamp.expires);
    },
  );

  it('has no data where the server has no root', async () => {
    expect(await codeOf(fresh())).toBe('TRUST_NO_DATA');
  });

  it.each(['timestamp', 'snapshot', 'targets'])('is inconsistent where the server lacks the %s', async (role) => {
    expect(await codeOf(signed({ [role]: { served: () => undefined } }))).toBe('TRUST_INCONSISTENT');
  });
});

describe.each(ROLES)('%s', (role) => {
  it('must be signed by the key that its parent lists', async () => {
    expect(await codeOf(signed({ [role]: { signers: [makeKey()] } }))).toBe('TRUST_SIGNATURE');
  });

  it('must be what was signed', async () => {
    const envelope: Corruption['envelope'] = (file) => {
      file.signed['version'] = 7;
    };
    expect(await codeOf(signed({ [role]: { envelope } }))).toBe('TRUST_SIGNATURE');
  });

  it('must be signed by as many distinct keys as its threshold says', async () => {
    const repository = fresh().tag('v1', A);
    const [first] = repository.roles[role].keys;
    const second = role === 'root' ? repository.makeRootKey() : makeKey();
    repository.roles[role] = { keys: [first ?? second, second], threshold: 2 };
    expect(await codeOf(repository.publish())).toBe('trusted');
    expect(await codeOf(repository.publish({ [role]: { signers: [second] } }))).toBe('TRUST_SIGNATURE');
    expect(await codeOf(repository.publish({ [role]: { signers: [second, second] } }))).toBe('TRUST_SIGNATURE');
  });

  it('must be of its own type', async () => {
    for (const type of ['Mirrors', role, '', null] as JsonValue[]) {
      const edit = (body: JsonObject) => Object.assign(body, { _type: type });
      expect(await codeOf(signed({ [role]: { edit } }))).toBe('TRUST_MALFORMED');
    }
  });

  it('counts to its last moment and no longer', async () => {
    const repository = fresh().tag('v1', A);
    repository.draft(role).expires = new Date(NOW + 1000);
    repository.publish();
    expect((await refusalOf(look(repository, { now: NOW + 1000 }))).code).toBe('trusted');
    expect(await refusalOf(look(repository, { now: NOW + 1001 }))).toEqual({
      code: 'TRUST_EXPIRED',
      message: `${role} expired at 2026-11-24T12:00:01.000Z`,
    });
  });

  it('never lives for ever by an expiry that does not parse', async () => {
    for (const expires of ['', 'never', '2086-02-30T00:00:00Z', null, 4102444800, []] as JsonValue[])
      expect(await codeOf(signed({ [role]: { edit: (body) => Object.assign(body, { expires }) } }))).toBe(
        'TRUST_MALFORMED',
      );
  });

  it('may write its expiry with nanoseconds and an offset', async () => {
    const edit = (body: JsonObject) => Object.assign(body, { expires: '2086-01-02T03:04:05.123456789+05:30' });
    const facts = await look(signed({ [role]: { edit } }));
    expect(facts[role].expires).toBe(Date.parse('2086-01-01T21:34:05.123Z'));
  });

  it.each([0, -1, '1', null, 1.5, 2 ** 53, 2 ** 63, true])('has no version %s', async (version) => {
    expect(await codeOf(signed({ [role]: { edit: (body) => Object.assign(body, { version }) } }))).toBe(
      'TRUST_MALFORMED',
    );
  });

  it('may have the highest version that is a safe integer', async () => {
    const edit = (body: JsonObject) => Object.assign(body, { version: Number.MAX_SAFE_INTEGER });
    expect(await codeOf(signed({ [role]: { edit } }))).toBe('trusted');
  });

  it('never falls below the version that is remembered', async () => {
    const repository = signed();
    const { root } = await look(repository);
    const seen = { server: 'https://notary.example', gun: repository.gun, rootKeyIds: [...root.keyIds], expires: NOW };
    const remembered = (version: number) => ({
      ...seen,
      versions: new Map([
        ['root', 1],
        [role, version],
      ]),
    });
    expect((await refusalOf(look(repository, { remembered: remembered(1) }))).code).toBe('trusted');
    expect((await refusalOf(look(repository, { remembered: remembered(2) }))).code).toBe('TRUST_ROLLBACK');
  });
});

describe.each([
  ['timestamp', 'snapshot'],
  ['snapshot', 'root'],
  ['snapshot', 'targets'],
] as const)('what %s states of %s', (parent, child) => {
  const stated = (edit: (meta: JsonObject) => void) =>
    signed({ [parent]: { edit: (body) => edit(at(body, 'meta', child)) } });
  const hashed = (algorithm: string, value: string) =>
    stated((meta) => Object.assign(at(meta, 'hashes'), { [algorithm]: value }));

  it('must be its SHA-256 and its SHA-512', async () => {
    expect(await codeOf(hashed('sha256', Buffer.alloc(32).toString('base64')))).toBe('TRUST_INCONSISTENT');
    expect(await codeOf(hashed('sha512', Buffer.alloc(64).toString('base64')))).toBe('TRUST_INCONSISTENT');
  });

  it('must hold a SHA-256 of 32 bytes', async () => {
    expect(await codeOf(hashed('sha256', 'AAAA'))).toBe('TRUST_MALFORMED');
    expect(await codeOf(hashed('sha512', 'AAAA'))).toBe('TRUST_MALFORMED');
    expect(await codeOf(stated((meta) => void delete at(meta, 'hashes')['sha256']))).toBe('TRUST_MALFORMED');
    expect(await codeOf(stated((meta) => Object.assign(meta, { hashes: {} })))).toBe('TRUST_MALFORMED');
  });

  it('may leave out the SHA-512, and hold hashes nobody knows', async () => {
    expect(await codeOf(stated((meta) => void delete at(meta, 'hashes')['sha512']))).toBe('trusted');
    expect(await codeOf(hashed('blake9', 'AAAA'))).toBe('trusted');
  });

  it('must be its length', async () => {
    for (const step of [-1, 1])
      expect(await codeOf(stated((meta) => Object.assign(meta, { length: Number(meta['length']) + step })))).toBe(
        'TRUST_INCONSISTENT',
      );
    expect(await codeOf(stated((meta) => Object.assign(meta, { length: -1 })))).toBe('TRUST_MALFORMED');
  });

  it('must be stated at all', async () => {
    const edit = (body: JsonObject) => void delete at(body, 'meta')[child];
    expect(await codeOf(signed({ [parent]: { edit } }))).toBe('TRUST_MALFORMED');
  });

  it('is checked on the bytes, before they are parsed', async () => {
    const served = () => Buffer.from('not JSON at all');
    const code = await codeOf(signed({ [child]: { served } }));
    expect(code).toBe(child === 'root' ? 'TRUST_MALFORMED' : 'TRUST_INCONSISTENT');
  });
});

const delegated = () => {
  const repository = fresh();
  const key = repository.addSigner('alice');
  repository.tag('v1', A, 'targets', 'targets/releases', 'targets/alice');
  return { repository, key };
};
const aliceOf = async (repository: TestRepository, corruptions: Record<string, Corruption> = {}) => {
  const facts = await look(repository.publish(corruptions), { roles: ['targets/alice'] });
  const alice = facts.delegations.get('targets/alice');
  if (alice === undefined) return 'absent';
  return isUsable(alice) ? alice : alice.code;
};

describe('a delegation', () => {
  it('is a fact by its own keys and threshold', async () => {
    const { repository, key } = delegated();
    expect(await aliceOf(repository)).toMatchObject({ role: 'targets/alice', version: 1, signedBy: new Set([key.id]) });
  });

  it('is absent where its parent does not list it', async () => {
    const { repository } = delegated();
    repository.draft('targets').delegations.delete('targets/alice');
    expect(await aliceOf(repository)).toBe('absent');
  });

  it.each([
    ['signed by a stranger', { signers: [makeKey()] }, 'TRUST_SIGNATURE'],
    [
      'expired',
      { edit: (body: JsonObject) => Object.assign(body, { expires: '2020-01-01T00:00:00Z' }) },
      'TRUST_EXPIRED',
    ],
    ['missing on the server', { served: () => undefined }, 'TRUST_INCONSISTENT'],
    [
      'altered on the way',
      { served: (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(' ')]) },
      'TRUST_INCONSISTENT',
    ],
    ['of another type', { edit: (body: JsonObject) => Object.assign(body, { _type: 'Root' }) }, 'TRUST_MALFORMED'],
    ['no JSON', { bytes: () => Buffer.from('{') }, 'TRUST_MALFORMED'],
  ] as const)('is unusable, never skipped, when it is %s', async (_, corruption, code) => {
    expect(await aliceOf(delegated().repository, { 'targets/alice': corruption as Corruption })).toBe(code);
  });

  it('is unusable when nothing was published in it', async () => {
    const { repository } = delegated();
    repository.draft('targets/alice').published = false;
    expect(await aliceOf(repository)).toBe('TRUST_NOT_SIGNED');
  });

  it('holds the targets within its paths alone', async () => {
    const { repository, key } = delegated();
    repository
      .draft('targets')
      .delegations.set('targets/alice', { name: 'targets/alice', keys: [key], threshold: 1, paths: ['v1', 'x/'] });
    repository
      .tag('v10', A, 'targets/alice')
      .tag('x', A, 'targets/alice')
      .tag('x/y', A, 'targets/alice')
      .tag('w', A, 'targets/alice');
    expect([...((await aliceOf(repository)) as TargetsFacts).targets.keys()]).toEqual(['v1', 'v10', 'x/y']);
  });

  it('holds nothing when it is given no paths', async () => {
    const { repository, key } = delegated();
    repository
      .draft('targets')
      .delegations.set('targets/alice', { name: 'targets/alice', keys: [key], threshold: 1, paths: [] });
    expect((await aliceOf(repository)) as object).toMatchObject({ targets: new Map() });
  });

  it('below another one holds what both paths allow', async () => {
    const repository = fresh().tag('v1', A);
    repository.delegate('targets/team', { paths: ['v1'] });
    repository.delegate('targets/team/alice', { paths: ['', 'v1.', 'v2'] });
    repository.tag('v1.1', A, 'targets/team', 'targets/team/alice').tag('v2', A, 'targets/team/alice');
    const facts = await look(repository.publish(), { roles: ['targets/team/alice'] });
    const alice = facts.delegations.get('targets/team/alice');
    expect(alice !== undefined && isUsable(alice) && [...alice.targets.keys()]).toEqual(['v1.1']);
  });

  it('is unusable when the one above it is', async () => {
    const repository = fresh().tag('v1', A);
    repository.delegate('targets/team');
    repository.delegate('targets/team/alice');
    repository.tag('v1', A, 'targets/team', 'targets/team/alice').publish({ 'targets/team': { signers: [makeKey()] } });
    const facts = await look(repository, { roles: ['targets/team/alice'] });
    expect(facts.delegations.get('targets/team/alice')).toMatchObject({ code: 'TRUST_SIGNATURE' });
  });

  it('may be known by its SHA-512 alone, and is then fetched by its plain name', async () => {
    const { repository } = delegated();
    const edit = (body: JsonObject) => void delete at(body, 'meta', 'targets/alice', 'hashes')['sha256'];
    expect(await aliceOf(repository, { snapshot: { edit } })).toMatchObject({ role: 'targets/alice' });
  });

  it.each([
    'targets/Alice',
    'targets/a/b',
    'targets/',
    'targets',
    'root',
    'targets/a.b',
    'targets//a',
    'alice',
    `targets/${'a'.repeat(256)}`,
    'targets/../root',
  ])('may not be called %s', async (name) => {
    const { repository } = delegated();
    const edit = (body: JsonObject) => {
      ((body['delegations'] as JsonObject)['roles'] as JsonObject[])[0] = {
        name,
        keyids: [],
        threshold: 1,
        paths: [''],
      };
    };
    repository.publish({ targets: { edit } });
    expect(await codeOf(repository)).toBe('TRUST_MALFORMED');
  });

  it('may be signed by a certificate that has expired, for the role has its own expiry', async () => {
    const repository = fresh().tag('v1', A);
    const key = certify(makeKey(), 'alice', { notBefore: new Date(NOW - 2000), notAfter: new Date(NOW - 1000) });
    repository.delegate('targets/alice', { keys: [key] });
    expect(await aliceOf(repository.tag('v1', A, 'targets/alice'))).toMatchObject({ signedBy: new Set([key.id]) });
  });

  it('may not list a certificate over SHA-1, even beside a good key', async () => {
    const repository = fresh().tag('v1', A);
    const good = makeKey();
    repository.delegate('targets/alice', {
      keys: [good, certify(makeKey('rsa'), 'alice', { digest: 'sha1', now: NOW })],
    });
    repository.tag('v1', A, 'targets/alice');
    expect(await aliceOf(repository, { 'targets/alice': { signers: [good] } })).toBe('TRUST_MALFORMED');
  });
});

describe('names from outside', () => {
  it.each(['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty'])(
    'keep the tag %s apart from what objects inherit',
    async (tag) => {
      expect((await look(signed())).targets.targets.get(tag)).toBeUndefined();
      expect((await look(fresh().tag(tag, A).publish())).targets.targets.get(tag)?.sha256).toBe(A);
    },
  );

  it('do not find a role among what objects inherit', async () => {
    const roles = ['targets/constructor', 'targets/__proto__', 'constructor', '__proto__'];
    expect([...(await look(signed(), { roles })).delegations.keys()]).toEqual([]);
  });
});

describe('a target', () => {
  it.each([
    ['no hashes', {}],
    ['a SHA-512 alone', { sha512: Buffer.alloc(64).toString('base64') }],
    ['an empty SHA-256', { sha256: '' }],
    ['a SHA-256 that is too short', { sha256: 'AAAA' }],
  ])('names no image with %s', async (_, hashes) => {
    const edit = (body: JsonObject) => Object.assign(at(body, 'targets', 'v1'), { hashes });
    expect((await look(signed({ targets: { edit } }))).targets.targets.get('v1')?.sha256).toBeUndefined();
  });
});

describe('signatures', () => {
  it('are over the canonical form of what arrived, whatever its white space and order', async () => {
    const bytes = (honest: Buffer): Buffer => {
      const { signed: body, signatures } = JSON.parse(honest.toString()) as {
        signed: JsonObject;
        signatures: JsonObject[];
      };
      const turned = Object.fromEntries(Object.entries(body).toReversed());
      return Buffer.from(JSON.stringify({ signatures, signed: turned }, null, 3));
    };
    expect(await codeOf(signed({ targets: { bytes } }))).toBe('trusted');
  });

  it('cover fields that nobody knows', async () => {
    const note = { 'x-note': ['é', '<&>', '\u2028', '"\\', null, true, -1] };
    expect(await codeOf(signed({ targets: { edit: (body) => Object.assign(body, note) } }))).toBe('trusted');
    const envelope: Corruption['envelope'] = ({ signed: body }) => void Object.assign(body, note);
    expect(await codeOf(signed({ targets: { envelope } }))).toBe('TRUST_SIGNATURE');
  });

  it('by one key under two names do not meet a threshold of two', async () => {
    const repository = fresh().tag('v1', A);
    const key = repository.roles.targets.keys[0] ?? makeKey();
    const alias = createHash('sha256').update('alias').digest('hex');
    const root: Corruption = {
      edit: (body) => {
        at(body, 'keys')[alias] = at(body, 'keys', key.id);
        at(body, 'roles')['targets'] = { keyids: [key.id, alias], threshold: 2 };
      },
    };
    const targets: Corruption = {
      envelope: (file) => void file.signatures.push({ ...signaturesOf(file.signed, [key])[0], keyid: alias }),
    };
    expect(await codeOf(repository.publish({ root, targets }))).toBe('TRUST_SIGNATURE');
  });
});
