import type { CaseResult } from './policytest.ts';
import { count } from './render.ts';
import { type Paint, plain } from './terminal.ts';

function caseText({ passed, name, line, file, differences, message }: CaseResult, paint: Paint): string {
  if (passed) return `  ${paint.good('pass')}  ${plain(name)}\n`;
  const lines = differences.map(
    ({ field, expected, actual }) => `          ${field}: expected ${plain(expected)}, found ${plain(actual)}\n`,
  );
  const why = message === undefined ? '' : `          ${paint.faint(plain(message))}\n`;
  return `  ${paint.bad('FAIL')}  ${plain(name)}  (${plain(file)}:${line})\n${lines.join('')}${why}`;
}

/** The cases by test, what differs below each that failed, and how many there were. */
export function renderTests(results: readonly CaseResult[], paint: Paint): string {
  const tests = Map.groupBy(results, ({ file, test }) => `${file} ${test}`.trim());
  const blocks = [...tests].map(
    ([head, cases]) => `${paint.strong(plain(head))}\n${cases.map((one) => caseText(one, paint)).join('')}`,
  );
  const failed = results.filter(({ passed }) => !passed).length;
  const tally = failed === 0 ? 'all passed' : `${results.length - failed} passed, ${failed} failed`;
  return `${blocks.join('\n')}\n${count(results.length, 'case')} of ${count(tests.size, 'test')}: ${tally}.\n`;
}
