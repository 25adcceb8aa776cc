import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of the pages. */
export const DOCS = resolve(import.meta.dirname, '..');

/** Headings of the sidebar and the pages below each, by intent. A page that does not exist is left out, one that stands nowhere goes under More. */
const GROUPS: readonly (readonly [heading: string, pages: readonly string[]])[] = [
  ['Start', ['getting-started', 'cookbook', 'cli', 'comparison', 'migration']],
  [
    'Concepts',
    [
      'policies',
      'images',
      'workloads',
      'signers',
      'roots',
      'notary',
      'trust-records',
      'modes',
      'grace',
      'floors',
      'mirrors',
      'credentials',
    ],
  ],
  [
    'Operate',
    [
      'deployment',
      'operations',
      'monitoring',
      'alerts',
      'events',
      'validation',
      'steadiness',
      'scaling',
      'performance',
    ],
  ],
  ['Reference', ['errors', 'configuration', 'fields', 'metrics']],
  ['Project', ['architecture', 'threat-model', 'testing', 'dependencies']],
];

/** A page or a heading of the sidebar. */
export interface SidebarEntry {
  readonly text: string;
  /** `/policies`; absent for a heading. */
  readonly link?: string;
  readonly collapsed?: boolean;
  readonly items?: SidebarEntry[];
}

const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => name.slice(0, -'.md'.length))
    .toSorted();

/** The first heading of a page, as plain text: `page` is a path below docs/, without `.md`. */
export function titleOf(page: string): string {
  const text = readFileSync(join(DOCS, `${page}.md`), 'utf8');
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '').trim() ?? page;
}

/** True where `page` (a path below docs/, without `.md`) is there. */
export const isPage = (page: string): boolean => existsSync(join(DOCS, `${page}.md`));

const entryOf = (page: string): SidebarEntry => ({ text: titleOf(page), link: `/${page}` });

/** The sidebar of the pages that are there. Its entries are named by the pages' own headings. */
export function sidebar(): SidebarEntry[] {
  const placed = new Set(GROUPS.flatMap(([, pages]) => pages));
  const rest = namesIn(DOCS).filter((page) => !placed.has(page));
  const decisions = { text: 'Decisions', collapsed: true, items: namesIn(join(DOCS, 'adr')).map(adrEntry) };
  return [...GROUPS, ['More', rest] as const]
    .map(([text, pages]) => ({ text, items: pages.filter(isPage).map(entryOf) }))
    .map((group) => (group.text === 'Project' ? { ...group, items: [...group.items, decisions] } : group))
    .filter(({ items }) => items.length > 0);
}

const adrEntry = (name: string): SidebarEntry => entryOf(`adr/${name}`);
