import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, openApp } from '../../../functions/app.ts';
import { parseConfig } from '../../../functions/config.ts';
import { silentLog } from '../../../functions/log.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { createBytes } from '../../support/review.ts';

/** The whole gate with a receiver of CloudEvents beside it. */

const POLICIES = resolve(import.meta.dirname, '../../../policies/embedded');
let folder: TemporaryFolder;
let receiver: Receiver;
let app: App;

beforeEach(async () => {
  folder = await temporaryFolder('told');
  receiver = await startReceiver();
});
afterEach(async () => {
  await app.close();
  await receiver.close();
  await folder.remove();
});
const open = async (env: Record<string, string> = {}): Promise<void> => {
  const records = join(folder.path, 'records');
  const config = parseConfig({ SNAPSHOT: POLICIES, TRUST_RECORDS: records, K_SINK: receiver.origin, ...env });
  app = await openApp(config, { log: silentLog });
  await expect.poll(async () => (await app.readiness()).ready).toBe(true);
};
const refused = async (image: string): Promise<boolean> => {
  const { answer, tell } = await app.admit(createBytes('Pod', image), 10_000);
  tell();
  return !answer.response.allowed;
};
const counted = async (outcome: string): Promise<number> => {
  const line = new RegExp(`portieris_notifications_total\\{channel="cloudevents",outcome="${outcome}"\\} (\\d+)`);
  return Number(line.exec((await app.metrics()).text)?.[1]);
};

describe('a gate with K_SINK', () => {
  it('sends what it refused, with the attributes of SinkBinding', async () => {
    await open({ K_CE_OVERRIDES: '{"extensions":{"cluster":"demo"}}', CLOUDEVENTS_SOURCE: '//demo/gate' });
    expect(await refused('nowhere.example/a:1')).toBe(true);
    await expect.poll(() => receiver.arrivals.length).toBe(1);
    expect(receiver.arrivals[0]?.headers).toMatchObject({
      'ce-source': '//demo/gate',
      'ce-cluster': 'demo',
      'ce-type': 'dev.portieris.image.refused.v1',
    });
    await expect.poll(() => counted('sent')).toBe(1);
  });

  it('answers as ever while the receiver hangs, and counts what finds no room', async () => {
    await open();
    receiver.answers.push(0);
    for (let count = 0; count < 40; count += 1) expect(await refused(`nowhere.example/a:${count}`)).toBe(true);
    await expect.poll(() => receiver.arrivals.length).toBe(1);
    expect([await counted('sent'), await counted('limited')]).toEqual([0, 15]);
  });
});
