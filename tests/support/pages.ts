import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { slugify } from '../../docs/.vitepress/slug.ts';

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '../..');
/** Text of a file of the repository. */
export const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** Every page of docs/, from the root of the repository. */
export const DOC_PAGES: readonly string[] = globSync('docs/**/*.md', {
  cwd: ROOT,
  // The site is being built there while other tests run: files come and go.
  exclude: (name) => name.endsWith('.vitepress'),
}).toSorted();
/** Every page that people read. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'policies/README.md',
  ...DOC_PAGES,
];

/** A page without its code blocks, in which nothing is a link or a heading. */
export const proseOf = (page: string): string => read(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');

/** Anchors of a page's headings. */
export function anchorsOf(page: string): Set<string> {
  const counts = new Map<string, number>();
  const anchors = [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const slug = slugify(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    const seen = counts.get(slug) ?? 0;
    counts.set(slug, seen + 1);
    return seen === 0 ? slug : `${slug}-${seen}`;
  });
  return new Set(anchors);
}
