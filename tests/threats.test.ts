import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
const links = [...page.matchAll(/\[([^\]]+)\]\(\.\.\/(tests\/[^)]+\.test\.ts)\)/g)].map(
  ([, title = '', file = '']) => ({ title, file }),
);
const attacks = readdirSync(join(ROOT, 'tests/attacks')).filter((name) => name.endsWith('.test.ts'));
const titlesOf = (file: string): string[] =>
  [
    ...readFileSync(join(ROOT, file), 'utf8').matchAll(/\bit(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*['`](.+?)['`],/g),
  ].map(([, title = '']) => title);

describe('the threat model', () => {
  it.each(links)('names a test that is there: $title', ({ title, file }) => {
    expect(titlesOf(file)).toContain(title);
  });

  it.each(attacks)('names every attack of %s', (file) => {
    const named = links.filter((link) => link.file === `tests/attacks/${file}`).map(({ title }) => title);
    const there = titlesOf(`tests/attacks/${file}`);
    expect(there.length).toBeGreaterThan(5);
    expect(there.filter((title) => !named.includes(title))).toEqual([]);
  });
});
