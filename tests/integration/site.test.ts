import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOC_PAGES, ROOT } from '../support/pages.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';

let folder: TemporaryFolder;
let files: string[];
const open = (name: string): Promise<string> => readFile(join(folder.path, name), 'utf8');

beforeAll(async () => {
  folder = await temporaryFolder('site');
  const vitepress = join(ROOT, 'node_modules/vitepress/bin/vitepress.js');
  // Fails on a link that leads nowhere.
  const build = [vitepress, 'build', 'docs', '--outDir', folder.path];
  await promisify(execFile)(process.execPath, build, { cwd: ROOT });
  files = await readdir(folder.path, { recursive: true });
}, 300_000);
afterAll(() => folder.remove());

describe('the site of the documentation', () => {
  it('has every page of docs/', () => {
    const wanted = DOC_PAGES.map((page) => page.slice('docs/'.length).replace(/\.md$/, '.html'));
    expect(files.filter((file) => file.endsWith('.html') && file !== '404.html').toSorted()).toEqual(wanted.toSorted());
  });

  it('loads nothing from any other place: no font, no script, no style, no picture', async () => {
    for (const file of files.filter((name) => /\.(?:html|css)$/.test(name))) {
      const text = await open(file);
      const loads = [
        ...text.matchAll(/<(?:script|img|source|iframe)\b[^>]*\bsrc="([^"]+)"/g),
        ...text.matchAll(/<link\b[^>]*\bhref="([^"]+)"/g),
        ...text.matchAll(/(?:url\(|@import )["']?([^"')]+)/g),
      ].map(([, target = '']) => target);
      expect(
        loads.filter((target) => /^(?:https?:)?\/\//.test(target)),
        file,
      ).toEqual([]);
    }
  });

  it('has an index for its search, in its own files', () => {
    expect(files.some((file) => /localSearchIndex/.test(file))).toBe(true);
  });

  it('shows a file that is no page as its name, not as a link that leads nowhere', async () => {
    const text = await open('cookbook.html');
    expect(text).toContain('title="policies/examples/floor.yaml in the repository"');
    expect(text).not.toMatch(/href="[^"]*policies\/examples/);
  });

  it('shows a link to a page under the title of that page', async () => {
    expect(await open('getting-started.html')).toMatch(/<a href="[^"]*images"[^>]*>Images and patterns<\/a>/);
  });
});
