import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCommand } from '../../../functions/certs/command.ts';
import { expiryOf, faultOf, issuePair, type Pair, splitPem } from '../../../functions/certs/issue.ts';
import { planStep, type Schedule, type State, type StoredPair } from '../../../functions/certs/plan.ts';
import { type Run, rotate } from '../../../functions/certs/rotate.ts';
import type { CertificateStore } from '../../../functions/certs/store.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { type Started, startNode } from '../../support/process.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 24);
const NAME = 'portieris-admission.portieris.svc';
const ORDER = { names: [NAME], days: 90, bits: 2048 };
const SCHEDULE: Schedule = { names: [NAME], renewBefore: 30 * DAY, overlap: 120_000, settle: 600_000, force: false };

/** Pairs that tests share: making one takes a good part of a second. */
let first: Pair;
let second: Pair;
beforeAll(() => {
  first = issuePair(ORDER, NOW);
  second = issuePair(ORDER, NOW);
});

const stored = (pair: Pair, more: Partial<StoredPair> = {}): StoredPair => ({
  ...pair,
  resourceVersion: '1',
  bundledAt: undefined,
  servedAt: NOW,
  ...more,
});
const both = (...pairs: Pair[]): string => pairs.map(({ ca }) => ca).join('\n');

describe('a pair', () => {
  it('is for its names, for TLS servers alone, signed by an authority that signs nothing below it', () => {
    const certificate = new X509Certificate(first.certificate);
    const authority = new X509Certificate(first.ca);
    expect(certificate.subjectAltName).toBe(`DNS:${NAME}`);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect([certificate.ca, authority.ca]).toEqual([false, true]);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048 });
    expect(certificate.serialNumber).not.toBe(authority.serialNumber);
    expect(faultOf(first, [NAME], NOW)).toBeNull();
  });

  it('is served by node:tls to a caller who trusts its authority alone and asks for its name', async () => {
    const pair = issuePair(ORDER, Date.now());
    const server = createServer({ cert: pair.certificate, key: pair.key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', ca: pair.ca, servername: NAME });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
    const wrong = connect({ port, host: '127.0.0.1', ca: first.ca, servername: NAME });
    expect((await once(wrong, 'error'))[0]).toMatchObject({ code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) });
    server.close();
  });

  it('holds from a little before it was made to its last day', () => {
    const certificate = new X509Certificate(first.certificate);
    expect(certificate.validFromDate.getTime()).toBeLessThan(NOW);
    expect(expiryOf(first)).toBe(NOW + 90 * DAY);
    expect(faultOf(first, [NAME], NOW + 90 * DAY)).toContain('expired');
  });

  it.each<[string, () => Pair, RegExp]>([
    ['another key', () => ({ ...first, key: second.key }), /key is not that of the certificate/],
    ['another authority', () => ({ ...first, ca: second.ca }), /not signed by the authority/],
    ['a text for a certificate', () => ({ ...first, certificate: 'x' }), /can not be read/],
    ['no key', () => ({ ...first, key: '' }), /can not be read/],
  ])('with %s is not good', (_, pair, said) => {
    expect(faultOf(pair(), [NAME], NOW)).toMatch(said);
  });

  it('for another name is not good', () => {
    expect(faultOf(first, ['other.portieris.svc'], NOW)).toContain('not for other.portieris.svc');
  });
});

describe('the next step', () => {
  const step = (state: Partial<State>, schedule: Partial<Schedule> = {}, now = NOW) =>
    planStep({ bundle: undefined, current: undefined, next: undefined, ...state }, { ...SCHEDULE, ...schedule }, now);

  it('is to make a certificate where there is none', () => {
    expect(step({})).toMatchObject({ do: 'create' });
  });

  it('is to rest where no webhook is configured yet, and where all is in order', () => {
    expect(step({ current: stored(first) })).toMatchObject({ do: 'rest' });
    expect(step({ current: stored(first), bundle: first.ca })).toMatchObject({ do: 'rest', until: NOW + 60 * DAY });
  });

  it('is to fill a caBundle that lacks the authority, keeping what stands there', () => {
    expect(step({ current: stored(first), bundle: '' })).toMatchObject({
      do: 'bundle',
      authorities: [first.ca.trim()],
    });
    const filled = step({ current: stored(first), bundle: second.ca });
    expect(filled).toMatchObject({ do: 'bundle', authorities: [second.ca.trim(), first.ca.trim()] });
  });

  it('is to prepare another when thirty days are left, or when that is asked for', () => {
    const state = { current: stored(first), bundle: first.ca };
    expect(step(state, {}, NOW + 60 * DAY - 1)).toMatchObject({ do: 'rest' });
    expect(step(state, {}, NOW + 60 * DAY)).toMatchObject({ do: 'prepare' });
    expect(step(state, { force: true })).toMatchObject({ do: 'prepare' });
  });

  it('puts the new authority into the caBundle first, waits, serves the certificate, waits, and drops the old authority', () => {
    const current = stored(first);
    expect(step({ current, next: stored(second), bundle: first.ca })).toMatchObject({ do: 'bundle', marksNext: true });
    const next = stored(second, { bundledAt: NOW });
    const rotating = { current, next, bundle: both(first, second) };
    expect(step(rotating)).toMatchObject({ do: 'wait', until: NOW + 120_000 });
    expect(step(rotating, {}, NOW + 120_000)).toMatchObject({ do: 'promote' });
    const served = { current: stored(second, { servedAt: NOW }), next, bundle: both(first, second) };
    expect(step(served)).toMatchObject({ do: 'discard' });
    const settled = { current: stored(second, { servedAt: NOW }), bundle: both(first, second) };
    expect(step(settled)).toMatchObject({ do: 'wait', until: NOW + 600_000 });
    expect(step(settled, {}, NOW + 600_000)).toMatchObject({ do: 'bundle', authorities: [second.ca.trim()] });
  });

  it('never serves a certificate whose authority the caBundle lacks, whoever emptied it', () => {
    const next = stored(second, { bundledAt: NOW });
    expect(step({ current: stored(first), next, bundle: first.ca }, {}, NOW + DAY)).toMatchObject({ do: 'bundle' });
  });

  it('replaces a certificate that is broken at once, by the next one where that is good', () => {
    const broken = stored({ ...first, key: second.key });
    expect(step({ current: broken, bundle: first.ca })).toMatchObject({ do: 'replace' });
    expect(step({ current: broken, next: stored(second), bundle: first.ca })).toMatchObject({ do: 'promote' });
  });

  it('throws a next certificate away that is broken', () => {
    const next = stored({ ...second, certificate: 'x' });
    expect(step({ current: stored(first), next, bundle: first.ca })).toMatchObject({ do: 'discard' });
  });
});

/** Secrets and webhook configuration in memory, with the versions that Kubernetes compares. */
class MemoryStore implements CertificateStore {
  current: StoredPair | undefined;
  next: StoredPair | undefined;
  caBundle: string | undefined = '';
  #version = 0;
  #bundleVersion = 0;
  #seen = 0;

  async read(): Promise<State> {
    this.#seen = this.#bundleVersion;
    return { bundle: this.caBundle, current: this.current, next: this.next };
  }
  async serve(pair: Pair, resourceVersion: string | undefined, now: number): Promise<boolean> {
    if (this.current?.resourceVersion !== resourceVersion) return false;
    this.current = { ...pair, resourceVersion: String(++this.#version), bundledAt: undefined, servedAt: now };
    return true;
  }
  async prepare(pair: Pair): Promise<boolean> {
    if (this.next !== undefined) return false;
    this.next = { ...pair, resourceVersion: String(++this.#version), bundledAt: undefined, servedAt: undefined };
    return true;
  }
  async mark(now: number): Promise<boolean> {
    if (this.next === undefined) return false;
    this.next = { ...this.next, resourceVersion: String(++this.#version), bundledAt: now };
    return true;
  }
  async discard(resourceVersion: string): Promise<boolean> {
    if (this.next?.resourceVersion !== resourceVersion) return false;
    this.next = undefined;
    return true;
  }
  async bundle(authorities: readonly string[]): Promise<boolean> {
    if (this.#seen !== this.#bundleVersion) return false;
    this.#bundleVersion += 1;
    this.caBundle = authorities.join('\n');
    return true;
  }
}

describe('a run', () => {
  const run = (more: Partial<Run['schedule']> = {}, patience = DAY): Run => ({
    order: ORDER,
    schedule: { ...SCHEDULE, ...more },
    patience,
  });
  /** Pairs in turn, so that a test makes none of its own. */
  const issuing = () => {
    const pairs = [first, second];
    return () => pairs.shift() ?? issuePair(ORDER, NOW);
  };

  it('at first makes a certificate and fills the caBundle', async () => {
    const store = new MemoryStore();
    const steps: string[] = [];
    const last = await rotate(run(), {
      store,
      now: () => NOW,
      sleep: async () => undefined,
      report: (step) => steps.push(step.do),
      issue: issuing(),
    });
    expect(steps).toEqual(['create', 'bundle', 'rest']);
    expect(last.do).toBe('rest');
    expect(splitPem(store.caBundle ?? '')).toEqual(splitPem(first.ca));
  });

  it('through a rotation, at no moment serves what a caller of that moment, or of the overlap before, would refuse', async () => {
    const store = new MemoryStore();
    let now = NOW;
    const issue = issuing();
    const around = { store, now: () => now, report: () => undefined, issue };
    await rotate(run(), { ...around, sleep: async () => undefined });
    const bundles: { readonly at: number; readonly text: string }[] = [];
    /** Every caller within the overlap may still hold an older caBundle; every pod within the settling an older certificate. */
    const look = (): void => {
      bundles.push({ at: now, text: store.caBundle ?? '' });
      const held = bundles.filter(({ at }) => at > now - SCHEDULE.overlap).map(({ text }) => text);
      for (const text of held) expect(text).toContain(splitPem(store.current?.ca ?? 'none')[0]);
    };
    const steps: string[] = [];
    await rotate(run({ force: true }), {
      ...around,
      report: (step) => {
        look();
        steps.push(step.do);
      },
      sleep: async (milliseconds) => {
        look();
        now += milliseconds;
        look();
      },
    });
    expect(steps).toEqual(['prepare', 'bundle', 'wait', 'promote', 'discard', 'wait', 'bundle', 'rest']);
    expect(splitPem(store.caBundle ?? '')).toEqual(splitPem(second.ca));
  });

  it('beside another run ends with one pair and its authority', async () => {
    const store = new MemoryStore();
    const around = { store, now: () => NOW, sleep: async () => undefined, report: () => undefined };
    await Promise.all([rotate(run(), around), rotate(run(), around), rotate(run(), around)]);
    expect(splitPem(store.caBundle ?? '')).toContain(splitPem(store.current?.ca ?? '')[0]);
    expect(faultOf(store.current ?? first, [NAME], NOW)).toBeNull();
  });

  it('leaves to the next one what lies beyond its patience', async () => {
    const store = new MemoryStore();
    const around = {
      store,
      now: () => NOW,
      sleep: () => Promise.reject(new Error('it waited')),
      report: () => undefined,
      issue: issuing(),
    };
    await rotate(run(), around);
    expect(await rotate(run({ force: true }, 1000), around)).toMatchObject({ do: 'wait' });
  });
});

describe('the command line', () => {
  let folder: TemporaryFolder;
  let started: Started;
  beforeAll(async () => {
    folder = await temporaryFolder('certs');
  });
  afterAll(() => folder.remove());
  afterEach(() => started?.kill());
  const run = async (...args: string[]): Promise<number | null> => {
    started = startNode(['functions/certs/main.ts', ...args]);
    return started.ended;
  };

  it('says what it can do', async () => {
    expect(await run('--help')).toBe(0);
    expect(started.text()).toContain('--renew-days N');
    expect(await run()).toBe(0);
  });

  it('names every mistake at once', () => {
    expect(() =>
      parseCommand(['cluster', 'x', '--days', '0', '--bits', '512', '--namespace', 'No', '--renew-days', 'z']),
    ).toThrow(/"x" is one argument too many\n--bits must.*\n--namespace is not.*\n--days must.*\n--renew-days must/);
    expect(() => parseCommand(['fles'])).toThrow(/"fles" is none of files, secret, cluster/);
  });

  it('writes three files, the key for its owner alone, and none over another', async () => {
    const out = join(folder.path, 'certs');
    expect(await run('files', '--out', out)).toBe(0);
    expect((await stat(join(out, 'tls.key'))).mode & 0o777).toBe(0o600);
    const read = async (name: string): Promise<string> => readFile(join(out, name), 'utf8');
    const pair = { ca: await read('ca.crt'), certificate: await read('tls.crt'), key: await read('tls.key') };
    expect(faultOf(pair, [NAME], Date.now())).toBeNull();
    expect(await run('files', '--out', out)).toBe(1);
    expect(started.text()).toContain('--force');
    expect(await read('tls.key')).toBe(pair.key);
    expect(await run('files', '--out', out, '--force')).toBe(0);
    expect(await read('tls.key')).not.toBe(pair.key);
  });

  it('writes nothing where one of the files is there', async () => {
    const out = join(folder.path, 'half');
    await mkdir(out);
    await writeFile(join(out, 'tls.key'), 'mine');
    expect(await run('files', '--out', out)).toBe(1);
    expect(existsSync(join(out, 'ca.crt'))).toBe(false);
  });

  it('prints a Secret that kubectl takes', async () => {
    expect(await run('secret', '--namespace', 'gate', '--service', 'hook')).toBe(0);
    const secret = parse(started.text()) as { type: string; metadata: object; stringData: Record<string, string> };
    expect(secret).toMatchObject({
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'portieris-tls', namespace: 'gate' },
    });
    const { stringData: data } = secret;
    const pair = { ca: data['ca.crt'] ?? '', certificate: data['tls.crt'] ?? '', key: data['tls.key'] ?? '' };
    expect(faultOf(pair, ['hook.gate.svc'], Date.now())).toBeNull();
  });
});
