import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../functions/io/manifest.ts';

/** Files of objects as an enemy, or a tired hand, would write them. */

const said = (text: string): string[] =>
  parseManifest(text).mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
const account = (name: string): string => `apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: "${name}" }\n`;

describe('a file of objects', () => {
  it('names all its mistakes at once, each with its line, its field and a remedy', () => {
    const text = [
      'kind: Secret',
      'metadata: { name: a }',
      '---',
      'apiVersion: v1',
      'kind: Secret',
      'metadata: { name: b }',
      'data:',
      '  good: YQ==',
      '  bad: "%%%"',
      '  number: 7',
      '---',
      'just a text',
      '---',
      'apiVersion: v1',
      'kind: Pod',
      '---',
      'apiVersion: [v1',
      'kind: x: y',
    ].join('\n');
    const mistakes = said(text);
    expect(mistakes).toContainEqual(expect.stringMatching(/^1:1 has no apiVersion; name the API version$/));
    expect(mistakes).toContainEqual(expect.stringMatching(/^9:8 data\.bad of the Secret is not base64; /));
    expect(mistakes).toContainEqual(expect.stringMatching(/^10:11 data\.number of the Secret is not base64; /));
    expect(mistakes).toContainEqual(expect.stringMatching(/^12:1 is not an object; write apiVersion/));
    expect(mistakes).toContainEqual(expect.stringMatching(/^14:1 has no metadata\.name; give it a name$/));
    expect(mistakes.some((mistake) => /^1[78]:\d+ .*correct the YAML$/.test(mistake))).toBe(true);
  });

  it('never quotes what it holds: a value may be a password', () => {
    for (const text of [
      'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: "hunter2!"}\n',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: [hunter2]}\n',
      'stringData: {password: hunter2: hunter2}\n',
      'stringData:\n  password: hunter2\n bad: hunter2\n',
      'password: "hunter2\n',
      'a: *hunter2\n',
      'a: !hunter2 b\napiVersion: v1\n',
      'hunter2: 1\nhunter2: 2\n',
    ]) {
      expect(said(text), text).not.toEqual([]);
      expect(said(text).join('\n'), text).not.toContain('hunter2');
    }
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'takes %s as a name like any other, wherever it stands',
    (name) => {
      const { objects, mistakes } = parseManifest(
        `${account(name)}---\napiVersion: v1\nkind: Secret\nmetadata: { name: a, "${name}": { polluted: yes } }\ndata: { "${name}": YQ== }\n`,
      );
      expect(mistakes).toEqual([]);
      expect(objects.map(({ identity }) => identity.name)).toEqual([name, 'a']);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it.each<[string, string]>([
    ['a kind that is only inherited', '{"__proto__": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}}'],
    ['a number for a name', 'apiVersion: v1\nkind: Pod\nmetadata: { name: 7 }'],
    ['a list for metadata', 'apiVersion: v1\nkind: Pod\nmetadata: [name]'],
    ['a map for a kind', 'apiVersion: v1\nkind: { a: b }\nmetadata: { name: a }'],
    ['a list within a list', 'apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: List, items: [] }]'],
    ['a number among the items', 'apiVersion: v1\nkind: List\nitems: [7]'],
    ['the same object twice', `${account('a')}---\n${account('a')}`],
    [
      'the same object in a list and beside it',
      `${account('a')}---\napiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: ServiceAccount, metadata: { name: a } }]`,
    ],
    ['a key twice', 'apiVersion: v1\nkind: Pod\nkind: Secret\nmetadata: { name: a }'],
    ['an alias to nothing', 'a: *nobody'],
    ['an alias to itself', 'a: &a [*a]'],
    ['data that is a list', 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata: [a]'],
  ])('is refused with a place and a remedy for %s', (_, text) => {
    const mistakes = said(text);
    expect(mistakes).not.toEqual([]);
    for (const mistake of mistakes) expect(mistake).toMatch(/^\d+:\d+ .+; .+/);
  });

  it.each<[string, string]>([
    [
      'a laugh by aliases',
      `a0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`).join('\n')}`,
    ],
    [
      'maps that merge themselves',
      `a0: &a0 { k: v }\n${Array.from({ length: 40 }, (_, at) => `a${at + 1}: &a${at + 1} { l: *a${at}, r: *a${at}, <<: *a${at} }`).join('\n')}`,
    ],
    ['brackets without end', '['.repeat(50_000)],
    ['dashes without end', '- '.repeat(2_000)],
    ['a key as long as the file', 'k'.repeat(1_000_000)],
    ['documents without end', '---\n'.repeat(20_000)],
  ])('is done with in little time for %s', (_, text) => {
    expect(parseManifest(text).objects).toEqual([]);
  });

  it('has no objects to give where nothing but comments stand', () => {
    for (const text of ['', '\n', '# nothing\n', '---\n---\n', 'null\n'])
      expect(parseManifest(text)).toEqual({ objects: [], mistakes: [] });
  });
});
