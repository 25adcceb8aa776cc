import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../support/review.ts';
import { type Authority, makeAuthority } from './support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';
import { type NotaryUser, notaryUser } from './support/notary.ts';
import { answering, breakingAfter, fair, holding, type NotaryProxy, startNotaryProxy } from './support/notaryproxy.ts';
import { type NotaryServer, startNotaryServer } from './support/notaryserver.ts';
import { type PodAnswer, SteadyGate, writeTrusting } from './support/steadygate.ts';

/** A real notary-server that is down, slow, flapping, busy, renewed, and back; the whole service with the time in the test's hands. */

const TTL = 60_000;
const SHORT_MEMORY = 2_000;
const DAY = 24 * 3_600_000;
const HOST = 'registry.test';
const APP = `${HOST}/team/app`;
/** Repositories beside it, each with the tag v1; so many as to tell one flight for each from one for all or one for every caller. */
const OTHERS = Array.from({ length: 8 }, (_, index) => `${HOST}/team/other${index}`);
const CALLERS = 64;
const [A, B] = [digestOf('a'), digestOf('b')];
const LOOPBACK = ['localhost', '127.0.0.1'];

let folder: TemporaryFolder;
let authority: Authority;
let notary: NotaryServer;
let user: NotaryUser;
let proxy: NotaryProxy;
let gate: SteadyGate;
let gates = 0;

const sign = (gun: string, name: string, digest: string) =>
  user.sign(gun, { name, sha256: digest.replace('sha256:', ''), length: 1234 });

beforeAll(async () => {
  folder = await temporaryFolder('steady');
  authority = makeAuthority('steady');
  for (const name of ['notary', 'policies']) await mkdir(join(folder.path, name));
  await writeTrusting(join(folder.path, 'policies'), [`${HOST}/*`]);
  notary = await startNotaryServer({ authority, folder: join(folder.path, 'notary') });
  user = await notaryUser({ folder: join(folder.path, 'user'), ...notary });
  for (const gun of [APP, ...OTHERS]) {
    await user.init(gun);
    await sign(gun, 'v1', A);
  }
  proxy = await startNotaryProxy(notary, authority.issue(LOOPBACK));
});
afterAll(async () => {
  await proxy?.close();
  await notary?.stop();
  await folder?.remove();
});

beforeEach(async () => {
  gate = new SteadyGate({
    SNAPSHOT: join(folder.path, 'policies'),
    TRUST_SERVERS: `${HOST}=${proxy.origin}`,
    TRUST_CA_FILE: notary.authorityFile,
    TRUST_RECORDS: join(folder.path, `records-${++gates}`),
    TRUST_TTL_SECONDS: String(TTL / 1000),
  });
  await gate.open();
});
afterEach(async () => {
  proxy.mend();
  proxy.weather = fair;
  await gate.close();
});

const crowd = (image: string): Promise<PodAnswer[]> =>
  Promise.all(Array.from({ length: CALLERS }, () => gate.pod(image)));
/** A crowd for each of the other repositories, at the same time. */
const crowds = async (): Promise<PodAnswer[]> => (await Promise.all(OTHERS.map((gun) => crowd(`${gun}:v1`)))).flat();
const admitted = (digest: string, image = `${APP}:v1`) => ({ allowed: true, image: `${image}@${digest}` });
const refused = (code: string) => ({ allowed: false, code, message: expect.stringContaining(`[${code}]`) });
/** Files that were asked for since: `gun file`. */
const askedSince = (start: number): string[] =>
  proxy.asked.slice(start).map((path) => path.replace(/^\/v2\/(.+)\/_trust\/tuf\/(.+)\.json$/, '$1 $2'));

describe('while a Notary server is down', () => {
  beforeEach(async () => {
    expect(await gate.pod(`${APP}:v1`)).toMatchObject({ ...admitted(A), warnings: [] });
    gate.now += TTL;
    proxy.cut();
  });

  it('what is cached goes on being admitted, and each answer, its log line and the metric say so', async () => {
    const before = new Date(gate.now - TTL).toISOString();
    for (let count = 1; count <= 3; count += 1) {
      const answer = await gate.pod(`${APP}:v1`);
      expect(answer).toMatchObject(admitted(A));
      expect(answer.warnings.join()).toContain(`${APP}:v1 is admitted by trust data of ${before}: 127.0.0.1:`);
      expect(gate.log.at(-1)).toMatchObject({ message: 'admitted', images: [{ warning: answer.warnings[0] }] });
      expect(await gate.counted('stale')).toBe(count);
    }
  });

  it('it is admitted until its timestamp expires, and not a moment longer', async () => {
    const { now } = gate;
    for (const days of [1, 7, 13]) {
      gate.now = now + days * DAY;
      expect(await gate.pod(`${APP}:v1`), `day ${days}`).toMatchObject(admitted(A));
    }
    gate.now = now + 15 * DAY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
  });

  it('the rest is refused with the code that says so: another repository, another tag, another digest', async () => {
    for (const image of [`${OTHERS[0]}:v1`, `${APP}:v2`, `${APP}@${B}`])
      expect(await gate.pod(image), image).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
    expect(gate.log.at(-1)).toMatchObject({ message: 'refused', images: [{ code: 'TRUST_SERVER_UNREACHABLE' }] });
  });

  it('a gate that starts in the middle of it refuses, and admits when the server is back', async () => {
    await gate.open();
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
    proxy.mend();
    gate.now += SHORT_MEMORY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject({ ...admitted(A), warnings: [] });
  });

  it('what was signed meanwhile counts at the first look after it, and the warning ends', async () => {
    const image = `${OTHERS[7]}:v1`;
    proxy.mend();
    expect(await gate.pod(image)).toMatchObject(admitted(A, image));
    gate.now += TTL;
    proxy.cut();
    await sign(OTHERS[7] ?? '', 'v1', B);
    const stale = await gate.pod(image);
    expect(stale).toMatchObject(admitted(A, image));
    expect(stale.warnings).toHaveLength(1);
    proxy.mend();
    gate.now += SHORT_MEMORY;
    expect(await gate.pod(image)).toMatchObject({ ...admitted(B, image), warnings: [] });
  });
});

describe('a Notary server that comes back', () => {
  it('is met by one look for each repository, however many callers there are', async () => {
    await crowds();
    gate.now += TTL;
    proxy.cut();
    for (const answer of await crowds()) expect(answer.allowed).toBe(true);
    // On a machine that is busy, callers with something to fall back on do not wait for the end of the look.
    await expect.poll(() => gate.counted('fault')).toBe(OTHERS.length);
    proxy.mend();
    // Within the short memory of the failure nobody asks.
    const start = proxy.asked.length;
    await crowds();
    expect(askedSince(start)).toEqual([]);
    gate.now += SHORT_MEMORY;
    for (const answer of await crowds()) expect(answer).toMatchObject({ allowed: true, warnings: [] });
    expect(askedSince(start).toSorted()).toEqual(OTHERS.map((gun) => `${gun} timestamp`).toSorted());
  });

  it('is met by one look for each repository of which nothing is cached, too', async () => {
    proxy.cut();
    for (const answer of await crowds()) expect(answer).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
    expect(await gate.counted('fault')).toBe(OTHERS.length);
    proxy.mend();
    gate.now += SHORT_MEMORY;
    const start = proxy.asked.length;
    for (const answer of await crowds()) expect(answer.allowed).toBe(true);
    const asked = askedSince(start);
    expect(asked).toHaveLength(new Set(asked).size);
    expect(asked.filter((file) => file.endsWith(' timestamp'))).toHaveLength(OTHERS.length);
  });
});

describe('a Notary server that is slow', () => {
  it('is not waited for beyond the deadline by what is not cached, and the look that went on serves the next caller', async () => {
    const { weather, release } = holding();
    proxy.weather = weather;
    const start = proxy.asked.length;
    const answers = await Promise.all(Array.from({ length: CALLERS }, () => gate.pod(`${APP}:v1`, 1_000)));
    for (const answer of answers) expect(answer).toMatchObject(refused('DEADLINE'));
    expect(proxy.waiting()).toBeGreaterThan(0);
    release();
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(admitted(A));
    const asked = askedSince(start);
    expect(asked).toHaveLength(new Set(asked).size);
  });

  it('is asked once for what is cached, and all the others go on by it', async () => {
    await gate.pod(`${APP}:v1`);
    gate.now += TTL;
    const { weather, release } = holding();
    proxy.weather = weather;
    const start = proxy.asked.length;
    for (let wave = 0; wave < 3; wave += 1)
      for (const answer of await crowd(`${APP}:v1`)) {
        expect(answer).toMatchObject(admitted(A));
        expect(answer.warnings).toHaveLength(1);
      }
    expect(askedSince(start)).toEqual([`${APP} timestamp`]);
    expect(await gate.counted('stale')).toBe(3 * CALLERS);
    release();
    await expect.poll(async () => (await gate.pod(`${APP}:v1`)).warnings).toEqual([]);
  });
});

describe('a Notary server that flaps', () => {
  it('breaks off a first look at any of its requests: refused and named; whole a moment later', async () => {
    for (let passed = 0; passed < 4; passed += 1) {
      await gate.open();
      proxy.weather = breakingAfter(passed);
      const answer = await gate.pod(`${APP}:v1`);
      expect(answer, `after ${passed}`).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
      proxy.weather = fair;
      gate.now += SHORT_MEMORY;
      expect(await gate.pod(`${APP}:v1`), `after ${passed}`).toMatchObject(admitted(A));
    }
  });

  it('changes nothing for what is cached, whatever it answers in between, and is followed at each good moment', async () => {
    const image = `${OTHERS[6]}:v1`;
    let signed = A;
    expect(await gate.pod(image)).toMatchObject(admitted(A, image));
    const bad = [answering(500), answering(502), answering(503), answering(504), breakingAfter(0), answering(429)];
    for (const weather of bad) {
      proxy.weather = weather;
      gate.now += TTL;
      const next = signed === A ? B : A;
      const stale = await gate.pod(image);
      expect(stale).toMatchObject(admitted(signed, image));
      expect(stale.warnings).toHaveLength(1);
      await sign(OTHERS[6] ?? '', 'v1', next);
      proxy.weather = fair;
      gate.now += SHORT_MEMORY;
      expect(await gate.pod(image)).toMatchObject({ ...admitted(next, image), warnings: [] });
      signed = next;
    }
  });
});

describe('a Notary server that asks for rest', () => {
  const rest = 30_000;

  it('has it for all its repositories: cached ones serve, others are refused with the time to wait, and nobody asks before', async () => {
    await gate.pod(`${APP}:v1`);
    gate.now += TTL;
    proxy.weather = answering(429, { 'retry-after': String(rest / 1000) });
    const stale = await gate.pod(`${APP}:v1`);
    expect(stale).toMatchObject(admitted(A));
    expect(stale.warnings.join()).toContain('HTTP 429');
    proxy.weather = fair;
    const start = proxy.asked.length;
    for (const answer of await crowds()) {
      expect(answer).toMatchObject(refused('TRUST_SERVER_BUSY'));
      expect(answer.message).toContain('retry after 30 seconds');
    }
    gate.now += rest - 1;
    for (const answer of await crowd(`${APP}:v1`)) expect(answer).toMatchObject(admitted(A));
    expect(askedSince(start)).toEqual([]);
    gate.now += 1;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject({ ...admitted(A), warnings: [] });
    expect(await gate.pod(`${OTHERS[0]}:v1`)).toMatchObject({ allowed: true, warnings: [] });
  });
});

describe('a clock that jumps', () => {
  it('ahead by an hour costs one look; back by an hour one more, and nothing is refused', async () => {
    await gate.pod(`${APP}:v1`);
    for (const jump of [3_600_000, -3_600_000, 3_600_000, -7_200_000]) {
      gate.now += jump;
      const start = proxy.asked.length;
      for (const answer of await crowd(`${APP}:v1`)) expect(answer).toMatchObject({ ...admitted(A), warnings: [] });
      expect(askedSince(start), String(jump)).toEqual([`${APP} timestamp`]);
    }
  });

  it('beyond the expiry of the timestamp refuses as expired, and back admits at once', async () => {
    await gate.pod(`${APP}:v1`);
    gate.now += 15 * DAY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(refused('TRUST_EXPIRED'));
    gate.now -= 15 * DAY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject({ ...admitted(A), warnings: [] });
  });

  it('back in the middle of an outage serves nothing that was verified in a time that has not come yet', async () => {
    gate.now += DAY;
    await gate.pod(`${APP}:v1`);
    proxy.cut();
    gate.now -= DAY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
    proxy.mend();
    gate.now += SHORT_MEMORY;
    expect(await gate.pod(`${APP}:v1`)).toMatchObject(admitted(A));
  });
});

describe('the certificate of a Notary server', () => {
  it('is renewed under the same authority, and nobody notices', async () => {
    for (let round = 0; round < 3; round += 1) {
      proxy.present(authority.issue(LOOPBACK));
      gate.now += TTL;
      for (const answer of await crowd(`${APP}:v1`)) expect(answer).toMatchObject({ ...admitted(A), warnings: [] });
    }
  });

  it('of an authority that nobody named is refused by name; what is cached goes on until the right one is back', async () => {
    await gate.pod(`${APP}:v1`);
    gate.now += TTL;
    proxy.present(makeAuthority('another').issue(LOOPBACK));
    const stale = await gate.pod(`${APP}:v1`);
    expect(stale).toMatchObject(admitted(A));
    expect(stale.warnings.join()).toContain('certificate');
    expect(await gate.pod(`${OTHERS[0]}:v1`)).toMatchObject(refused('TRUST_SERVER_UNREACHABLE'));
    proxy.present(authority.issue(LOOPBACK));
    gate.now += SHORT_MEMORY;
    expect(await gate.pod(`${OTHERS[0]}:v1`)).toMatchObject({ allowed: true });
    expect(await gate.pod(`${APP}:v1`)).toMatchObject({ ...admitted(A), warnings: [] });
  });
});
