import { describe, expect, it } from 'vitest';
import type { Log } from '../../functions/log.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import { PolicyReport } from '../../functions/report.ts';
import { policyOf, trusting } from '../support/policies.ts';

function reporter() {
  const lines: unknown[] = [];
  const write = (level: string) => (fields: object, message: string) => void lines.push([level, message, fields]);
  const log = {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
  } as unknown as Log;
  return { lines, report: new PolicyReport(log) };
}
const bad = policyOf('bad', [trusting('a.io/*', { enabled: 'yes' }), { name: '' }]);

describe('the report on policies', () => {
  it('tells each mistake once, with object, field and what to do, and when it is mended', () => {
    const { lines, report } = reporter();
    const snapshot = snapshotOf([bad]);
    const told = report.look(snapshot);
    expect(told).toEqual([
      'ClusterImagePolicy bad: spec.repositories[0].policy.trust.enabled must be of type boolean but is of type string; correct the value.',
      'ClusterImagePolicy bad: spec.repositories[1].name must not be empty; give it a value or take the entry out.',
    ]);
    expect(report.look(snapshot)).toBe(told);
    report.look(snapshot.with(policyOf('good', [{ name: '*' }])));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toEqual([
      'warn',
      'a policy is not valid',
      {
        policy: 'ClusterImagePolicy bad',
        field: 'spec.repositories[0].policy.trust.enabled',
        problem: 'must be of type boolean but is of type string; correct the value.',
      },
    ]);
    expect(report.look(snapshot.without(bad))).toEqual([]);
    expect(lines.at(-1)).toEqual(['info', 'policies were mended', { mended: 2 }]);
  });

  it('warns of a signer of a ClusterImagePolicy that whoever may write Secrets beside a workload can replace', () => {
    const { lines, report } = reporter();
    const signers = [{ name: 'alice' }, { name: 'bob', namespace: 'security' }];
    const roots = [{ secret: { name: 'roots' } }];
    expect(report.look(snapshotOf([policyOf('p', [trusting('*', { signerSecrets: signers, roots })])]))).toEqual([]);
    expect(lines).toMatchObject([
      [
        'warn',
        'a policy may be weaker than it looks',
        { field: 'spec.repositories[0].policy.trust.signerSecrets[0].namespace' },
      ],
      [
        'warn',
        'a policy may be weaker than it looks',
        { field: 'spec.repositories[0].policy.trust.roots[0].secret.namespace' },
      ],
    ]);
  });

  it('has nothing to warn of in an ImagePolicy, whose Secrets are its own', () => {
    const { lines, report } = reporter();
    report.look(
      snapshotOf([policyOf('p', [trusting('*', { signerSecrets: [{ name: 'alice' }] })], { namespace: 'team' })]),
    );
    report.look(undefined);
    expect(lines).toEqual([]);
  });

  it('shows a bounded number of mistakes', () => {
    const { report } = reporter();
    const told = report.look(
      snapshotOf([
        policyOf(
          'p',
          Array.from({ length: 80 }, () => ({})),
        ),
      ]),
    );
    expect(told).toHaveLength(51);
    expect(told.at(-1)).toBe('30 more mistakes in policies stand in the log.');
  });
});
