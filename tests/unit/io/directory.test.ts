import { mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseReference } from '../../../functions/image/reference.ts';
import { type DirectorySource, openDirectory } from '../../../functions/io/directory.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { silentLog } from '../../../functions/log.ts';
import { selectRule } from '../../../functions/policy/select.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';

const signal = new AbortController().signal;
let folder: TemporaryFolder;
let source: DirectorySource;

beforeEach(async () => {
  folder = await temporaryFolder('directory');
});
afterEach(async () => {
  await source.close();
  await folder.remove();
});

const at = (...parts: string[]): string => join(folder.path, ...parts);
const write = (name: string, text: string): Promise<void> => writeFile(at(name), text);
/** Opens the folder; it looks by itself at notices of the system, and here also when a test asks for it. */
const open = async (path = folder.path): Promise<void> => {
  source = await openDirectory(path, { log: silentLog, clock: { now: () => 0 }, poll: 60_000 });
};
const problems = (): string => source.readiness().problems.join('\n');

const policy = (name: string, pattern: string, namespace = 'team'): string => `
apiVersion: portieris.cloud.ibm.com/v1
kind: ImagePolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: { repositories: [{ name: "${pattern}", policy: {} }] }
`;
function admits(image: string, namespace = 'team'): boolean {
  const reference = parseReference(image);
  const snapshot = source.current();
  if (!reference.ok || snapshot === undefined) return false;
  const rule = selectRule(snapshot, namespace, reference.value);
  return rule.ok && rule.value.requirements.length === 0;
}

describe('a directory', () => {
  it('holds what its YAML and JSON files hold, in folders too, one object or many a file, and lists', async () => {
    await write('a.yaml', `${policy('a', 'a.example/*')}---${policy('b', 'b.example/*')}`);
    await mkdir(at('deep', 'er'), { recursive: true });
    await write('deep/er/c.yml', policy('c', 'c.example/*'));
    const item = {
      apiVersion: 'portieris.cloud.ibm.com/v1',
      kind: 'ImagePolicy',
      metadata: { name: 'd', namespace: 'team' },
      spec: { repositories: [{ name: 'd.example/*', policy: {} }] },
    };
    await write('list.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item] }));
    await write('README.md', 'not a manifest: {{{');
    await open();
    expect(source.readiness()).toEqual({ ready: true, problems: [] });
    for (const host of ['a', 'b', 'c', 'd']) expect(admits(`${host}.example/x:1`)).toBe(true);
  });

  it('counts a change, a new file and a removal without being asked', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await open();
    await write('a.yaml', policy('a', 'z.example/*'));
    await expect.poll(() => admits('z.example/x:1')).toBe(true);
    expect(admits('a.example/x:1')).toBe(false);
    await write('b.yaml', policy('b', 'b.example/*'));
    await expect.poll(() => admits('b.example/x:1')).toBe(true);
    await unlink(at('a.yaml'));
    await expect.poll(() => admits('z.example/x:1')).toBe(false);
  });

  it('follows a rename and a file that is put in place of another', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await open();
    await rename(at('a.yaml'), at('b.yaml'));
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
    await write('new', policy('a', 'n.example/*'));
    await rename(at('new'), at('b.yaml'));
    await expect.poll(() => admits('n.example/x:1')).toBe(true);
    expect(problems()).toBe('');
  });

  it('follows a volume of Kubernetes, whose ..data is swapped as a whole', async () => {
    await mkdir(at('..one'));
    await mkdir(at('..two'));
    await write('..one/policy.yaml', policy('a', 'a.example/*'));
    await write('..two/policy.yaml', policy('a', 'b.example/*'));
    await symlink('..one', at('..data'));
    await symlink('..data/policy.yaml', at('policy.yaml'));
    await open();
    expect(admits('a.example/x:1')).toBe(true);
    await symlink('..two', at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    await expect.poll(() => admits('b.example/x:1')).toBe(true);
    expect(admits('a.example/x:1')).toBe(false);
  });

  it('follows a link of a volume to a folder, and misses it when it is gone', async () => {
    await mkdir(at('..one', 'sub'), { recursive: true });
    await write('..one/sub/policy.yaml', policy('a', 'a.example/*'));
    await symlink('..one', at('..data'));
    await symlink('..data/sub', at('sub'));
    await open();
    expect(admits('a.example/x:1')).toBe(true);
    await unlink(at('sub'));
    await expect.poll(() => admits('a.example/x:1')).toBe(false);
  });

  it('goes on with a directory, or a folder in it, that is put in place of another of its name, and follows that one', async () => {
    for (const name of ['one', 'two', 'one/f', 'two/f']) await mkdir(at(name));
    await write('one/f/a.yaml', policy('a', 'a.example/*'));
    await write('two/f/a.yaml', policy('a', 'b.example/*'));
    await open(at('one'));
    await rename(at('one'), at('old'));
    await rename(at('two'), at('one'));
    await source.refresh();
    expect(admits('b.example/x:1')).toBe(true);
    await write('one/f/a.yaml', policy('a', 'c.example/*'));
    await expect.poll(() => admits('c.example/x:1')).toBe(true);
    await rename(at('one', 'f'), at('f'));
    await expect.poll(() => admits('c.example/x:1')).toBe(false);
    await rename(at('old', 'f'), at('one', 'f'));
    await expect.poll(() => admits('a.example/x:1')).toBe(true);
    await write('one/f/a.yaml', policy('a', 'd.example/*'));
    await expect.poll(() => admits('d.example/x:1')).toBe(true);
  });

  it('finds by looking again what the system gives no notice of, and follows it from then on', async () => {
    for (const name of ['one', 'two']) await mkdir(at(name));
    await write('one/a.yaml', policy('a', 'a.example/*'));
    await write('two/a.yaml', policy('a', 'b.example/*'));
    await symlink('one', at('link'));
    source = await openDirectory(at('link'), { log: silentLog, clock: { now: () => 0 }, poll: 20 });
    await symlink('two', at('next'));
    await rename(at('next'), at('link'));
    await expect.poll(() => admits('b.example/x:1')).toBe(true);
    await write('two/a.yaml', policy('a', 'c.example/*'));
    await expect.poll(() => admits('c.example/x:1')).toBe(true);
  });

  it('compiles nothing anew of what did not change', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await write('b.yaml', `${policy('b', 'b.example/*', 'other')}---${policy('c', 'c.example/*', 'third')}`);
    await open();
    const rules = (namespace: string) => source.current()?.rulesFor(namespace).rules;
    const before = rules('other');
    await write('a.yaml', policy('a', 'z.example/*'));
    await expect.poll(() => admits('z.example/x:1')).toBe(true);
    expect(rules('other')).toBe(before);
    await write('c.yaml', policy('d', 'd.example/*', 'fourth'));
    await source.refresh();
    expect(rules('other')).toBe(before);
  });

  it('keeps its snapshot where a look finds nothing new', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await open();
    const before = source.current();
    await write('README.md', 'none of ours');
    await source.refresh();
    await source.refresh();
    expect(source.current()).toBe(before);
  });

  it('never lacks an object that is moved from one file to another while it looks', async () => {
    const both = [policy('a', 'a.example/*'), policy('b', 'b.example/*')].join('---');
    await write('a.yaml', both);
    await write('b.yaml', policy('c', 'c.example/*'));
    await open();
    for (let turn = 0; turn < 20; turn += 1) {
      const [from, to] = turn % 2 === 0 ? ['a.yaml', 'b.yaml'] : ['b.yaml', 'a.yaml'];
      await write('next', `${policy('c', 'c.example/*')}---${both}`);
      await rename(at('next'), at(to));
      await write('next', policy('d', `d${turn}.example/*`));
      await rename(at('next'), at(from));
      while (!admits(`d${turn}.example/x:1`)) {
        expect(admits('a.example/x:1')).toBe(true);
        await setImmediate();
      }
      expect(admits('a.example/x:1')).toBe(true);
      await write('next', policy('c', 'c.example/*'));
      await rename(at('next'), at(from));
      await source.refresh();
    }
  });

  it('follows no other symbolic link: it could lead anywhere', async () => {
    await write('secret.txt', policy('a', 'a.example/*'));
    await symlink(at('secret.txt'), at('link.yaml'));
    await open();
    expect(source.readiness().ready).toBe(false);
    expect(problems()).toContain('link.yaml is a symbolic link');
  });

  it('is not ready at the start while any file has a mistake, names every mistake with its place and remedy, and is once they are corrected', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await write('b.yaml', 'apiVersion: v1\nkind: [');
    await write('c.yaml', '- 1\n- 2\n');
    await write('d.yaml', 'kind: ImagePolicy\nmetadata: {}\n');
    await write('e.json', '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "%%%"}}');
    await open();
    expect(source.readiness().ready).toBe(false);
    expect(source.current()).toBeUndefined();
    expect(problems()).toMatch(/^b\.yaml:2:\d+ .*correct the YAML$/m);
    expect(problems()).toMatch(/^c\.yaml:1:1 .*write apiVersion, kind and metadata$/m);
    expect(problems()).toMatch(/^d\.yaml:1:1 has no apiVersion; name the API version$/m);
    expect(problems()).toMatch(/^d\.yaml:2:\d+ has no metadata\.name; give it a name$/m);
    expect(problems()).toMatch(/^e\.json:1:\d+ data\.k of the Secret is not base64; encode it/m);
    await Promise.all(['b.yaml', 'c.yaml', 'd.yaml', 'e.json'].map((name) => unlink(at(name))));
    await source.refresh();
    expect(source.readiness()).toEqual({ ready: true, problems: [] });
  });

  it('keeps what a file held when a mistake gets into it later, says so, and goes on with the others', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await write('b.yaml', policy('b', 'b.example/*'));
    await open();
    await write('a.yaml', 'kind: {');
    await write('b.yaml', policy('b', 'c.example/*'));
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
    expect(admits('c.example/x:1')).toBe(true);
    expect(source.readiness().ready).toBe(true);
    expect(problems()).toContain('a.yaml:1');
  });

  it('does not take a file that is empty for a moment for one whose policies are gone', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await open();
    await write('a.yaml', '');
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
    expect(problems()).toContain('delete the file to remove it');
  });

  it('names an object that stands in two files, and counts the one that was there before', async () => {
    await write('b.yaml', policy('a', 'a.example/*'));
    await open();
    await write('a.yaml', policy('a', 'evil.example/*'));
    await source.refresh();
    expect(problems()).toContain('stands in a.yaml:2 too; keep one of them');
    expect(admits('a.example/x:1')).toBe(true);
    expect(admits('evil.example/x:1')).toBe(false);
  });

  it('refuses images under a policy that is not valid, names the field, and goes on with the others', async () => {
    await write('a.yaml', policy('a', 'a.example/*'));
    await write(
      'b.yaml',
      'apiVersion: portieris.cloud.ibm.com/v1\nkind: ImagePolicy\nmetadata: { name: b, namespace: other }\nspec: { repositories: [{ name: 7 }] }\n',
    );
    await open();
    expect(source.readiness().ready).toBe(true);
    expect(source.current()?.problems).toMatchObject([{ field: 'spec.repositories[0].name' }]);
    expect(admits('a.example/x:1')).toBe(true);
    expect(admits('a.example/x:1', 'other')).toBe(false);
  });

  it.each<[string, string, RegExp]>([
    [
      'aliases without end',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`)
        .join('\n')}`,
      /a\.yaml:1:1/,
    ],
    ['nesting beyond the stack', '['.repeat(100_000), /a\.yaml:1/],
    ['control characters', '\u0000\u0001', /a\.yaml:1/],
    ['a tag of another language', 'apiVersion: !!js/function "x"\nkind: A\nmetadata: {name: a}', /./],
  ])('outlives %s', async (_, text, said) => {
    await write('a.yaml', text);
    await open();
    expect(problems() || 'nothing').toMatch(said);
    await write('a.yaml', policy('a', 'a.example/*'));
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
  });

  it.each<[string, Buffer]>([
    ['Latin-1', Buffer.from(policy('a\u00e9', 'a.example/*'), 'latin1')],
    ['UTF-16', Buffer.from(`\ufeff${policy('a', 'a.example/*')}`, 'utf16le')],
    ['overlong UTF-8', Buffer.concat([Buffer.from(policy('a', 'a.example/*')), Buffer.from([0xc0, 0xaf])])],
  ])('names a file in %s, and reads it once it is UTF-8, with a byte order mark or without', async (_, bytes) => {
    await writeFile(at('a.yaml'), bytes);
    await open();
    expect(source.readiness().ready).toBe(false);
    expect(problems()).toBe('a.yaml is not UTF-8; save it in that encoding');
    await write('a.yaml', `\ufeff${policy('a', 'a.example/*')}`);
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
  });

  it('reads no file that is too large, and says so', async () => {
    await write('a.yaml', `#${'x'.repeat(LIMITS.manifestBytes)}`);
    await open();
    expect(problems()).toMatch(/a\.yaml is larger than \d+ bytes; split it/);
  });

  it('waits for a directory that is not there yet, and keeps what it knew of one that goes', async () => {
    await open(at('later'));
    expect(source.readiness().ready).toBe(false);
    expect(problems()).toContain('does not exist; create it, or correct the path');
    await mkdir(at('later'));
    await write('later/a.yaml', policy('a', 'a.example/*'));
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
    await rm(at('later'), { recursive: true });
    await source.refresh();
    expect(admits('a.example/x:1')).toBe(true);
    expect(problems()).toContain('does not exist');
  });

  it.each(['__proto__', 'constructor', 'toString'])('may call an object %s', async (name) => {
    await write('a.yaml', policy(name, 'a.example/*', name));
    await open();
    expect(admits('a.example/x:1', name)).toBe(true);
    expect(await source.secret(name, name, signal)).toBeUndefined();
  });
});

describe('the objects beside the policies', () => {
  it('are Secrets with their values decoded, ServiceAccounts, and owners that have a UID', async () => {
    await write(
      'all.yaml',
      `
apiVersion: v1
kind: Secret
metadata: { name: s, namespace: team }
type: Opaque
data: { a: aGVsbG8= }
stringData: { b: text }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: sa, namespace: team }
imagePullSecrets: [{ name: pull }]
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: web, namespace: team, uid: u1 }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: nobody, namespace: team }
`,
    );
    await open();
    const secret = await source.secret('team', 's', signal);
    expect([...(secret?.data ?? [])].map(([name, value]) => [name, Buffer.from(value).toString()])).toEqual([
      ['a', 'hello'],
      ['b', 'text'],
    ]);
    expect(await source.secret('other', 's', signal)).toBeUndefined();
    expect(await source.pullSecretsOf('team', 'sa', signal)).toEqual(['pull']);
    const owner = (name: string) =>
      source.owner('team', { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: 'u1' }, signal);
    expect(await owner('web')).toMatchObject({ metadata: { uid: 'u1' } });
    expect(await owner('nobody')).toBeUndefined();
  });
});
