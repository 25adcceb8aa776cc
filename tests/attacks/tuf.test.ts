import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../functions/json.ts';
import { makeKey } from '../support/tuf/key.ts';
import type { Corruption, TestRepository } from '../support/tuf/repository.ts';
import { policy, trusted, World } from './world.ts';

const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)];
const GUN = 'docker.io/library/nginx';
const DAY = 24 * 3600 * 1000;

let world: World;
let repository: TestRepository;
beforeEach(() => {
  world = new World();
  world.policies = [policy('default', [trusted('docker.io/*')])];
  repository = world.repository(GUN).tag('v1', A).publish();
});

const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
/** The code of the refusal after one role was spoiled, or undefined where the pod was admitted. */
const refusal = async (role: string, corruption: Corruption): Promise<string | undefined> => {
  repository.publish({ root: {}, [role]: corruption });
  world.restart();
  const { allowed, message } = await world.pod(['nginx:v1']);
  expect(allowed ? '' : message).toMatch(allowed ? /^$/ : /TRUST_[A-Z_]+/);
  return allowed ? undefined : /TRUST_[A-Z_]+/.exec(message)?.[0];
};

describe('attacks on The Update Framework', () => {
  it.each(ROLES)('arbitrary software: refuses a %s that a stranger signed', async (role) => {
    expect(await refusal(role, { signers: [makeKey()] })).toBe('TRUST_SIGNATURE');
  });

  it.each(ROLES)('freeze: refuses a %s that has expired', async (role) => {
    const expires = new Date(world.now - 1000).toISOString();
    expect(await refusal(role, { edit: (body) => void Object.assign(body, { expires }) })).toBe('TRUST_EXPIRED');
  });

  it.each(['timestamp', 'snapshot', 'targets'] as const)(
    'rollback: refuses a %s below the version that was seen',
    async (role) => {
      for (let version = 0; version < 5; version += 1) repository.publish();
      expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
      expect(await refusal(role, { edit: (body) => void Object.assign(body, { version: 2 }) })).toBe('TRUST_ROLLBACK');
    },
  );

  it.each([2 ** 53, Number.MAX_SAFE_INTEGER + 2, 0, -1, 1.5, '7', null])(
    'lock-out: refuses a version of %s',
    async (version) => {
      // What canonical JSON has no form for can't be signed, so it is put in afterwards.
      const bytes = (honest: Buffer): Buffer => {
        const envelope = JSON.parse(honest.toString('utf8')) as { signed: JsonObject };
        envelope.signed['version'] = version;
        return Buffer.from(JSON.stringify(envelope));
      };
      const edit = (body: JsonObject): void => void Object.assign(body, { version });
      const signable = !(typeof version === 'number') || Number.isSafeInteger(version);
      expect(await refusal('targets', signable ? { edit } : { bytes })).toBe('TRUST_MALFORMED');
    },
  );

  it.each([0, -1, 0.5, '1', null])('threshold: refuses a root that asks for %s signatures', async (threshold) => {
    const bytes = (honest: Buffer): Buffer => {
      const envelope = JSON.parse(honest.toString('utf8')) as { signed: { roles: { targets: JsonObject } } };
      envelope.signed.roles.targets['threshold'] = threshold;
      return Buffer.from(JSON.stringify(envelope));
    };
    expect(await refusal('root', { bytes })).toMatch(/TRUST_(MALFORMED|SIGNATURE)/);
  });

  it('threshold: counts one key under two IDs once', async () => {
    const [key] = repository.roles.targets.keys;
    if (key === undefined) throw new Error('the repository has a targets key');
    repository.roles.targets.threshold = 2;
    const again = { ...key, id: 'ef'.repeat(32) };
    repository.roles.targets.keys.push(again);
    expect(await refusal('targets', { signers: [key, again] })).toBeDefined();
  });

  it('algorithm: refuses a signature whose method is not of its key', async () => {
    const envelope: Corruption['envelope'] = ({ signatures }) => {
      for (const one of signatures) one['method'] = 'rsapss';
    };
    expect(await refusal('targets', { envelope })).toBe('TRUST_SIGNATURE');
  });

  it('mix and match: refuses a snapshot with the targets of another one', async () => {
    const old = repository.files.get('targets');
    repository.tag('v1', B).publish();
    world.onFetch = (_address, { role }) => (role === 'targets' ? old : 'honest');
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: false });
  });

  it('expiry: reads nanoseconds and offsets exactly, and refuses what is no time', async () => {
    const soon = new Date(world.now + DAY).toISOString().replace('Z', '');
    const give = (expires: string) => refusal('targets', { edit: (body) => void Object.assign(body, { expires }) });
    expect(await give(`${soon}456789+23:00`)).toBeUndefined();
    expect(await give(`${soon}456789+23:59`)).toBeUndefined();
    expect(await give(new Date(world.now + 3600_000).toISOString().replace('Z', '+02:00'))).toBe('TRUST_EXPIRED');
    for (const expires of ['', 'never', '2099-13-01T00:00:00Z', '2099-01-01', '9'.repeat(30)])
      expect(await give(expires)).toBe('TRUST_MALFORMED');
  });

  it('silent fall: refuses a tag of targets where the releases role has expired or lost its signature', async () => {
    repository.addSigner('alice');
    repository.tag('v1', B, 'targets/releases');
    const expires = new Date(world.now - 1000).toISOString();
    expect(await refusal('targets/releases', { edit: (body) => void Object.assign(body, { expires }) })).toBe(
      'TRUST_EXPIRED',
    );
    expect(await refusal('targets/releases', { signers: [makeKey()] })).toBe('TRUST_SIGNATURE');
    expect(await refusal('targets/releases', { served: () => undefined })).toBeDefined();
  });

  it('delegation: a role cannot sign outside of the paths it was given', async () => {
    repository.delegate('targets/releases', { paths: ['dev-'] });
    repository.tag('v2', B, 'targets/releases').publish({ root: {} });
    expect(await world.pod(['nginx:v2'])).toMatchObject({ allowed: false });
  });

  it('replay: the file of another role or repository is not this one', async () => {
    const other = world.repository('docker.io/library/other').tag('v1', B).publish();
    for (const role of ROLES) {
      world.restart();
      world.onFetch = (_address, file) => (file.role === role ? other.files.get(role) : 'honest');
      expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: false });
      world.onFetch = (_address, file) => (file.role === role ? repository.files.get('snapshot') : 'honest');
      world.restart();
      const { allowed } = await world.pod(['nginx:v1']);
      expect(allowed).toBe(role === 'snapshot');
    }
  });

  it('a dead server leaves no way but what is cached and unexpired', async () => {
    await world.pod(['nginx:v1']);
    world.onFetch = () => {
      throw new Error('no answer');
    };
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: true });
    world.now += 30 * DAY;
    expect(await world.pod(['nginx:v1'])).toMatchObject({ allowed: false });
  });

  it('names of the language are names like any other', async () => {
    for (const tag of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(await world.pod([`nginx:${tag}`])).toMatchObject({ allowed: false });
  });
});
