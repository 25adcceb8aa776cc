import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Admitted } from '../../../functions/cache/admitted.ts';
import { MemoryTrust } from '../../../functions/cache/memory.ts';
import { Fault } from '../../../functions/codes.ts';
import { openLog, silentLog } from '../../../functions/log.ts';
import type { AdmittedQuery, RememberedTrust } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import type { TrustFacts } from '../../../functions/trust/notary/facts.ts';
import { rememberedOf, updateTrust } from '../../../functions/trust/notary/update.ts';
import { filesOf } from '../../support/tuf/memory.ts';
import { TestRepository } from '../../support/tuf/repository.ts';

const DAY = 24 * 3600 * 1000;
const [server, gun] = ['https://notary.example', 'host/team/app'];
const query: AdmittedQuery = {
  server,
  gun,
  sha256: 'aa'.repeat(32),
  namespace: 'team',
  tag: 'v1',
  demand: '0'.repeat(32),
};

/** A memory that counts its writes, and replicas that share it. */
class Counting extends MemoryTrust {
  writes = 0;
  override remember(...args: Parameters<MemoryTrust['remember']>): Promise<RememberedTrust> {
    this.writes += 1;
    return super.remember(...args);
  }
}
const START = Date.UTC(2026, 5, 1);
let memory: Counting;
let now: number;
let facts: TrustFacts;
let record: RememberedTrust;
const replica = () =>
  new Admitted({
    memory,
    clock: { now: () => now },
    grace: DAY,
    observe: (event) => expect(event).toBe('pardon'),
    log: silentLog,
  });

/** A fresh replica admits, and ends. */
async function note(admitted: AdmittedQuery): Promise<void> {
  const one = replica();
  one.note(admitted, facts);
  await one.settled();
}

beforeAll(async () => {
  const repository = new TestRepository({ gun, now: START }).tag('v1', query.sha256).publish();
  const address = { server, gun, registry: 'host', credential: undefined };
  facts = await updateTrust({ address, roles: [] }, filesOf(repository), START, new AbortController().signal);
  record = rememberedOf(facts);
});

beforeEach(async () => {
  memory = new Counting();
  now = START;
  await memory.remember(record, undefined);
  memory.writes = 0;
});

describe('the memory of admitted digests', () => {
  it('is written once for what many replicas admit on one day, and again the day after', async () => {
    for (let index = 0; index < 30; index += 1) await note(query);
    expect(memory.writes).toBe(1);
    now += DAY;
    for (let index = 0; index < 30; index += 1) await note(query);
    expect(memory.writes).toBe(2);
  });

  it('is written at most once at a time by one replica, and an admission does not wait for it', async () => {
    const one = replica();
    for (let index = 0; index < 30; index += 1) one.note(query, facts);
    expect(memory.writes).toBe(0);
    await one.settled();
    expect(memory.writes).toBe(1);
  });

  it.each([
    [new TypeError('broken'), { level: 'error', code: 'BUG', err: { type: 'TypeError' } }],
    [
      new Fault('CLUSTER_UNREACHABLE', 'No answer.'),
      { level: 'warn', code: 'CLUSTER_UNREACHABLE', reason: 'No answer.' },
    ],
    [new TrustError('TRUST_RECORD_INVALID', 'Odd.'), { level: 'warn', code: 'TRUST_RECORD_INVALID', repository: gun }],
  ])('that cannot be written for %s is counted, told once in ten minutes, and tried again', async (error, line) => {
    const events: string[] = [];
    const lines: unknown[] = [];
    const broken = { read: () => Promise.reject(error) };
    const one = new Admitted({
      clock: { now: () => now },
      grace: DAY,
      observe: (event) => void events.push(event),
      memory: Object.assign(Object.create(memory), broken),
      log: openLog('warn', { write: (text) => void lines.push(JSON.parse(text)) }),
    });
    for (const wait of [0, 0, 600_000]) {
      now += wait;
      one.note(query, facts);
      await one.settled();
    }
    expect(events).toEqual(['unnoted', 'unnoted', 'unnoted']);
    expect(lines).toMatchObject([line, line]);
  });

  it('is written for each namespace, tag, digest and demand', async () => {
    const others = [{ namespace: 'b' }, { tag: 'v2' }, { sha256: 'bb'.repeat(32) }, { demand: '1'.repeat(32) }];
    for (const other of [{}, ...others]) await note({ ...query, ...other });
    expect(memory.writes).toBe(5);
  });

  it('brings the versions of the facts with it, and none where the record stands on other keys by now', async () => {
    for (const [keys, timestamp] of [
      [record.rootKeyIds, 1],
      [['other'], undefined],
    ] as const) {
      memory = new Counting();
      await memory.remember({ ...record, rootKeyIds: keys, versions: new Map([['root', 1]]) }, undefined);
      await note(query);
      const noted = await memory.read(server, gun);
      expect([noted?.versions.get('timestamp'), noted?.admitted?.length]).toEqual([timestamp, 1]);
    }
  });

  it('is written for a digest that had left the trust data and is back', async () => {
    const { sha256, namespace, demand } = query;
    const left = { sha256, namespace, tag: 'v1', demand, seen: now, left: now };
    await memory.remember({ ...record, admitted: [left] }, record);
    memory.writes = 0;
    await note(query);
    expect((await memory.read(server, gun))?.admitted).toEqual([{ sha256, namespace, tag: 'v1', demand, seen: now }]);
    expect(memory.writes).toBe(1);
  });
});
