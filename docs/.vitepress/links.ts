import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { isPage, titleOf } from './pages.ts';

type Token = ReturnType<MarkdownRenderer['parse']>[number];

const EXTERNAL = /^(?:[a-z][a-z0-9+.-]*:|\/|#)/i;

/** Path of a relative link from the root of the repository, and its fragment; undefined for any other link. `page` is `adr/0001.md`. */
function targetOf(href: string, page: string): { readonly path: string; readonly fragment: string } | undefined {
  if (EXTERNAL.test(href)) return undefined;
  const [file = '', fragment] = href.split('#');
  const path = posix.normalize(posix.join('docs', posix.dirname(page), decodeURI(file)));
  return { path, fragment: fragment === undefined ? '' : `#${fragment}` };
}

/** A link to a file that is not part of the site: to the repository where its address is known, else plain text. */
function leaveSite(open: Token, close: Token | undefined, path: string, repository: string | undefined): void {
  if (repository !== undefined) {
    open.attrSet('href', `${repository}/${path}`);
    return;
  }
  open.attrs = [
    ['class', 'in-repository'],
    ['title', `${path} in the repository`],
  ];
  open.tag = 'span';
  if (close !== undefined) close.tag = 'span';
}

/** A link that is written as the name of its page is shown under the title of that page. */
function showTitle(text: Token | undefined, path: string): void {
  const page = path.slice('docs/'.length, -'.md'.length);
  if (text?.type === 'text' && text.content === posix.basename(path) && isPage(page)) text.content = titleOf(page);
}

function rewrite(children: readonly Token[], page: string, repository: string | undefined): void {
  for (const [at, open] of children.entries()) {
    if (open.type !== 'link_open') continue;
    const target = targetOf(open.attrGet('href') ?? '', page);
    if (target === undefined) continue;
    const inside = target.path.startsWith('docs/') && target.path.endsWith('.md');
    const close = children.slice(at).find(({ type }) => type === 'link_close');
    if (inside) showTitle(children[at + 1], target.path);
    else leaveSite(open, close, target.path, repository);
  }
}

/**
 * Makes the links of the pages, which are written to be followed in the repository, good on the site too.
 * `repository` is the address of the files on the web (`https://host/owner/name/blob/main`), where they are.
 */
export function siteLinks(md: MarkdownRenderer, repository: string | undefined): void {
  md.core.ruler.push('site-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      if (children !== null) rewrite(children, (env as { relativePath?: string }).relativePath ?? '', repository);
    }
  });
}
