import { describe, expect, it } from 'vitest';
import { type ConfigError, parseConfig } from '../../functions/config.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

describe('parseConfig', () => {
  it('gives every option a default', () => {
    expect(parseConfig({})).toEqual({
      enforcementMode: 'enforce',
      events: true,
      tracesOff: false,
      tracesBase: undefined,
      tracesEndpoint: undefined,
      tracesService: 'portieris',
      tracesSampler: 'parentbased_always_on',
      tracesRatio: 1,
      sink: undefined,
      sinkAuthorities: undefined,
      eventExtensions: {},
      eventSource: '/portieris',
      expiryNotice: 14 * 86_400_000,
      port: 8080,
      snapshot: 'policies/embedded',
      trustRecords: undefined,
      logLevel: 'info',
      trustServers: new Map(),
      tokenRealms: [],
      trustCaFile: undefined,
      trustRootsFile: undefined,
      trustFirstUse: true,
      trustGrace: 24 * 3_600_000,
      extraWorkloads: [],
      trustCacheBytes: 64 * 1024 * 1024,
      trustTtl: 60_000,
      deadlineMargin: 500,
      readyTlsPort: undefined,
    });
  });

  it('reads lists of trust servers, token services and kinds', () => {
    const config = parseConfig({
      TRUST_SERVERS: 'registry.demo=https://localhost:4443, HOST:5000=https://notary.example.com/',
      TOKEN_REALMS: 'auth.example.com,auth.example.com:8443',
      EXTRA_WORKLOADS: 'argoproj.io/Rollout=spec.template.spec',
    });
    expect([...config.trustServers]).toEqual([
      ['registry.demo', 'https://localhost:4443'],
      ['host:5000', 'https://notary.example.com'],
    ]);
    expect(config.tokenRealms).toEqual(['auth.example.com', 'auth.example.com:8443']);
    expect(config.extraWorkloads).toEqual([
      { group: 'argoproj.io', kind: 'Rollout', podSpec: ['spec', 'template', 'spec'], optional: false },
    ]);
  });

  it('reports every mistake at once, each with the variable, what is wrong and what it is for', () => {
    const problems = problemsOf({
      PORT: 'http',
      LOG_LEVEL: 'loud',
      TRUST_SERVERS: 'docker.io=http://notary.example.com',
      TOKEN_REALMS: 'https://auth.example.com/token',
      TRUST_CACHE_MIB: '0',
      EXTRA_WORKLOADS: 'Rollout',
      SNAPSHOT: ' ',
    });
    expect(problems.map((problem) => problem.split('=')[0]).toSorted()).toEqual([
      'EXTRA_WORKLOADS',
      'LOG_LEVEL',
      'PORT',
      'SNAPSHOT',
      'TOKEN_REALMS',
      'TRUST_CACHE_MIB',
      'TRUST_SERVERS',
    ]);
    expect(problems.find((problem) => problem.startsWith('PORT='))).toBe(
      'PORT=http: must be a whole number from 0 to 65535 (TCP port of the HTTP server; default "8080")',
    );
  });

  it.each([
    'docker.io=https://user:secret@notary.example.com',
    'docker.io=https://notary.example.com/path',
    'docker.io=https://notary.example.com?x=1',
    '=https://notary.example.com',
    'https://notary.example.com',
  ])('refuses the trust server %s', (value) => {
    expect(problemsOf({ TRUST_SERVERS: value })).toHaveLength(1);
  });

  it.each([
    ['EVENTS', 'yes', 'must be on or off'],
    ['K_SINK', 'broker', 'http'],
    ['K_SINK', 'http://user:secret@broker/', 'no user name or password'],
    ['K_CE_OVERRIDES', '{', 'is not JSON'],
    ['K_CE_OVERRIDES', '{"extensions":{"Cluster":"a"}}', '"Cluster" must be'],
    ['K_CE_OVERRIDES', '{"extensions":{"source":"a"}}', '"source" must be'],
    ['K_CE_OVERRIDES', '{"extensions":{"a":"\\r\\n"}}', '"a" must be'],
    ['CLOUDEVENTS_SOURCE', 'a b', 'URI reference'],
    ['EXPIRY_NOTICE_DAYS', '-1', 'whole number'],
  ])('says what is wrong with %s=%s', (name, value, why) => {
    expect(() => parseConfig({ [name]: value })).toThrow(why);
  });

  it.each(['', '{}', '{"extensions":null}', '{"extensions":{"cluster":"a b"}}'])(
    'takes the overrides %s, as SinkBinding writes them',
    (text) => {
      expect(() => parseConfig({ K_CE_OVERRIDES: text })).not.toThrow();
    },
  );
});
