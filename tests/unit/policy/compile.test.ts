import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../functions/limits.ts';
import { compiled, image, policyOf, problemsOf, trusting } from '../../support/policies.ts';

const EVERYTHING = [image('nginx'), image('us.icr.io/a/b:1'), image(`h:5000/x@sha256:${'a'.repeat(64)}`)];

describe('compilePolicy', () => {
  it('gives a rule for each entry, in order, with its place', () => {
    const { rules, label, problems, floor } = compiled(policyOf('p', [{ name: 'a.io/*' }, trusting('b.io/*')]));
    expect(rules.map(({ source, requirements }) => [source.field, source.index, requirements.length])).toEqual([
      ['spec.repositories[0]', 0, 0],
      ['spec.repositories[1]', 1, 1],
    ]);
    expect({ label, problems, floor }).toEqual({ label: 'ClusterImagePolicy p', problems: [], floor: false });
  });

  it('shares a pattern between the rules that write it, and nothing between those that do not', () => {
    const [one, other, third] = ['p', 'q', 'r'].map((name) =>
      compiled(policyOf(name, [{ name: name === 'r' ? 'shared.io/*:v1' : 'shared.io/*' }])).rules.at(0),
    );
    expect(one?.pattern.written).toBe('shared.io/*');
    expect(other?.pattern).toBe(one?.pattern);
    expect(other?.source).not.toBe(one?.source);
    expect(third?.pattern).not.toBe(one?.pattern);
  });

  it('names the group of 2019 where that is the one', () => {
    expect(compiled(policyOf('p', [], { namespace: 'team', legacy: true })).label).toBe(
      'ImagePolicy team/p (securityenforcement.admission.cloud.ibm.com)',
    );
  });

  it('reports every mistake of every rule at once, each with its field and what to do', () => {
    expect(
      problemsOf(
        policyOf('p', [
          { name: 'nginx*', polcy: {} },
          trusting('*', { trustServer: 'http://x', signerSecrets: [{ name: 'Bad_Name' }, {}] }),
          { policy: {} },
          { name: 'evil.*.example' },
          'docker.io/*',
        ]),
      ),
    ).toEqual([
      'spec.repositories[0].polcy: is not a known field; known here: name, policy. Correct its spelling or indentation, or take it out.',
      'spec.repositories[1].policy.trust.signerSecrets[0].name: must be the name of a Secret: lower-case letters, digits, "-" and "."; correct the name.',
      'spec.repositories[1].policy.trust.signerSecrets[1].name: is missing; add it.',
      'spec.repositories[1].policy.trust.trustServer: must be https://host or https://host:port, without user, path, query or fragment; write only the origin of the trust server.',
      'spec.repositories[2].name: is missing; add it.',
      expect.stringMatching(/^spec\.repositories\[3\]\.name: The pattern "evil\.\*\.example" can't be told/),
      'spec.repositories[4]: must be of type object but is of type string; correct the value.',
    ]);
  });

  it('keeps the rules beside a bad one as they are, and lets the bad one refuse what its pattern matches', () => {
    const { rules } = compiled(policyOf('p', [trusting('a.io/*', { enabled: 'yes' }), { name: 'b.io/*' }]));
    expect(rules.map(({ requirements }) => requirements.map(({ type }) => type))).toEqual([['invalid'], []]);
    expect(rules[0]?.pattern.matches(image('a.io/x/y'))).toBe(true);
    expect(rules[0]?.pattern.matches(image('b.io/x/y'))).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a pattern that is none', [{ name: '' }]],
    ['no pattern', [{}]],
    ['rules that are no list', 'all'],
    ['rules that are not there', undefined],
  ])('matches everything, last of all, where it has %s', (_, repositories) => {
    const { rules, problems } = compiled(policyOf('p', repositories as never));
    expect(problems.length).toBeGreaterThan(0);
    expect(rules).toHaveLength(1);
    expect(rules[0]?.requirements).toMatchObject([{ type: 'invalid' }]);
    expect(EVERYTHING.every((one) => rules[0]?.pattern.matches(one))).toBe(true);
    expect(rules[0]?.pattern.weight).toBe(-1);
  });

  it('adds a refusal of all to good rules where something is wrong with the object itself', () => {
    const { rules, problems } = compiled(policyOf('p', [{ name: 'a.io/*' }], { spec: { unknown: 1 } }));
    expect(problems.map(({ field }) => field)).toEqual(['spec.unknown']);
    expect(rules.map(({ source }) => source.field)).toEqual(['spec.repositories[0]', 'spec']);
  });

  it('tells a bounded number of problems and counts the rest', () => {
    const bad = Array.from({ length: LIMITS.problemsPerPolicy + 7 }, () => ({}));
    const { problems } = compiled(policyOf('p', bad));
    expect(problems).toHaveLength(LIMITS.problemsPerPolicy + 1);
    expect(problems.at(-1)?.message).toContain('7 more');
  });

  it('refuses more rules than it reads', () => {
    const { problems, rules } = compiled(
      policyOf(
        'p',
        Array.from({ length: LIMITS.rulesPerPolicy + 1 }, () => ({ name: '*' })),
      ),
    );
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(`at most ${LIMITS.rulesPerPolicy}`),
    ]);
    expect(rules).toHaveLength(1);
  });

  it('writes the digest unless mutateImage is false', () => {
    const policies = [undefined, { mutateImage: true }, { mutateImage: false }];
    const { rules } = compiled(
      policyOf(
        'p',
        policies.map((one) => ({ name: '*', ...(one && { policy: one }) })),
      ),
    );
    expect(rules.map(({ mutateImage }) => mutateImage)).toEqual([true, true, false]);
  });

  it.each([
    [true, true],
    ['yes', true],
    [null, true],
    [0, true],
    [false, false],
    [undefined, false],
  ])('takes a floor of %s for one: %s', (floor, expected) => {
    const spec = floor === undefined ? {} : { floor };
    expect(compiled(policyOf('p', [{ name: '*' }], { spec })).floor).toBe(expected);
  });

  it('knows no floor in an ImagePolicy', () => {
    const { floor, problems } = compiled(policyOf('p', [], { namespace: 'team', spec: { floor: true } }));
    expect(floor).toBe(false);
    expect(problems.map(({ field }) => field)).toEqual(['spec.floor']);
  });
});
