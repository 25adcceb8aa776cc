import { caseOptions } from '../case.ts';
import { type CommonArgs, defineCommand, type Registered } from '../command.ts';
import { renderJunit } from '../junit.ts';
import { EXIT } from '../outside.ts';
import { type CaseResult, runTests } from '../policytest.ts';
import { renderJson } from '../render.ts';
import { paintFor } from '../terminal.ts';
import { readTests } from '../testfile.ts';
import { renderTests } from '../testtext.ts';

const FORMATS = ['text', 'json', 'junit'] as const;
const RENDERERS = { text: renderTests, json: renderJsonOf, junit: renderJunit } as const;

function renderJsonOf(cases: readonly CaseResult[]): string {
  const failed = cases.filter(({ passed }) => !passed).length;
  return renderJson({ passed: cases.length - failed, failed, cases });
}

/** `policy test PATHS`: cases in YAML beside the policies. */
const test = defineCommand({
  usage: 'test <paths..>',
  summary: 'Run the PolicyTests of these files and directories: is each image decided on as it should be?',
  options: (yargs) =>
    caseOptions(yargs)
      .positional('paths', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Files and directories; objects that are no PolicyTest are passed over',
      })
      .option('output', { alias: 'o', choices: FORMATS, default: 'text' as const, describe: 'Form of the answer' })
      .example('$0 policy test policies/tests', 'Every case below this directory')
      .example('$0 policy test policies/tests -o junit > portieris.xml', 'For the test report of a CI')
      .example('$0 policy test policies/tests --trust case/', 'On saved trust data, where a test is not offline'),
  run: async (args, outside) => {
    const results = await runTests(await readTests(args.paths, outside), args, outside);
    outside.output.write(RENDERERS[args.output](results, paintFor(outside.output, outside.env)));
    return results.every(({ passed }) => passed) ? EXIT.admitted : EXIT.refused;
  },
});

/** The commands about policies. */
export const policy: Registered = (yargs, outside, done) => {
  yargs.command<CommonArgs>('policy', 'Tests of policies: portieris policy test', (inner) => {
    test(inner, outside, done);
    return inner.demandCommand(1, 'Name a command of policy: test.');
  });
};
