import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { LIMITS } from '../../../functions/limits.ts';
import type { Finding } from '../../../functions/policy/finding.ts';
import { lintObject } from '../../../functions/policy/lint.ts';
import { snapshotOf } from '../../../functions/policy/snapshot.ts';
import { type PolicyShape, policyOf, trusting } from '../../support/policies.ts';

const KNOWN = new Set(['docker.io', 'quay.io', 'us.icr.io']);
const look = (object: JsonObject, others: readonly JsonObject[] = []): readonly Finding[] =>
  lintObject(object, snapshotOf(others), (host) => KNOWN.has(host));
/** `severity reason field` of what a policy with these rules is told. */
const told = (repositories: JsonValue, shape: PolicyShape = {}, others: readonly JsonObject[] = []): string[] =>
  look(policyOf('one', repositories, shape), others).map(
    ({ severity, reason, field }) => `${severity} ${reason} ${field.replaceAll('spec.repositories', '')}`,
  );
const named = (...names: string[]): JsonValue => names.map((name) => ({ name }));
const demands = (policy: JsonObject): JsonValue => [{ name: 'quay.io/acme/*', policy }];
const PIN = { keyIds: ['ab'.repeat(32)] };

describe('a policy is told of itself', () => {
  it('nothing where there is nothing to tell', () => {
    expect(told([trusting('docker.io/acme/*'), { name: 'docker.io/acme/base' }, { name: '*' }])).toEqual([]);
  });

  it('what the gate holds against it: that is refused', () => {
    const [finding] = look(policyOf('one', named('docker.io/UPPER')));
    expect(finding).toMatchObject({ severity: 'refused', reason: 'Invalid', field: 'spec.repositories[0].name' });
  });

  it('what the gate warns of: a signer read from the namespace of each workload', () => {
    expect(told([trusting('quay.io/acme/*', { signerSecrets: [{ name: 'alice' }] })])).toEqual([
      'warned Weak [0].policy.trust.signerSecrets[0].namespace',
    ]);
  });

  it('with every message a sentence that says what to do', () => {
    const policies = [
      policyOf('one', named('nginx', 'nginx', 'nginx:1.*', '*example.com/*', 'quay.io/team', 'docker.io/acme*')),
      policyOf('two', []),
      policyOf('three', [trusting('registry.test/*', { firstUse: 'deny', roots: [{ gun: 'quay.io/x/*', ...PIN }] })]),
    ];
    for (const { message } of policies.flatMap((policy) => look(policy))) expect(message).toMatch(/; .+\.$/);
  });

  it('that it has no rule', () => {
    expect(told([])).toEqual(['warned NoRules ']);
    expect(told([], { namespace: 'team' })).toEqual(['warned NoRules ']);
  });
});

describe('a rule that never decides', () => {
  it('is told where the same pattern stands twice in a policy, however it is written', () => {
    expect(told(named('nginx', 'docker.io/library/nginx', 'index.docker.io/library/nginx'))).toEqual([
      'warned DuplicatePattern [1].name',
      'warned DuplicatePattern [2].name',
    ]);
  });

  it('is told where the same pattern stands in a policy that goes first by its name', () => {
    const other = policyOf('a', named('quay.io/acme/*'));
    expect(told(named('quay.io/acme/*'), {}, [other])).toEqual(['warned DuplicatePattern [0].name']);
    const [finding] = look(policyOf('one', named('quay.io/acme/*')), [other]);
    expect(finding?.message).toContain('ClusterImagePolicy a, spec.repositories[0]');
    expect(told(named('quay.io/acme/*'), {}, [policyOf('z', named('quay.io/acme/*'))])).toEqual([]);
  });

  it('is told where a pattern without a star takes every tag before a pattern of tags', () => {
    expect(told(named('nginx:1.*', 'nginx'))).toEqual(['warned UnreachableRule [0].name']);
    expect(told(named('nginx:1.25', 'nginx'))).toEqual([]);
  });

  it('is told where a wider pattern of the same length goes first by its place', () => {
    expect(told(named('quay.io/acme*/*', 'quay.io/acme/*'))).toContain('warned UnreachableRule [1].name');
    expect(told(named('quay.io/acme/*', 'quay.io/acme*/*'))).not.toContain('warned UnreachableRule [1].name');
  });

  it('is not one that a policy of another scope hides', () => {
    const others = [policyOf('a', named('nginx')), policyOf('a', named('nginx'), { namespace: 'other' })];
    expect(told(named('nginx'), { namespace: 'team' }, others)).toEqual([]);
  });

  it('is, in a floor, one that another floor hides: a policy that is none leaves it its use in other namespaces', () => {
    const plain = policyOf('a', named('nginx'));
    const floor = policyOf('b', named('nginx'), { spec: { floor: true } });
    const shape = { spec: { floor: true } };
    expect(told(named('nginx'), shape, [plain])).toEqual([]);
    expect(told(named('nginx'), shape, [plain, floor])).toEqual(['warned DuplicatePattern [0].name']);
  });

  it('is not one that decides on names with a digest, which a tag let in without proof does not', () => {
    const repositories = [{ name: 'quay.io/acme/app:v1' }, trusting('quay.io/acme/app:v1@sha256:*')];
    expect(told(repositories)).toEqual([]);
  });

  it('is not looked for without end: how much was left out is told', () => {
    const many = Array.from({ length: 400 }, (_, index) => `quay.io/acme/app:${index}*`);
    expect(told(named(...many))).toEqual(['warned NotLookedAt ']);
    expect((400 * 399) / 2).toBeGreaterThan(LIMITS.lintComparisons);
  });
});

describe('a pattern is told', () => {
  it('that it is an address, in the words of the gate itself', () => {
    for (const name of ['https://quay.io/acme/*', 'https://quay.io/acme', 'oci://quay.io/acme/*']) {
      const [finding] = look(policyOf('one', named(name)));
      expect(finding).toMatchObject({ severity: 'refused', field: 'spec.repositories[0].name' });
      expect(finding?.message).toMatch(/take (https|oci):\/\/ out/);
    }
  });

  it('that it fits one repository where a namespace was meant', () => {
    expect(told(named('us.icr.io/team'))).toEqual(['warned OneRepositoryOnly [0].name']);
    expect(look(policyOf('one', named('quay.io/team')))[0]?.message).toContain('write quay.io/team/*');
    for (const name of ['registry.example.com/team', 'docker.io/nginx', 'us.icr.io/team/app', 'us.icr.io*'])
      expect(told(named(name))).toEqual([]);
  });

  it('that its star lets in namespaces of anybody', () => {
    expect(told(named('docker.io/acme*'))).toEqual(['warned OpenEndedName [0].name']);
    for (const name of ['docker.io/acme/*', 'nginx*', 'docker.io/*', 'registry.example.com/acme*'])
      expect(told(named(name))).toEqual([]);
  });

  it('that its star lets in hosts of anybody', () => {
    for (const name of ['*example.com/*', 'registry.example.com*/*', '*.*/*'])
      expect(told(named(name))).toEqual(['warned OpenEndedHost [0].name']);
    for (const name of ['*.example.com/*', 'registry*.bluemix.net/armada/*', 'localhost:*/*', '*/*', '*'])
      expect(told(named(name))).toEqual([]);
  });

  it('that no image has such a tag or digest', () => {
    for (const name of ['nginx:-alpine*', 'nginx:.*', 'nginx@abc*', 'nginx@sha256:G*', 'nginx@sha256:AB*'])
      expect(told(named(name))).toEqual(['warned MatchesNothing [0].name']);
    for (const name of ['nginx@sha256:ab*', 'nginx@*', 'nginx:*', 'nginx:*-alpine'])
      expect(told(named(name))).toEqual([]);
  });
});

describe('the demands of a rule are told', () => {
  const trust = (fields: JsonObject): string[] => told([trusting('quay.io/acme/*', fields)]);

  it('that trust is off although signers are named', () => {
    const off = { trust: { enabled: false, signerSecrets: [{ name: 'alice', namespace: 'keys' }] } };
    expect(told(demands(off))).toEqual(['warned TrustIsOff [0].policy.trust.enabled']);
    expect(told(demands({ trust: { enabled: false } }))).toEqual([]);
  });

  it('that no trust server is known for the registry', () => {
    expect(told([trusting('registry.test/*')])).toEqual(['warned NoTrustServer [0].policy.trust.trustServer']);
    expect(told([trusting('registry.test/*', { trustServer: 'https://notary.test' })])).toEqual([]);
    expect(told([trusting('*.test/*'), trusting('*')])).toEqual([]);
  });

  it('that the registry from which a mirror is signed has a trust server, not the mirror itself', () => {
    const repository = { prefix: 'mirror.test/hub', signedPrefix: 'docker.io' };
    expect(told([trusting('mirror.test/hub/*', { repository })])).toEqual([]);
  });

  it('that pins are for no image of the rule: that is refused, for nothing would be pinned', () => {
    const roots = [{ gun: 'quay.io/other/*', ...PIN }];
    expect(trust({ roots })).toEqual(['refused RootsElsewhere [0].policy.trust.roots[0].gun']);
    expect(trust({ roots: [{ gun: 'quay.io/acme', ...PIN }] })).toEqual([
      'refused RootsElsewhere [0].policy.trust.roots[0].gun',
    ]);
    for (const gun of ['*', 'quay.io/*', 'quay.io/acme/*', 'quay.io/acme/app', 'quay.io/acme/a*'])
      expect(trust({ roots: [{ gun, ...PIN }] })).toEqual([]);
  });

  it('that first use is denied and nothing is pinned', () => {
    expect(trust({ firstUse: 'deny' })).toEqual(['warned NothingPinned [0].policy.trust.firstUse']);
    expect(trust({ firstUse: 'deny', roots: [PIN] })).toEqual([]);
  });

  it('that first use is allowed and everything is pinned', () => {
    expect(trust({ firstUse: 'allow', roots: [PIN] })).toEqual([
      'warned FirstUseWithoutEffect [0].policy.trust.firstUse',
    ]);
    expect(trust({ firstUse: 'allow', roots: [{ gun: 'quay.io/acme/app', ...PIN }] })).toEqual([]);
  });

  it('that a map of names is for no image of the rule', () => {
    const repository = { prefix: 'mirror.test/hub', signedPrefix: 'docker.io' };
    expect(trust({ repository })).toEqual(['warned MapElsewhere [0].policy.trust.repository.prefix']);
  });

  it('that a signer is named twice', () => {
    const alice = { name: 'alice', namespace: 'keys' };
    expect(trust({ signerSecrets: [alice, alice] })).toEqual([
      'warned WithoutEffect [0].policy.trust.signerSecrets[1]',
    ]);
  });

  it('that a threshold of no signer is none: the gate itself refuses it', () => {
    expect(trust({ signerSecrets: [{ name: 'alice', namespace: 'keys' }], signerThreshold: 0 })).toEqual([
      'refused Invalid [0].policy.trust.signerThreshold',
    ]);
  });

  it('that reject leaves nothing else of use', () => {
    const reject = { requirements: [{ type: 'reject' }] };
    expect(told(demands({ simple: reject }))).toEqual([]);
    expect(told(demands({ simple: reject, trust: { enabled: true } }))).toEqual([
      'warned AlwaysRefused [0].policy.simple.requirements[0]',
    ]);
  });

  it('that insecureAcceptAnything takes nothing away from trust', () => {
    const simple = { requirements: [{ type: 'insecureAcceptAnything' }] };
    expect(told(demands({ simple, trust: { enabled: true } }))).toEqual([
      'warned WithoutEffect [0].policy.simple.requirements[0]',
    ]);
    expect(told(demands({ simple }))).toEqual([]);
  });

  it('that what this gate cannot check refuses every image', () => {
    expect(told(demands({ simple: { requirements: [{ type: 'signedBy', keySecret: 'key' }] } }))).toEqual([
      'warned AlwaysRefused [0].policy.simple.requirements[0]',
    ]);
    expect(told(demands({ vulnerability: { ICCRVA: { enabled: true } } }))).toEqual([
      'warned AlwaysRefused [0].policy.vulnerability.ICCRVA.enabled',
    ]);
    expect(told(demands({ va: { enabled: true } }), { legacy: true })).toEqual([
      'warned AlwaysRefused [0].policy.va.enabled',
    ]);
  });
});

describe('findings', () => {
  it('are bounded, those that refuse first, with the rest counted', () => {
    const count = LIMITS.problemsPerPolicy + 5;
    const bad = Array.from({ length: count }, (_, index) => ({ name: `quay.io/UPPER${index}` }));
    const open = Array.from({ length: count }, (_, index) => ({ name: `docker.io/a${index}x*` }));
    const findings = look(policyOf('one', [...open, ...bad]));
    expect(findings).toHaveLength(2 * (LIMITS.problemsPerPolicy + 1));
    expect(findings[0]?.severity).toBe('refused');
    expect(findings.at(-1)?.message).toContain('5 more findings');
  });

  it('stand in the order of the rules', () => {
    expect(told(named('nginx:1.*', 'docker.io/acme*', 'nginx', 'quay.io/team'))).toEqual([
      'warned UnreachableRule [0].name',
      'warned OpenEndedName [1].name',
      'warned OneRepositoryOnly [3].name',
    ]);
  });
});
