import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { compiled, policyOf, problemsOf, trusting } from '../../support/policies.ts';

const requirements = (rule: JsonObject, shape = {}) => compiled(policyOf('p', [rule], shape)).rules[0]?.requirements;
const trustProblems = (trust: JsonObject, shape = {}) => problemsOf(policyOf('p', [trusting('*', trust)], shape));
const AT = 'spec.repositories[0].policy';

describe('what a policy demands', () => {
  it.each<[string, JsonObject]>([
    ['no policy', { name: '*' }],
    ['a policy of null', { name: '*', policy: null }],
    ['an empty policy', { name: '*', policy: {} }],
    ['trust that is off', { name: '*', policy: { trust: { enabled: false, signerSecrets: [{ name: 'a' }] } } }],
    [
      'a requirement that accepts anything',
      { name: '*', policy: { simple: { requirements: [{ type: 'insecureAcceptAnything' }] } } },
    ],
  ])('is nothing with %s', (_, rule) => {
    expect(requirements(rule)).toEqual([]);
  });

  it('is all of its parts together', () => {
    const policy = {
      trust: { enabled: true },
      simple: { requirements: [{ type: 'reject' }, { type: 'signedBy' }] },
      vulnerability: { ICCRVA: { enabled: true } },
    };
    expect(requirements({ name: '*', policy })?.map(({ type }) => type)).toEqual([
      'notary',
      'reject',
      'unsupported',
      'unsupported',
    ]);
  });

  it('takes signers once, from the namespace of an ImagePolicy', () => {
    const secrets = [{ name: 'alice' }, { name: 'alice' }, { name: 'alice', namespace: 'team' }, { name: 'bob' }];
    expect(requirements(trusting('*', { signerSecrets: secrets }), { namespace: 'team' })).toMatchObject([
      {
        signerSecrets: [
          { namespace: 'team', name: 'alice' },
          { namespace: 'team', name: 'bob' },
        ],
      },
    ]);
  });

  it('makes an ImagePolicy ask for a Secret of another namespace, and a ClusterImagePolicy not', () => {
    const rule = trusting('*', { signerSecrets: [{ name: 'alice', namespace: 'security' }] });
    expect(requirements(rule, { namespace: 'team' })).toMatchObject([
      { signerSecrets: [{ namespace: 'security', name: 'alice', asker: 'team' }] },
    ]);
    expect(requirements(rule)?.[0]).toHaveProperty('signerSecrets', [{ namespace: 'security', name: 'alice' }]);
  });

  it('leaves the namespace of a signer of a ClusterImagePolicy to the workload where none is written', () => {
    expect(requirements(trusting('*', { signerSecrets: [{ name: 'alice' }] }))?.[0]).toHaveProperty('signerSecrets', [
      { namespace: undefined, name: 'alice' },
    ]);
  });

  it.each([false, true])('reads roots, threshold, first use and mirror in both groups (2019: %s)', (legacy) => {
    const keyIds = ['a'.repeat(64)];
    const trust = {
      signerSecrets: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      signerThreshold: 2,
      roots: [{ gun: 'docker.io/acme/*', keyIds }],
      firstUse: 'deny',
      repository: { prefix: 'mirror.example.com/hub', signedPrefix: 'docker.io' },
    };
    expect(requirements(trusting('*', trust), { legacy })).toMatchObject([
      {
        signerThreshold: 2,
        roots: [{ gun: 'docker.io/acme/*', keyIds, field: `${AT}.trust.roots[0]` }],
        firstUse: false,
        repository: { prefix: 'mirror.example.com/hub', signedPrefix: 'docker.io' },
      },
    ]);
  });

  it.each(['signerSecrets', 'signerThreshold', 'trustServer', 'roots', 'firstUse', 'repository'])(
    'is never silently nothing: %s without enabled is a mistake',
    (field) => {
      const values: Record<string, unknown> = {
        signerSecrets: [{ name: 'a' }],
        signerThreshold: 1,
        trustServer: 'https://a',
        roots: [{ keyIds: ['a'.repeat(64)] }],
        firstUse: 'allow',
        repository: { prefix: 'a.io', signedPrefix: 'b.io' },
      };
      const rule = { name: '*', policy: { trust: { [field]: values[field] } } } as JsonObject;
      expect(problemsOf(policyOf('p', [rule]))).toContainEqual(
        `${AT}.trust.enabled: is missing although ${field} asks for something; write true to check it or false not to.`,
      );
    },
  );

  it('holds a threshold to the number of distinct signers', () => {
    const message = `${AT}.trust.signerThreshold: is 2, but signerSecrets names 1 signer; lower it or name more signers.`;
    expect(trustProblems({ signerThreshold: 2, signerSecrets: [{ name: 'a' }] })).toEqual([message]);
    expect(trustProblems({ signerThreshold: 2, signerSecrets: [{ name: 'a' }, { name: 'a' }] })).toEqual([message]);
    expect(trustProblems({ signerThreshold: 2, signerSecrets: [{ name: 'a' }, { name: 'b' }] })).toEqual([]);
    expect(trustProblems({ signerThreshold: 0 })).toHaveLength(1);
  });

  it('wants the host of a registry in both prefixes of a mirror', () => {
    const wrong = [
      { prefix: 'hub', signedPrefix: 'docker.io' },
      { prefix: 'a.io', signedPrefix: 'library' },
      { prefix: 'a..io/x', signedPrefix: 'b.io' },
    ];
    for (const repository of wrong) {
      expect(trustProblems({ repository })).toEqual([
        expect.stringContaining(`${AT}.trust.repository: has a prefix without the host`),
      ]);
    }
  });

  it('lets no mirror go without its digest: mutateImage may not be false beside trust.repository', () => {
    const policy = {
      trust: { enabled: true, repository: { prefix: 'a.io', signedPrefix: 'b.io' } },
      mutateImage: false,
    };
    expect(problemsOf(policyOf('p', [{ name: '*', policy }]))).toEqual([
      `${AT}.mutateImage: must not be false where trust.repository is written: only the digest binds what the mirror gives; take it out.`,
    ]);
    expect(requirements({ name: '*', policy })).toMatchObject([{ type: 'invalid' }]);
  });
});
