import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryTrust } from '../../functions/cache/memory.ts';
import { TrustCache } from '../../functions/cache/trust.ts';
import { Authenticator } from '../../functions/io/auth.ts';
import { HttpClient } from '../../functions/io/http.ts';
import { NotaryClient } from '../../functions/io/notary.ts';
import { LIMITS } from '../../functions/limits.ts';
import {
  drip,
  endless,
  gzipBomb,
  type Handler,
  halfway,
  reset,
  respond,
  serve,
  silence,
  TestAuthority,
  type TestServer,
} from '../support/server.ts';
import { TestRepository } from '../support/tuf/repository.ts';

const GUN = 'registry.example/team/app';
const authority = new TestAuthority();
const clock = { now: () => Date.now() };
const repository = new TestRepository({ gun: GUN }).tag('v1', 'a'.repeat(64)).publish();
let server: TestServer;
let http: HttpClient;

beforeAll(async () => {
  server = await serve(authority);
  http = new HttpClient({ ca: authority.ca, env: {} }, clock);
});
afterAll(async () => {
  await http.close();
  await server.close();
});
beforeEach(() => {
  server.seen.length = 0;
  server.routes.clear();
  for (const [name, bytes] of repository.files) server.routes.set(pathOf(name), respond(200, {}, bytes));
});

const pathOf = (name: string) => `/v2/${GUN}/_trust/tuf/${name}.json`;
const open = () =>
  new TrustCache({
    files: new NotaryClient(http, new Authenticator(http, clock, [])),
    memory: new MemoryTrust(),
    clock,
    ttl: 60_000,
    maxBytes: 10_000_000,
  });
const ask = async (cache: TrustCache, ms = 5_000, notBefore?: number) => {
  const address = { server: server.origin, gun: GUN, registry: 'registry.example', credential: undefined };
  return cache.facts({ address, roles: [], notBefore, dryRun: false }, AbortSignal.timeout(ms));
};

describe('a Notary server', () => {
  it('that does well is verified', async () => {
    expect((await ask(open())).targets.targets.get('v1')?.sha256).toBe('a'.repeat(64));
  });

  const fileNames = ['root', 'timestamp', 'snapshot', 'targets'];
  /** The latest name of a role's file, and that under its hash. */
  const namesOf = (role: string) =>
    [...repository.files.keys()].filter((name) => name === role || name.startsWith(`${role}.`));
  const harms: readonly (readonly [string, Handler, readonly string[]])[] = [
    ['answers with 500', respond(500, {}, 'x'.repeat(100_000)), ['TRUST_SERVER_ERROR']],
    ['is busy', respond(429, { 'retry-after': '5' }), ['TRUST_SERVER_BUSY']],
    ['redirects to another host', respond(302, { location: 'http://169.254.169.254/' }), ['REDIRECT_REFUSED']],
    ['breaks off half-way', halfway, ['TRUST_SERVER_UNREACHABLE', 'TRUST_TOO_LARGE', 'TRUST_INCONSISTENT']],
    ['breaks off at once', reset, ['TRUST_SERVER_UNREACHABLE']],
    ['answers without end', endless().handler, ['TRUST_TOO_LARGE', 'TRUST_INCONSISTENT']],
    ['sends a gzip bomb', gzipBomb, ['TRUST_SERVER_ERROR']],
    ['sends nothing but 204', respond(204), ['TRUST_SERVER_ERROR']],
    ['sends a part', respond(206, {}, '{}'), ['TRUST_SERVER_ERROR']],
    [
      'sends a page in its place',
      respond(200, { 'content-type': 'text/html' }, '<html>'),
      ['TRUST_MALFORMED', 'TRUST_INCONSISTENT'],
    ],
    ['is silent', silence, ['DEADLINE']],
    ['drips', drip, ['DEADLINE', 'TRUST_INCONSISTENT']],
  ];
  const cases = harms.flatMap(([what, handler, codes]) => fileNames.map((role) => ({ what, role, handler, codes })));

  it.each(cases)('that $what for $role is refused in time', async ({ role, handler, codes }) => {
    for (const name of namesOf(role)) server.routes.set(pathOf(name), handler);
    // Only what ends at the deadline has a short one, so that a busy machine does not turn the others into it.
    const error = await ask(open(), codes.includes('DEADLINE') ? 300 : 20_000).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(codes).toContain((error as { code: string }).code);
  });

  it('that fails is not asked by a hundred callers a hundred times', async () => {
    server.routes.set(pathOf('timestamp'), respond(500));
    const cache = open();
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => ask(cache)));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    await Promise.allSettled(Array.from({ length: 100 }, () => ask(cache)));
    expect(server.seen.filter(({ url }) => url === pathOf('timestamp'))).toHaveLength(1);
  });

  it('cannot fill the memory by many endless answers at once', async () => {
    server.routes.set(pathOf('root'), endless().handler);
    const before = process.memoryUsage().rss;
    await Promise.allSettled(Array.from({ length: LIMITS.connectionsPerOrigin * 2 }, () => ask(open())));
    expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
    expect(server.connections()).toBeLessThan(500);
  });
});
