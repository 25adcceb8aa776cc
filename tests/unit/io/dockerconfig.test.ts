import { describe, expect, it } from 'vitest';
import { parsePullSecret } from '../../../functions/io/dockerconfig.ts';
import { credentialsFor } from '../../../functions/io/registrykey.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const secretOf = (type: string, field: string, content: unknown) => ({
  namespace: 'ns',
  name: 'pull',
  type,
  data: new Map([[field, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))]]),
});
const json = (auths: unknown) => secretOf('kubernetes.io/dockerconfigjson', '.dockerconfigjson', { auths });
const cfg = (auths: unknown) => secretOf('kubernetes.io/dockercfg', '.dockercfg', auths);
const entryOf = (user: string) => ({ auth: base64(`${user}:password`) });
/** User names given for an image, out of entries by key; the user's name is the key. */
const usersFor = (registry: string, repository: string, ...keys: string[]) => {
  const { entries } = parsePullSecret(
    json(Object.fromEntries(keys.map((key) => [key, { username: `u ${key}`.replaceAll(':', ';'), password: 'p' }]))),
  );
  return credentialsFor(registry, repository, entries).map(({ username }) => username.slice(2).replaceAll(';', ':'));
};

describe('a pull secret', () => {
  it('is read in both types', () => {
    for (const secret of [json({ 'us.icr.io': entryOf('a') }), cfg({ 'us.icr.io': entryOf('a') })]) {
      const { entries, problems } = parsePullSecret(secret);
      expect(problems).toEqual([]);
      expect(entries).toEqual([
        {
          key: { host: 'us.icr.io', path: '' },
          credential: { username: 'a', password: 'password', identityToken: undefined },
        },
      ]);
    }
  });

  it.each<[string, unknown, unknown]>([
    ['auth with colons in the password', { auth: base64('iamapikey:a:b') }, { username: 'iamapikey', password: 'a:b' }],
    ['auth in UTF-8', { auth: base64('jürgen:pässwörd') }, { username: 'jürgen', password: 'pässwörd' }],
    ['auth without padding', { auth: base64('a:bc').replaceAll('=', '') }, { username: 'a', password: 'bc' }],
    ['auth with zero bytes at the end', { auth: base64('a:b\0\0') }, { username: 'a', password: 'b' }],
    ['username and password', { username: 'a', password: 'b' }, { username: 'a', password: 'b' }],
    [
      'auth before username and password',
      { username: 'x', password: 'y', auth: base64('a:b') },
      { username: 'a', password: 'b' },
    ],
    ['an identity token alone', { identitytoken: 'tok' }, { username: '', password: '', identityToken: 'tok' }],
    [
      'an identity token with auth',
      { auth: base64('<token>:'), identitytoken: 'tok' },
      { username: '<token>', password: '', identityToken: 'tok' },
    ],
  ])('may hold %s', (_name, entry, expected) => {
    const { entries, problems } = parsePullSecret(json({ host: entry }));
    expect(problems).toEqual([]);
    expect(entries[0]?.credential).toEqual({ identityToken: undefined, ...(expected as object) });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a string', 'hunter2'],
    ['nothing', {}],
    ['a user without a password', { username: 'a' }],
    ['auth without a colon', { auth: base64('hunter2') }],
    ['auth that is not base64', { auth: 'hunter2!' }],
    ['auth that is not UTF-8', { auth: Buffer.from([0x61, 0x3a, 0xff, 0xfe]).toString('base64') }],
    ['a number for auth', { auth: 5 }],
    ['a user name with a colon', { username: 'a:b', password: 'hunter2' }],
  ])('with a broken entry (%s) keeps the others and says so without a secret', (_name, entry) => {
    const { entries, problems } = parsePullSecret(json({ 'bad.example': entry, 'good.example': entryOf('a') }));
    expect(entries.map(({ key }) => key.host)).toEqual(['good.example']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('ns/pull');
    expect(problems[0]).toContain('bad.example');
    expect(problems[0]).not.toContain('hunter2');
  });

  it.each([
    'https://user:hunter2@host/',
    'hunter2 hunter2',
    '',
    'host:port',
    'host:123456',
    '[::1',
    'a/b?hunter2',
    'x'.repeat(2000),
  ])('does not show a name that is not a registry: %s', (name) => {
    const { entries, problems } = parsePullSecret(json({ [name]: entryOf('a') }));
    expect(entries).toEqual([]);
    expect(problems[0]).toContain('whose name is not that of a registry');
    expect(problems[0]).not.toContain('hunter2');
  });

  it.each([
    ['another type', secretOf('Opaque', '.dockerconfigjson', {}), 'type Opaque'],
    ['no field', secretOf('kubernetes.io/dockercfg', 'other', {}), 'no field .dockercfg'],
    ['text that is not JSON', secretOf('kubernetes.io/dockercfg', '.dockercfg', '{"hunter2'), 'not JSON'],
    ['a list', secretOf('kubernetes.io/dockercfg', '.dockercfg', []), 'not a JSON object'],
    ['auths that are a list', json([]), 'auths that is not an object'],
    [
      'more than 1 MiB',
      secretOf('kubernetes.io/dockercfg', '.dockercfg', `{"a":"${'x'.repeat(1024 * 1024)}"}`),
      '1048576 bytes',
    ],
    ['deep nesting', secretOf('kubernetes.io/dockercfg', '.dockercfg', '['.repeat(500_000)), 'not JSON'],
  ])('with %s holds nothing and says so', (_name, secret, words) => {
    const { entries, problems } = parsePullSecret(secret);
    expect(entries).toEqual([]);
    expect(problems[0]).toContain(words);
    expect(problems[0]).not.toContain('hunter2');
  });

  it('without auths holds nothing, and that is no problem', () => {
    const secret = secretOf('kubernetes.io/dockerconfigjson', '.dockerconfigjson', { credsStore: 'x' });
    expect(parsePullSecret(secret)).toEqual({ entries: [], problems: [] });
  });

  it('may name reserved words', () => {
    const text = '{"__proto__":{"auth":"YTpi"},"constructor":{"auth":"YTpi"},"good.example":{"auth":"YTpi"}}';
    const { entries } = parsePullSecret(secretOf('kubernetes.io/dockercfg', '.dockercfg', text));
    expect(entries.map(({ key }) => key.host)).toEqual(['__proto__', 'constructor', 'good.example']);
  });

  it('is read up to its bound of entries', () => {
    const many = Object.fromEntries(Array.from({ length: 1100 }, (_, index) => [`h${index}.example`, entryOf('a')]));
    const { entries, problems } = parsePullSecret(json(many));
    expect(entries).toHaveLength(1024);
    expect(problems).toEqual([expect.stringContaining('1100 entries')]);
  });
});

describe('a credential', () => {
  it.each([
    'https://index.docker.io/v1/',
    'https://index.docker.io/v1',
    'http://index.docker.io/v1/',
    'https://index.docker.io/v2/',
    'index.docker.io/v1/',
    'index.docker.io',
    'docker.io',
    'Docker.IO',
    'https://docker.io/',
    'registry-1.docker.io',
    'docker.io/library',
    'https://index.docker.io/v1/library/nginx',
  ])('under %s is for Docker Hub', (key) => {
    expect(usersFor('docker.io', 'library/nginx', key)).toEqual([key]);
    expect(usersFor('quay.io', 'library/nginx', key)).toEqual([]);
  });

  it.each([
    'evildocker.io',
    'docker.io.evil.com',
    'docker.io.',
    'docker.io:443',
    'evil.com/docker.io',
    'sub.docker.io',
    '*.docker.io',
    'docker.io/libraryx',
    'docker.io/lib',
    'dockerXio',
  ])('under %s is not', (key) => {
    expect(usersFor('docker.io', 'library/nginx', key)).toEqual([]);
  });

  it.each([
    'evildocker.io',
    'docker.io.evil.com',
    'docker.io.',
    'docker.io:443',
    'sub.docker.io',
    'docker.i',
    'xdocker.io',
  ])('of Docker Hub is not for %s', (registry) => {
    expect(usersFor(registry, 'library/nginx', 'docker.io', 'https://index.docker.io/v1/')).toEqual([]);
  });

  it('is for its port', () => {
    expect(usersFor('host:5000', 'a', 'host:5000', 'host', 'host:5001')).toEqual(['host:5000']);
    expect(usersFor('host', 'a', 'host:5000', 'https://host/')).toEqual(['https://host/']);
    expect(usersFor('[::1]:5000', 'a', '[::1]:5000')).toEqual(['[::1]:5000']);
  });

  it.each([
    ['*.icr.io', 'us.icr.io', true],
    ['*.icr.io', 'icr.io', false],
    ['*.icr.io', 'a.us.icr.io', false],
    ['*.icr.io', 'us.icr.io.evil.com', false],
    ['*.icr.io', 'us.evilicr.io', false],
    ['*.*.icr.io', 'a.us.icr.io', true],
    ['reg*.example', 'registry.example', true],
    ['r*g*y.example', 'registry.example', true],
    ['*y.example', 'registry.example', true],
    ['*g*g*.example', 'registry.example', false],
    ['aa*aa.example', 'aaa.example', false],
    ['*.icr.io:443', 'us.icr.io', false],
    ['*', 'us.icr.io', false],
  ])('under %s for %s: %s', (key, registry, fits) => {
    expect(usersFor(registry, 'a', key)).toEqual(fits ? [key] : []);
  });

  it('is for the path at a slash', () => {
    expect(usersFor('quay.io', 'team/app', 'quay.io/team')).toHaveLength(1);
    expect(usersFor('quay.io', 'team/app', 'quay.io/team/')).toHaveLength(1);
    expect(usersFor('quay.io', 'team/app', 'quay.io/team/app')).toHaveLength(1);
    expect(usersFor('quay.io', 'teams/app', 'quay.io/team')).toEqual([]);
    expect(usersFor('quay.io', 'team/app', 'quay.io/team/app/x')).toEqual([]);
  });

  it('comes most specific first, then in the order of the Secrets', () => {
    expect(
      usersFor(
        'us.icr.io',
        'team/app',
        '*.icr.io',
        'us.icr.io',
        '*.icr.io/team',
        'us.icr.io/team/app',
        'us.icr.io/team',
      ),
    ).toEqual(['us.icr.io/team/app', 'us.icr.io/team', 'us.icr.io', '*.icr.io/team', '*.icr.io']);
    expect(usersFor('host', 'a', 'https://host/', 'host')).toEqual(['https://host/', 'host']);
  });

  it('is tried once, and not more than sixteen are', () => {
    const same = parsePullSecret(json({ host: entryOf('a'), 'https://host': entryOf('a') }));
    expect(credentialsFor('host', 'a', same.entries)).toHaveLength(1);
    const many = Array.from({ length: 40 }, (_, index) => `host/${'a/'.repeat(index)}`);
    expect(usersFor('host', 'a/'.repeat(50), ...many)).toHaveLength(16);
  });
});
