import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../functions/cli/program.ts';
import { outsideOf } from '../../support/cli.ts';

async function run(...args: string[]) {
  const outside = outsideOf();
  const code = await runProgram(args, outside);
  return { code, ...outside.said() };
}

describe('the command line', () => {
  it('teaches with --help: commands, exit codes, an example', async () => {
    const { code, output, messages } = await run('--help');
    expect([code, messages]).toEqual([0, '']);
    for (const word of ['portieris check', 'Exit codes: 0', 'dry run', 'completion', '--snapshot'])
      expect(output).toContain(word);
  });

  it.each([
    [['chek'], 'Did you mean check?'],
    [[], 'Name a command.'],
    [['check'], 'filename'],
    [['explain'], 'An argument is missing.\nportieris explain --help tells more.'],
    [['explain', 'nginx', '-n', 'a', '-n', 'b'], 'namespace: may be given only once'],
    [['explain', 'nginx', '-n', ''], 'namespace: is empty'],
    [['explain', 'nginx', '-s', 'nowhere'], 'The policies of the directory nowhere cannot be read'],
    [['policy', 'tst'], 'Did you mean test?\nportieris policy --help tells more.'],
    [['check', '-f', 'functions'], 'functions: holds no .yaml, .yml or .json file'],
    [['check', '-f', 'x.yaml', '--wrong'], 'Unknown argument: wrong'],
    [['check', '-f', 'x.yaml', '--timeout', 'soon'], '--timeout must be'],
    [['check', '-f', 'x.yaml', '--output', 'xml'], 'Invalid values'],
  ])('ends with 2 and a sentence for %j', async (args, sentence) => {
    const { code, output, messages } = await run(...args);
    expect([code, output]).toEqual([2, '']);
    expect(messages).toContain(sentence);
  });

  it.each(['check', 'explain', 'inspect', 'replay', 'policy test', 'simulate'])(
    'teaches with %s --help: options, examples, exit codes',
    async (command) => {
      const { code, output } = await run(...command.split(' '), '--help');
      expect(code).toBe(0);
      for (const word of [`portieris ${command}`, 'Examples:', '--output', 'Exit codes: 0'])
        expect(output).toContain(word);
    },
  );

  it('completes its commands for a shell', async () => {
    expect((await run('completion')).output).toContain('complete ');
    expect((await run('--get-yargs-completions', 'portieris', 'ch')).output).toContain('check');
    expect((await run('--get-yargs-completions', 'portieris', 'check', '-')).output).not.toMatch(/^--?f$/m);
    expect((await run('--get-yargs-completions', 'portieris', 'check', '-f', '')).output.trim()).toBe('');
  });

  it('tells every mistake of the configuration', async () => {
    const outside = outsideOf({ env: { TRUST_TTL_SECONDS: 'x', TRUST_SERVERS: 'y' }, input: 'kind: List\nitems: []' });
    expect(await runProgram(['check', '-f', '-'], outside)).toBe(2);
    expect(outside.said().messages).toMatch(/TRUST_SERVERS=y.*TRUST_TTL_SECONDS=x/s);
  });
});
