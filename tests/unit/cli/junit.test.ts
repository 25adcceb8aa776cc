import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { renderJunit } from '../../../functions/cli/junit.ts';
import type { CaseResult } from '../../../functions/cli/policytest.ts';
import { plain } from '../../../functions/cli/terminal.ts';

const caseOf = (more: Partial<CaseResult> = {}): CaseResult => ({
  file: 'tests/shop.yaml',
  test: 'shop',
  line: 7,
  name: 'one',
  image: 'nginx',
  namespace: 'shop',
  passed: true,
  differences: [],
  actual: {},
  ...more,
});
const FAILED = {
  passed: false,
  differences: [{ field: 'outcome', expected: 'admitted', actual: 'refused' }],
  message: 'Not <signed> & "sealed".',
} as const;

interface Read {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Every element in its order, by a strict reader; throws where the text is not well-formed XML 1.0. */
function read(xml: string): readonly Read[] {
  const elements: Read[] = [];
  const open: Read[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes, text: '' };
    elements.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on('closetag', () => void open.pop());
  parser.write(xml).close();
  return elements;
}

describe('JUnit XML', () => {
  it('has a suite for each PolicyTest, its counts, and what differs of a case that failed', () => {
    const elements = read(renderJunit([caseOf(), caseOf({ name: 'two', ...FAILED }), caseOf({ test: 'other' })]));
    expect(elements.map(({ name, attributes: { tests, failures } }) => [name, tests, failures])).toEqual([
      ['testsuites', '3', '1'],
      ['testsuite', '2', '1'],
      ['testcase', undefined, undefined],
      ['testcase', undefined, undefined],
      ['failure', undefined, undefined],
      ['testsuite', '1', '0'],
      ['testcase', undefined, undefined],
    ]);
    expect(elements[3]?.attributes).toEqual({ name: 'two', classname: 'shop', file: 'tests/shop.yaml' });
    expect(elements[4]?.attributes['message']).toBe('outcome: expected admitted, found refused');
    expect(elements[4]?.text).toBe(
      'outcome: expected admitted, found refused\nNot <signed> & "sealed".\ntests/shop.yaml:7',
    );
  });

  it('is well-formed and keeps every text, control characters written out, whatever cases are called', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        fc.constantFrom('\0', '\u001b', '\t', '\n', '\r', ']]>', '<!--', '&amp;', '"', '\ud800', '\ufffe'),
      ),
    });
    fc.assert(
      fc.property(text, text, text, (name, test, message) => {
        const elements = read(renderJunit([caseOf({ name, test, ...FAILED, message })]));
        const [, , testcase, failure] = elements;
        expect(testcase?.attributes).toMatchObject({ name: plain(name), classname: plain(test) });
        expect(failure?.text).toContain(plain(message));
      }),
    );
  });

  it('is a report of nothing where there is no case', () => {
    expect(read(renderJunit([]))).toMatchObject([{ name: 'testsuites', attributes: { tests: '0' } }]);
  });
});
