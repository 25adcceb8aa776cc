import { describe, expect, it } from 'vitest';
import { renderTable } from '../../../functions/cli/table.ts';
import { branch, renderTree } from '../../../functions/cli/tree.ts';

const HEAD = ['VERDICT', 'IMAGE', 'WHY'];
const ROWS = [
  [{ text: 'admitted', dress: (text: string) => `<${text}>` }, 'nginx', 'needs no proof'],
  ['refused', 'redis', ''],
];

describe('a table', () => {
  it('stands in columns where it fits, or nobody says how wide it may be', () => {
    const columns = 'VERDICT   IMAGE  WHY\n<admitted>  nginx  needs no proof\nrefused   redis\n';
    expect(renderTable(HEAD, ROWS, undefined)).toBe(columns);
    expect(renderTable(HEAD, ROWS, 31)).toBe(columns);
  });

  it('stands in blocks where the terminal is narrower, empty cells left out', () => {
    expect(renderTable(HEAD, ROWS, 30)).toBe(
      'VERDICT  <admitted>\nIMAGE    nginx\nWHY      needs no proof\n\nVERDICT  refused\nIMAGE    redis\n',
    );
  });
});

describe('a tree', () => {
  const tree = branch('root', branch('one two three four five six seven', branch('leaf')), branch('x'.repeat(40)));

  it('folds a line that the terminal is too narrow for, and goes on with its stems', () => {
    expect(renderTree(tree, 30)).toBe(
      `root\n├─ one two three four five\n│  │ six seven\n│  └─ leaf\n└─ ${'x'.repeat(40)}\n`,
    );
  });

  it('leaves every line whole where nobody says how wide it may be', () => {
    expect(renderTree(tree, undefined)).toContain('one two three four five six seven\n');
  });

  it('counts no colours', () => {
    const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
    expect(
      renderTree(branch(`${red('one')} ${red('two')} ${red('three')} four five six`), 30).split('\n'),
    ).toHaveLength(2);
  });
});
