import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Findings, type ObjectFinding, reasonOf, type Status } from '../../../functions/cli/findings.ts';
import { renderSarif } from '../../../functions/cli/sarif.ts';
import { DENY_CODES, type DenyCode, FAULT_CODES, type FaultCode } from '../../../functions/codes.ts';
import { sarifProblems } from '../../support/sarif.ts';

const CODES = [...Object.keys(DENY_CODES), ...Object.keys(FAULT_CODES)] as (DenyCode | FaultCode)[];
const STATUSES: readonly Status[] = ['refused', 'tolerated', 'unknown', 'admitted'];

const objectOf = (code: DenyCode | FaultCode, status: Status, more: Partial<ObjectFinding> = {}): ObjectFinding => ({
  file: 'deploy/web.yaml',
  line: 3,
  kind: 'Pod',
  namespace: 'shop',
  name: 'web',
  status,
  warnings: [],
  images: [
    {
      image: 'nginx',
      status,
      reason: reasonOf(code, 'It is not signed.'),
      places: [
        { field: 'spec.containers[0].image', line: 7, column: 14 },
        { field: 'spec.containers[1].image', line: 9, column: 14 },
      ],
    },
  ],
  ...more,
});
const logOf = (objects: readonly ObjectFinding[]) =>
  JSON.parse(renderSarif({ admitted: false, objects, skipped: 0 } satisfies Findings));

describe('SARIF', () => {
  it('holds to the schema of the standard for every code and status, of images and of whole objects', () => {
    const objects = CODES.flatMap((code) =>
      STATUSES.flatMap((status) => [
        objectOf(code, status),
        objectOf(code, status, { reason: reasonOf(code, 'It cannot be read.'), images: [] }),
      ]),
    );
    expect(sarifProblems(logOf(objects))).toEqual([]);
    expect(sarifProblems(logOf([]))).toEqual([]);
  });

  it('holds to it whatever files and objects are called', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), fc.string({ unit: 'binary' }), (file, name) => {
        const log = logOf([objectOf('TRUST_NOT_SIGNED', 'refused', { file, name, namespace: name })]);
        expect(sarifProblems(log)).toEqual([]);
      }),
    );
  });

  it.each([
    ['deploy/my web #1.yaml', 'deploy/my%20web%20%231.yaml'],
    ['a:b.yaml', 'a%3Ab.yaml'],
    ['-', 'stdin'],
  ])('names the file %s as %s', (file, uri) => {
    const [{ results }] = logOf([objectOf('TRUST_NOT_SIGNED', 'refused', { file })]).runs;
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
  });

  it('is refused by that schema where it says what the standard does not', () => {
    const log = logOf([objectOf('TRUST_NOT_SIGNED', 'refused')]);
    const [run] = log.runs;
    const broken = [
      { ...log, version: '2.0.0' },
      { ...log, runs: [{ ...run, tool: {} }] },
      { ...log, runs: [{ ...run, results: [{ ...run.results[0], level: 'fatal' }] }] },
      { ...log, runs: [{ ...run, results: [{ ...run.results[0], place: 1 }] }] },
      { ...log, runs: [{ ...run, results: [{ ...run.results[0], message: {} }] }] },
    ];
    for (const one of broken) expect(sarifProblems(one)).not.toEqual([]);
  });
});
