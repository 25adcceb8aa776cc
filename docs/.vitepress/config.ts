import { defineConfig } from 'vitepress';
import { siteLinks } from './links.ts';
import { sidebar } from './pages.ts';
import { slugify } from './slug.ts';

/** Address of the repository's files on the web, for links that leave the site: `https://host/owner/name/blob/main`. */
const repository = process.env['DOCS_REPOSITORY'];

/** The site of docs/ (`npm run docs`, `npm run docs:build`). It asks no other host for anything: no fonts, no search service. */
export default defineConfig({
  title: 'Portieris on Knative',
  description: 'Only images that were signed by the people you trust run in your cluster.',
  base: process.env['DOCS_BASE'] ?? '/',
  cleanUrls: true,
  lastUpdated: false,
  markdown: {
    anchor: { slugify },
    config: (md) => siteLinks(md, repository),
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Get started', link: '/getting-started' },
      { text: 'Cookbook', link: '/cookbook' },
      { text: 'Errors', link: '/errors' },
      { text: 'Configuration', link: '/configuration' },
    ],
    sidebar: sidebar(),
    outline: { level: [2, 3] },
    footer: { message: 'Apache-2.0, as the original.' },
  },
});
