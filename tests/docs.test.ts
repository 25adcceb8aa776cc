import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type SidebarEntry, sidebar } from '../docs/.vitepress/pages.ts';
import type { JsonObject } from '../functions/json.ts';
import { identify } from '../functions/policy/resource.ts';
import { DOC_PAGES, PAGES, read } from './support/pages.ts';
import { problemsOf } from './support/policies.ts';
import { outputPattern, shellBlocks } from './support/shellpage.ts';

describe('the sidebar of the site', () => {
  const linksOf = (entries: readonly SidebarEntry[]): string[] =>
    entries.flatMap(({ link, items = [] }) => [...(link === undefined ? [] : [link]), ...linksOf(items)]);

  it('leads to every page once', () => {
    const wanted = DOC_PAGES.filter((page) => page !== 'docs/index.md').map((page) =>
      page.slice('docs'.length, -'.md'.length),
    );
    expect(linksOf(sidebar()).toSorted()).toEqual(wanted.toSorted());
  });

  it('names every page by its own first heading, and no two alike', () => {
    const textsOf = (entries: readonly SidebarEntry[]): string[] =>
      entries.flatMap(({ text, link, items = [] }) => [...(link === undefined ? [] : [text]), ...textsOf(items)]);
    const texts = textsOf(sidebar());
    expect(texts.length).toBe(new Set(texts).size);
  });
});

describe('the YAML of the pages', () => {
  const blocks = PAGES.flatMap((page) =>
    [...read(page).matchAll(/^( *)```yaml\n([\s\S]*?)^\1```$/gm)].map(({ 2: text = '', index }) => ({
      page,
      line: read(page).slice(0, index).split('\n').length,
      documents: parseAllDocuments(text),
    })),
  );
  const heredocs = PAGES.flatMap((page) =>
    [...read(page).matchAll(/<<'YAML'\n([\s\S]*?)^YAML$/gm)].map(({ 1: text = '', index }) => ({
      page,
      line: read(page).slice(0, index).split('\n').length,
      documents: parseAllDocuments(text),
    })),
  );

  it.each([...blocks, ...heredocs])('$page:$line can be read, and its policies have no mistake', ({ documents }) => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const objects = documents.map((document) => document.toJS() as JsonObject);
    const policies = objects.filter((object) => identify(object) !== undefined);
    expect(policies.flatMap(problemsOf)).toEqual([]);
  });

  it('has policies among it', () => {
    const kinds = [...blocks, ...heredocs].flatMap(({ documents }) => documents.map((one) => one.get('kind')));
    expect(kinds.filter((kind) => String(kind).endsWith('ImagePolicy')).length).toBeGreaterThan(15);
  });
});

describe('what a page says is printed', () => {
  it.each([
    ['a\n…\nd', 'a\nb\nc\nd\n', true],
    ['a\n…\nd', 'a\nd\n', true],
    ['a …\nd', 'a (1.2 ms)\nd\n', true],
    ['a\nd', 'a\nb\nd\n', false],
    ['a\n…\nd', 'a\nb\nc\n', false],
    ['a.c', 'abc\n', false],
  ])('%j fits %j: %s', (shown, printed, fits) => {
    expect(outputPattern(shown).test(printed)).toBe(fits);
  });

  it('belongs to the commands above it', () => {
    const page = '# A\n\n```sh run\nls\n```\n\n```text output\na\n```\n\n```sh\nrm a\n```\n\n```sh run\ncd\n```\n';
    expect(shellBlocks(page)).toEqual([
      { mode: 'run', commands: 'ls\n', output: 'a\n', line: 3 },
      { mode: 'run', commands: 'cd\n', output: undefined, line: 15 },
    ]);
  });
});
