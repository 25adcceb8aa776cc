import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sarifProblems } from '../support/sarif.ts';
import { type CliWorld, exampleSha, openCliWorld } from './support/cliworld.ts';
import { readExamples, updateExamples } from './support/examples.ts';

/**
 * The command line as people run it, a process of its own, on trust data of a real notary-server. Every example of docs/cli.md that needs no cluster is run, and has
 * to say what the page says; `UPDATE_EXAMPLES=1` writes what it says into the page.
 */
const { page, alone: examples } = await readExamples();

let world: CliWorld;
beforeAll(async () => {
  world = await openCliWorld();
});
afterAll(async () => {
  await updateExamples(examples, world);
  await world.close();
});

describe('docs/cli.md', () => {
  it('shows examples of each command that asks the gate', () => {
    for (const command of ['check', 'explain', 'inspect', 'replay', 'policy test'])
      expect(examples.filter(({ line }) => line.includes(`portieris ${command} `)).length).toBeGreaterThan(0);
  });

  it('shows the test file as it is', async () => {
    const text = await readFile(resolve(import.meta.dirname, '../fixtures/cli/tests/shop.yaml'), 'utf8');
    expect(page).toContain(`\`\`\`yaml\n${text}\`\`\``);
  });

  it.each(examples)('says what the command says: $line', async ({ line, said }) => {
    expect((await world.example(line)).text).toBe(said);
  });
});

describe('the command line on a real notary-server', () => {
  it('ends with 0, 1 and 2 as docs/cli.md says', async () => {
    const codeOf = async (line: string, more = {}) => (await world.run(line, more)).code;
    expect(await codeOf('portieris explain registry.demo/shop/web:1.4')).toBe(0);
    expect(await codeOf('portieris explain registry.demo/shop/web:nightly')).toBe(1);
    expect(await codeOf('portieris explain registry.demo/shop/web:1.4 -s nowhere')).toBe(2);
    expect(await codeOf('portieris explain registry.demo/shop/web:1.4', { TRUST_CA_FILE: '' })).toBe(2);
    expect(await codeOf('portieris explian x')).toBe(2);
  });

  it('writes SARIF that names the file below the working directory, and the line of the image', async () => {
    const { text, code } = await world.run('portieris check -f deploy -o sarif');
    expect(code).toBe(1);
    const log = JSON.parse(text);
    expect(sarifProblems(log)).toEqual([]);
    expect(log.runs[0].results).toMatchObject([
      {
        ruleId: 'TRUST_NOT_SIGNED',
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'deploy/web.yaml' },
              region: { startLine: 25, startColumn: 18 },
            },
          },
        ],
      },
    ]);
  });

  it('ends as it should where the reader of its output goes first', async () => {
    const { text } = await world.run('{ portieris check -f deploy; echo "code $?" >&2; } | true');
    expect(text).toBe('code 1\n');
  });

  it('completes commands, options and their values in bash, and leaves files to it', async () => {
    const completed = async (...words: string[]) => {
      const shell = [
        'source <(portieris completion)',
        `COMP_WORDS=(portieris ${words.join(' ')})`,
        `COMP_CWORD=${words.length}`,
        '_portieris_yargs_completions',
        'declare -p COMPREPLY',
      ].join('; ');
      const { text } = await world.run(`bash -c '${shell.replaceAll("'", "'\\''")}'`);
      return [...text.matchAll(/\[\d+\]="([^"]*)"/g)].map(([, word]) => word);
    };
    expect(await completed('ch')).toEqual(['check']);
    expect(await completed('explain', '--na')).toEqual(['--namespace']);
    expect(await completed('check', '-o', '""')).toEqual(['table', 'json', 'sarif']);
    expect(await completed('check', '-f', '""')).toEqual([]);
    expect(await completed('policy', 't')).toEqual(['test']);
  });

  it('reads manifests from a pipe', async () => {
    const { text, code } = await world.run('cat deploy/report.yaml | portieris check -f - -o json');
    expect(code).toBe(0);
    const digest = `sha256:${exampleSha('registry.demo/payments/api:2.0')}`;
    expect(JSON.parse(text).objects[0].images[0]).toMatchObject({ status: 'admitted', digest });
  });

  it('gives pins that admit the repository and refuse one with another root', async () => {
    await world.run('portieris inspect registry.demo/shop/web -o pins > roots.yaml');
    const env = { TRUST_ROOTS_FILE: 'roots.yaml', TRUST_FIRST_USE: 'deny' };
    expect((await world.run('portieris explain registry.demo/shop/web:1.4', env)).code).toBe(0);
    const other = await world.run('portieris explain registry.demo/payments/api:2.0 -n payments', env);
    expect([other.code, other.text.includes('TRUST_ROOT_UNPINNED')]).toEqual([1, true]);
  });

  it('leaves nothing behind: no trust record, no lock, no log on its output', async () => {
    await world.run('portieris explain registry.demo/shop/web:1.4');
    expect(existsSync(join(world.folder, 'policies.trust-records'))).toBe(false);
    expect(readdirSync(world.folder).filter((name) => name.includes('trust-records'))).toEqual([]);
  });
});
