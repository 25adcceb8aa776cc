import type { CaseResult } from './policytest.ts';
import { plain } from './terminal.ts';

/** How what has a meaning in XML is written. */
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A reader of XML makes spaces of these in an attribute (XML 1.0 §3.3.3), unless they are written so.
  '\t': '&#9;',
  '\n': '&#10;',
};

const escaped = (text: string, which: RegExp): string => plain(text).replaceAll(which, (one) => ESCAPES[one] ?? one);

/** A text as it may stand in an attribute or an element. What XML 1.0 (§2.2) bars is among what `plain` writes as `\u{…}`. */
const inAttribute = (text: string): string => escaped(text, /[&<>"\t\n]/g);
const inElement = (text: string): string => escaped(text, /[&<>]/g);

const attributes = (all: Readonly<Record<string, string | number>>): string =>
  Object.entries(all)
    .map(([name, value]) => ` ${name}="${inAttribute(`${value}`)}"`)
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
  const failure = `<failure${attributes({ message: told.join('; '), type: 'difference' })}>${inElement(text)}</failure>`;
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
