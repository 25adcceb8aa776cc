import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { LIMITS } from '../../functions/limits.ts';
import { makeKey } from '../support/tuf/key.ts';
import { look, NOW, refusalOf } from '../support/tuf/look.ts';
import { type Corruption, TestRepository } from '../support/tuf/repository.ts';

const A = 'aa'.repeat(32);
const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
const KNOWN = ['TRUST_MALFORMED', 'TRUST_TOO_LARGE', 'TRUST_SIGNATURE', 'TRUST_INCONSISTENT', 'TRUST_EXPIRED'];
const signed = (role: string, corruption: Corruption) =>
  new TestRepository({ gun: 'docker.io/library/nginx', now: NOW }).tag('v1', A).publish({ [role]: corruption });
const codeOf = async (repository: TestRepository) => (await refusalOf(look(repository))).code;
const edited = (role: string, edit: (body: JsonObject) => unknown) =>
  codeOf(signed(role, { edit: (body) => void edit(body) }));
const at = (object: JsonObject, ...path: readonly string[]): JsonObject =>
  path.reduce<JsonObject>((value, step) => value[step] as JsonObject, object);

const ODD: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  '',
  'x',
  [],
  {},
  [[]],
  [null],
  { __proto__: null },
  '\u0000',
  'é'.repeat(1000),
];

describe.each(ROLES)('a hostile %s', (role) => {
  it.each([
    '',
    '{',
    'null',
    '[]',
    '0',
    '"x"',
    '{}',
    '{"signed":{},"signatures":[]}',
    '{"signed":null,"signatures":null}',
    '\u0000',
    '{"signed":{}}{}',
  ])('is refused as %s', async (text) => {
    expect(await codeOf(signed(role, { bytes: () => Buffer.from(text) }))).toBe('TRUST_MALFORMED');
  });

  it('is refused or read, never a crash, with any field replaced by any odd value', async () => {
    const template = JSON.parse(signed(role, {}).files.get(role)?.toString() ?? '{}') as { signed: JsonObject };
    for (const name of [...Object.keys(template.signed), 'constructor', 'toString'])
      for (const value of ODD) {
        const code = await edited(role, (body) => {
          body[name] = value;
        });
        expect([...KNOWN, 'trusted'], `${name}: ${JSON.stringify(value)}`).toContain(code);
      }
  });

  it('is refused with signatures of any odd shape', async () => {
    for (const value of ODD) {
      const envelope: Corruption['envelope'] = (file) => Object.assign(file, { signatures: value });
      expect(await codeOf(signed(role, { envelope }))).toBe('TRUST_MALFORMED');
      for (const field of ['keyid', 'method', 'sig']) {
        const one: Corruption['envelope'] = (file) => Object.assign(file.signatures[0] ?? {}, { [field]: value });
        expect(['TRUST_MALFORMED', 'TRUST_SIGNATURE'], `${field}: ${JSON.stringify(value)}`).toContain(
          await codeOf(signed(role, { envelope: one })),
        );
      }
    }
  });

  it('is refused with a look-alike of a known field, for Go would take the last of them', async () => {
    for (const name of ['Version', 'EXPIRES', '_Type', 'expireſ', 'verſion'])
      expect(await edited(role, (body) => Object.assign(body, { [name]: '2086-01-01T00:00:00Z' })), name).toBe(
        'TRUST_MALFORMED',
      );
    for (const name of ['Signed', 'SIGNATURES', 'ſigned']) {
      const envelope: Corruption['envelope'] = (file) => Object.assign(file, { [name]: [] });
      expect(await codeOf(signed(role, { envelope })), name).toBe('TRUST_MALFORMED');
    }
  });

  it('is refused with base64 in another than its one form', async () => {
    for (const spoil of [
      (sig: string) => `${sig}\n`,
      (sig: string) => sig.replaceAll('=', ''),
      (sig: string) => `${sig}=`,
      (sig: string) => ` ${sig}`,
    ]) {
      const envelope: Corruption['envelope'] = (file) => {
        for (const one of file.signatures) one['sig'] = spoil(String(one['sig']));
      };
      expect(await codeOf(signed(role, { envelope }))).toBe('TRUST_MALFORMED');
    }
  });

  it('is refused with more signatures than the limit', async () => {
    const envelope: Corruption['envelope'] = (file) => {
      const [first = {}] = file.signatures;
      file.signatures.push(...Array.from({ length: LIMITS.signaturesPerRole }, () => first));
    };
    expect(await codeOf(signed(role, { envelope }))).toBe('TRUST_TOO_LARGE');
  });
});

describe('a hostile threshold', () => {
  const THRESHOLDS: readonly JsonValue[] = [0, -1, 1.5, '1', null, true, 2 ** 53, [], {}];

  it.each(ROLES)('of %s in root is refused', async (role) => {
    for (const threshold of THRESHOLDS)
      expect(
        await edited('root', (body) => Object.assign(at(body, 'roles', role), { threshold })),
        JSON.stringify(threshold),
      ).toBe('TRUST_MALFORMED');
  });

  it('of a delegation is refused', async () => {
    for (const threshold of THRESHOLDS) {
      const edit = (body: JsonObject) =>
        Object.assign(at(body, 'delegations'), { roles: [{ name: 'targets/a', keyids: [], threshold, paths: [''] }] });
      expect(await edited('targets', edit), JSON.stringify(threshold)).toBe('TRUST_MALFORMED');
    }
  });
});

describe('too much of anything', () => {
  const many = (count: number, make: (index: number) => readonly [string, JsonValue]): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)));

  it('is refused: keys', async () => {
    const key = { keytype: 'ecdsa', keyval: { private: null, public: 'AAAA' } };
    expect(
      await edited('root', (body) =>
        Object.assign(body, { keys: many(LIMITS.keysPerRole + 1, (index) => [`k${index}`, key]) }),
      ),
    ).toBe('TRUST_TOO_LARGE');
  });

  it('is refused: delegations', async () => {
    const roles = Array.from({ length: LIMITS.delegationsPerRole + 1 }, (_, index) => ({
      name: `targets/r${index}`,
      keyids: [],
      threshold: 1,
    }));
    expect(await edited('targets', (body) => Object.assign(at(body, 'delegations'), { roles }))).toBe(
      'TRUST_TOO_LARGE',
    );
  });

  it('is refused: targets', async () => {
    const file = { length: 1, hashes: {} };
    const targets = many(LIMITS.targetsPerRole + 1, (index) => [`t${index}`, file]);
    expect(await edited('targets', (body) => Object.assign(body, { targets }))).toBe('TRUST_TOO_LARGE');
  });

  it('is refused: depth', async () => {
    const nested = JSON.parse('['.repeat(40) + ']'.repeat(40)) as JsonValue;
    expect(await edited('targets', (body) => Object.assign(body, { custom: nested }))).toBe('TRUST_MALFORMED');
  });

  it('is decided in little time: a role name of 50 kB of one character', async () => {
    for (const name of [
      `targets/${'a'.repeat(50_000)}`,
      `targets/${'a/'.repeat(25_000)}`,
      `${'targets/'.repeat(6_000)}!`,
    ]) {
      const edit = (body: JsonObject) =>
        Object.assign(at(body, 'delegations'), { roles: [{ name, keyids: [], threshold: 1, paths: [''] }] });
      expect(await edited('targets', edit)).toBe('TRUST_MALFORMED');
    }
  });

  it('costs one verification a key: many worthless signatures by one name', async () => {
    const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW, kind: 'rsa' }).tag('v1', A);
    const envelope: Corruption['envelope'] = (file) => {
      const [first = {}] = file.signatures;
      for (let count = 0; count < 200; count += 1)
        file.signatures.unshift({ ...first, sig: Buffer.alloc(256, count).toString('base64') });
    };
    expect(await codeOf(repository.publish({ targets: { envelope } }))).toBe('trusted');
  });
});

describe('a root that names keys oddly', () => {
  it('is refused where the place of a private key holds what the Notary client cannot read', async () => {
    const edit = (body: JsonObject): void => {
      for (const key of Object.values(body['keys'] as JsonObject)) {
        Object.assign((key as { keyval: JsonObject }).keyval, { private: '7' });
      }
    };
    expect(await codeOf(signed('root', { edit }))).toBe('TRUST_MALFORMED');
  });

  it('is refused where a role names a key that is not there', async () => {
    for (const id of ['ab'.repeat(32), '__proto__', 'constructor', 'toString'])
      expect(await edited('root', (body) => (at(body, 'roles', 'targets')['keyids'] as JsonValue[]).push(id)), id).toBe(
        'TRUST_MALFORMED',
      );
  });

  it('is refused where a signature is by a key under the name of another', async () => {
    const mallory = makeKey();
    const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW }).tag('v1', A);
    const good = repository.roles.targets.keys[0]?.id ?? '';
    const edit = (body: JsonObject) => {
      at(body, 'keys')[good] = {
        keytype: mallory.keytype,
        keyval: { private: null, public: mallory.value.toString('base64') },
      };
    };
    const envelope: Corruption['envelope'] = (file) => Object.assign(file.signatures[0] ?? {}, { keyid: good });
    const corruptions = { root: { edit }, targets: { signers: [mallory], envelope } };
    expect(await codeOf(repository.publish(corruptions))).toBe('TRUST_SIGNATURE');
  });
});
