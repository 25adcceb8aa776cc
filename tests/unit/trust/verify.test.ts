import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { TrustCache } from '../../../functions/cache/trust.ts';
import { Fault } from '../../../functions/codes.ts';
import type { JsonObject } from '../../../functions/json.ts';
import type { Mode } from '../../../functions/policy/policy.ts';
import { selectRule } from '../../../functions/policy/select.ts';
import { snapshotOf } from '../../../functions/policy/snapshot.ts';
import type { AdmittedMemory, Credential, CredentialQuery, NotaryFiles, TrustQuery } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import type { Prover } from '../../../functions/trust/question.ts';
import { verifyImage } from '../../../functions/trust/verify.ts';
import { image, policyOf, trusting } from '../../support/policies.ts';
import { NOW } from '../../support/tuf/look.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const A = 'aa'.repeat(32);
const alone: Credential = { username: 'u', password: 'p', identityToken: undefined };

let repository: TestRepository;
let credentials: readonly Credential[];
let asked: CredentialQuery[];
let queries: TrustQuery[];
let fail: (query: TrustQuery) => Error | undefined;
let files: NotaryFiles;
beforeEach(() => {
  repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW }).tag('v1', A).publish();
  credentials = [];
  asked = [];
  queries = [];
  fail = () => undefined;
  files = filesOf(repository);
});

function prover(more: Partial<Prover> = {}): Prover {
  const clock = { now: () => NOW };
  const cache = new TrustCache({ files, memory: new MemoryTrust(), clock, ttl: 60_000, maxBytes: 1e7 });
  return {
    trust: {
      facts: async (query, signal) => {
        queries.push(query);
        const error = fail(query);
        if (error !== undefined) throw error;
        return cache.facts(query, signal);
      },
    },
    cluster: { secret: async () => undefined },
    credentials: {
      credentials: async (query) => {
        asked.push(query);
        return credentials;
      },
    },
    clock,
    trustServers: new Map(),
    ...more,
  };
}
const verify = (
  rules: JsonObject[],
  written = 'nginx:v1',
  {
    spec = {},
    mode = 'enforce',
    floor,
    ...more
  }: Partial<Prover> & { spec?: JsonObject; mode?: Mode; floor?: JsonObject[] } = {},
) => {
  const below = floor === undefined ? [] : [policyOf('floor', floor, { spec: { floor: true } })];
  const own = policyOf('p', rules, floor === undefined ? { spec } : { spec, namespace: 'team' });
  const selected = selectRule(snapshotOf([own, ...below]), 'team', image(written));
  if (!selected.ok) throw new Error(selected.refusal.message);
  const question = {
    reference: image(written),
    rule: selected.value,
    namespace: 'team',
    workload: { pullSecrets: ['pull'], serviceAccount: 'default' },
    dryRun: false,
    mode,
  };
  return verifyImage(prover(more), question, new AbortController().signal);
};

describe('verifyImage', () => {
  it('asks nobody where the rule asks for nothing', async () => {
    expect(await verify([{ name: '*' }])).toEqual({ outcome: 'trusted', digest: undefined, evidence: [] });
    expect([asked, queries]).toEqual([[], []]);
  });

  it('gives the digest that was signed, with what was seen', async () => {
    const verdict = await verify([trusting('*')]);
    expect(verdict).toMatchObject({ outcome: 'trusted', digest: `sha256:${A}` });
    expect(verdict.outcome === 'trusted' && verdict.evidence.length).toBeGreaterThan(3);
  });

  it('asks for the credentials of the repository under which the image is signed, and for no server twice', async () => {
    await verify(
      [trusting('*', { repository: { prefix: 'm.io/hub', signedPrefix: 'docker.io' } })],
      'm.io/hub/nginx:v1',
    );
    expect(asked).toEqual([
      {
        namespace: 'team',
        pullSecrets: ['pull'],
        serviceAccount: 'default',
        registry: 'docker.io',
        repository: 'library/nginx',
      },
    ]);
    expect(queries.map(({ address }) => [address.server, address.gun, address.registry])).toEqual([
      ['https://notary.docker.io', 'docker.io/library/nginx', 'docker.io'],
    ]);
  });

  it('asks anonymously after every credential that is refused, and no further than one that is taken', async () => {
    credentials = [alone];
    fail = ({ address }) => (address.credential === undefined ? undefined : new Fault('AUTH_REFUSED', 'no'));
    expect(await verify([trusting('*')])).toMatchObject({ outcome: 'trusted' });
    expect(queries.map(({ address }) => address.credential?.username)).toEqual(['u', undefined]);
  });

  it('says of what it admits in an outage of the trust server since when its proof stands, and why', async () => {
    const since = Date.UTC(2026, 4, 31, 12);
    const cause = new Fault('TRUST_SERVER_UNREACHABLE', 'notary.example refused the connection.');
    const { trust } = prover();
    const unanswered: Prover['trust'] = {
      facts: async (query, signal) => ({ ...(await trust.facts(query, signal)), unanswered: { since, cause } }),
    };
    expect(await verify([trusting('*')], 'nginx:v1', { trust: unanswered })).toMatchObject({
      outcome: 'trusted',
      warning: 'nginx:v1 is admitted by trust data of 2026-05-31T12:00:00.000Z: notary.example refused the connection.',
    });
  });

  it('looks again at fresh data before it refuses', async () => {
    expect(await verify([trusting('*')], 'nginx:unsigned')).toMatchObject({
      outcome: 'denied',
      code: 'TRUST_NOT_SIGNED',
    });
    expect(queries.map(({ notBefore }) => notBefore)).toEqual([undefined, NOW - 2_000]);
  });

  it.each<[string, Error, object]>([
    [
      'a fault',
      new Fault('TRUST_SERVER_UNREACHABLE', 'down'),
      { outcome: 'unknown', fault: { code: 'TRUST_SERVER_UNREACHABLE' } },
    ],
    [
      'trust data that does not hold',
      new TrustError('TRUST_EXPIRED', 'old'),
      { outcome: 'denied', code: 'TRUST_EXPIRED', message: 'old' },
    ],
  ])('is no pass with %s', async (_, error, expected) => {
    fail = () => error;
    expect(await verify([trusting('*')])).toMatchObject(expected);
  });

  it('says of which look an admission is noted: of the first, of an image with a tag, where somebody notes', async () => {
    const noting: string[] = [];
    const admitted: AdmittedMemory = {
      note: ({ sha256 }, { gun }) => void noting.push(`${gun} ${sha256}`),
      settled: async () => undefined,
      pardon: async () => undefined,
    };
    await verify([trusting('*')], 'nginx:v1', { admitted });
    await verify([trusting('*')], `nginx@sha256:${A}`, { admitted });
    await verify([trusting('*')], 'nginx:none', { admitted });
    await verify([trusting('*')], 'nginx:v1');
    expect(queries.map(({ noted }) => noted)).toEqual([true, false, true, false, false]);
    expect(noting).toEqual([`docker.io/library/nginx ${A}`, `docker.io/library/nginx ${A}`]);
  });

  it('throws what is a bug, for the caller to refuse', async () => {
    fail = () => new TypeError('oops');
    await expect(verify([trusting('*')])).rejects.toThrow(TypeError);
  });

  it('holds a certain refusal above a missing answer, so that a retry is not promised', async () => {
    fail = () => new Fault('TRUST_SERVER_UNREACHABLE', 'down');
    const policy = { trust: { enabled: true }, simple: { requirements: [{ type: 'reject' }] } };
    expect(await verify([{ name: '*', policy }])).toMatchObject({ outcome: 'denied', code: 'POLICY_REJECTS' });
  });

  it.each<[JsonObject, string]>([
    [{ simple: { requirements: [{ type: 'reject' }] } }, 'POLICY_REJECTS'],
    [{ simple: { requirements: [{ type: 'signedBy' }] } }, 'POLICY_UNSUPPORTED'],
    [{ trust: { enabled: 'yes' } }, 'POLICY_INVALID'],
  ])('denies under %j with %s', async (policy, code) => {
    expect(await verify([{ name: '*', policy }])).toMatchObject({ outcome: 'denied', code });
  });

  it('denies an image whose host has no trust server, of the name it is signed under', async () => {
    expect(await verify([trusting('*')], 'example.com/x/y')).toMatchObject({
      code: 'TRUST_NO_SERVER',
      message: 'No trust server is known for example.com.',
    });
  });

  it.each<[JsonObject, boolean | undefined, boolean]>([
    [{}, undefined, true],
    [{}, false, false],
    [{ firstUse: 'allow' }, undefined, true],
    [{ firstUse: 'allow' }, false, false],
    [{ firstUse: 'deny' }, true, false],
    [{ roots: [{ gun: 'quay.io/x/*', keyIds: [A] }] }, true, false],
    [{ roots: [{ gun: 'quay.io/x/*', keyIds: [A] }], firstUse: 'allow' }, true, true],
  ])('with %j and a cluster that says %s takes a root at first sight: %s', async (trust, firstUse, expected) => {
    await verify([trusting('*', trust)], 'nginx:v1', firstUse === undefined ? {} : { firstUse });
    expect(queries[0]).toMatchObject({ pins: undefined, firstUse: expected });
  });

  it('asks under the pins of the policy, and under the roles of its signers', async () => {
    await verify([trusting('*', { roots: [{ keyIds: [A] }] })]);
    expect(queries[0]?.pins?.keyIds).toEqual(new Set([A]));
  });
});

describe('a rule with a mode', () => {
  const unsigned = 'nginx:none';
  const ruled = (mode: string, trust: JsonObject = {}) => ({
    name: '*',
    policy: { trust: { enabled: true, ...trust }, mode },
  });

  it('lets an image pass whose proof fails, and says why it would be refused', async () => {
    expect(await verify([ruled('warn')], unsigned)).toMatchObject({
      outcome: 'tolerated',
      digest: undefined,
      failures: [{ mode: 'warn', code: 'TRUST_NOT_SIGNED' }],
    });
  });

  it('lets an image pass for which there is no answer', async () => {
    fail = () => new Fault('TRUST_SERVER_UNREACHABLE', 'It is down.');
    const verdict = await verify([ruled('audit')]);
    expect(verdict).toMatchObject({ outcome: 'tolerated', failures: [{ code: 'TRUST_SERVER_UNREACHABLE' }] });
  });

  it('gives the digest of what is signed as any other', async () => {
    expect(await verify([ruled('audit')])).toMatchObject({ outcome: 'trusted', digest: `sha256:${A}` });
  });

  it('has its own mode, whatever the cluster is set to', async () => {
    expect(await verify([ruled('enforce')], unsigned, { mode: 'audit' })).toMatchObject({ outcome: 'denied' });
    expect(await verify([trusting('*')], unsigned, { mode: 'audit' })).toMatchObject({ outcome: 'tolerated' });
  });

  it('does not soften the floor: what that refuses is refused', async () => {
    const floor = [trusting('*')];
    const reject = { name: '*', policy: { simple: { requirements: [{ type: 'reject' }] }, mode: 'audit' } };
    expect(await verify([reject], unsigned, { floor })).toMatchObject({ outcome: 'denied', code: 'TRUST_NOT_SIGNED' });
  });

  it('that fails is tolerated with the digest that the floor had proven, so that nothing else runs', async () => {
    const reject = { name: '*', policy: { simple: { requirements: [{ type: 'reject' }] }, mode: 'warn' } };
    expect(await verify([reject], 'nginx:v1', { floor: [trusting('*')] })).toMatchObject({
      outcome: 'tolerated',
      digest: `sha256:${A}`,
      failures: [{ code: 'POLICY_REJECTS', mode: 'warn' }],
    });
  });

  it('of the floor counts for what the floor demands', async () => {
    const verdict = await verify([{ name: '*' }], unsigned, { floor: [ruled('audit')] });
    expect(verdict).toMatchObject({ outcome: 'tolerated', failures: [{ mode: 'audit' }] });
  });
});
