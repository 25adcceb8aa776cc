import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STRICTER } from '../../../support/tuf/stricter.ts';

const page = readFileSync(new URL('../../../../docs/notary.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Stricter'), page.indexOf('## Laxer'));

describe('the list of deliberate differences', () => {
  it('has the same ids in the docs and in the tests', () => {
    const documented = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id);
    expect(documented).toEqual(STRICTER.map(({ id }) => id));
  });
});
