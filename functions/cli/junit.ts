import type { CaseResult } from './policytest.ts';
import { plain } from './terminal.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A reader of XML makes spaces of these in an attribute (XML 1.0 §3.3.3), unless they are written so.
  '\t': '&#9;',
  '\n': '&#10;',
};

/** A text as it may stand in an element or an attribute. What XML 1.0 (§2.2) bars is among what `plain` writes as `\u{…}`. */
const xml = (text: string): string => plain(text).replaceAll(/[&<>"\t\n]/g, (one) => ESCAPES[one] ?? one);

const attributes = (all: Readonly<Record<string, string | number>>): string =>
  Object.entries(all)
    .map(([name, value]) => ` ${name}="${xml(`${value}`)}"`)
    .join('');

const tally = (cases: readonly CaseResult[]) => ({
  tests: cases.length,
  failures: cases.filter(({ passed }) => !passed).length,
  errors: 0,
  skipped: 0,
});

function testcase({ file, line, test, name, passed, differences, message }: CaseResult): string {
  const head = `    <testcase${attributes({ name, classname: test, file })}`;
  if (passed) return `${head}/>\n`;
  const told = differences.map(({ field, expected, actual }) => `${field}: expected ${expected}, found ${actual}`);
  const text = [...told, ...(message === undefined ? [] : [message]), `${file}:${line}`].join('\n');
  const failure = `<failure${attributes({ message: told.join('; '), type: 'difference' })}>${xml(text)}</failure>`;
  return `${head}>\n      ${failure}\n    </testcase>\n`;
}

/** The cases as JUnit XML, the form in which CIs read results of tests: a suite for each PolicyTest (Jenkins' schema; `file` as GitLab reads it). */
export function renderJunit(results: readonly CaseResult[]): string {
  const suites = [...Map.groupBy(results, ({ file, test }) => `${file} ${test}`.trim())].map(
    ([name, cases]) =>
      `  <testsuite${attributes({ name, ...tally(cases) })}>\n${cases.map(testcase).join('')}  </testsuite>\n`,
  );
  const { skipped: _, ...all } = tally(results);
  const head = `<testsuites${attributes({ name: 'portieris policy test', ...all })}>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${suites.join('')}</testsuites>\n`;
}
