import { describe, expect, it } from 'vitest';
import { type SidebarEntry, sidebar } from '../docs/.vitepress/pages.ts';
import { DOC_PAGES } from './support/pages.ts';

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
