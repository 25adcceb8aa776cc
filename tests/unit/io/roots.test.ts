import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRoots } from '../../../functions/io/roots.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'roots-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string) => {
  const file = join(folder, 'roots.yaml');
  writeFileSync(file, text);
  return readRoots(file);
};
const problem = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};
const ID = 'a'.repeat(64);

describe('a file of root pins for the cluster', () => {
  it('holds entries as they stand in a policy', () => {
    const roots = read(
      `roots:\n- gun: docker.io/acme/*\n  keyIds: [${ID}]\n- secret: {name: roots, namespace: security}\n`,
    );
    expect(roots).toMatchObject([
      { field: 'roots[0]', gun: 'docker.io/acme/*', keyIds: [ID] },
      { field: 'roots[1]', gun: '*', secret: { name: 'roots', namespace: 'security' } },
    ]);
  });

  it('tells every mistake at once, with the file and the fields', () => {
    const message = problem('roots:\n- gun: nginx\n- secret: {name: roots}\n- keyIds: []\n');
    expect(message).toContain('roots.yaml is not valid');
    expect(
      message
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(' ')[0]),
    ).toEqual(['roots[0]', 'roots[0].gun', 'roots[2]', 'roots[1].secret.namespace']);
  });

  it.each([
    ['roots: 7', 'roots must be of type array'],
    ['', '(object) must be of type object'],
    ['root: []', 'root is not a known field'],
    ['roots: [', 'cannot be read (no YAML)'],
    ['roots:\n- keyids: [x]', 'roots[0].keyids is not a known field'],
  ])('that says %j is refused: %s', (text, expected) => {
    expect(problem(text)).toContain(expected);
  });

  it('that is missing is refused by its path', () => {
    expect(() => readRoots(join(folder, 'none.yaml'))).toThrow(/none\.yaml cannot be read \(ENOENT\)/);
  });
});
