import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../functions/cli/program.ts';
import { type DemoWorld, demoDigest, openWorld } from '../../demo/world.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { outsideOf } from '../../support/cli.ts';

const REVIEWS = resolve(import.meta.dirname, '../../demo/reviews');
const review = (name: string): string => join(REVIEWS, `${name}.json`);
const WEB = `sha256:${demoDigest('registry.demo/shop/web:1.4')}`;
/** No server answers here. */
const OFFLINE = { TRUST_SERVERS: 'registry.demo=https://localhost:9' };

let world: DemoWorld;
let folder: TemporaryFolder;
let saved: string;

async function run(args: readonly string[], more: Parameters<typeof outsideOf>[0] = {}) {
  const outside = outsideOf({ ...more, env: { ...world.env, ...more.env } });
  const code = await runProgram(['replay', ...args], outside);
  return { code, ...outside.said() };
}

beforeAll(async () => {
  world = await openWorld();
});
beforeAll(async () => {
  folder = await temporaryFolder('replay');
  saved = join(folder.path, 'case');
});
afterEach(() => rm(saved, { recursive: true, force: true }));
afterAll(async () => {
  await world.close();
  await folder.remove();
});

describe('portieris replay', () => {
  it('shows of an admitted review each image before and after, and the audit annotations', async () => {
    const { code, output, messages } = await run([review('deployment')]);
    expect([code, messages]).toEqual([0, '']);
    expect(output).toContain('admitted  CREATE of Deployment shop/web');
    expect(output).toMatch(
      new RegExp(`spec\\.template\\.spec\\.containers\\[0\\]\\.image +registry.demo/shop/web:1.4 +\\S+@${WEB}`),
    );
    expect(output).toMatch(/Audit annotations\n {2}decision: admitted/);
  });

  it('shows of a refused one the code and the very message, and ends with 1', async () => {
    const { code, output } = await run([review('pod-unsigned')]);
    expect(code).toBe(1);
    expect(output).toMatch(/^refused {2}CREATE of Pod \S+ {2}TRUST_NOT_SIGNED\n/);
    const answer = JSON.parse((await run([review('pod-unsigned'), '-o', 'json'])).output);
    expect(output.replaceAll(/\n {2}/g, '\n')).toContain(answer.response.status.message);
    expect(answer).toMatchObject({ kind: 'AdmissionReview', response: { uid: expect.any(String), allowed: false } });
  });

  it('answers a body that is no review as the gate does', async () => {
    const { code, output } = await run([review('not-a-review')]);
    expect(code).toBe(1);
    expect(output).toContain('refused  no AdmissionReview');
    expect(output).toContain('[REVIEW_INVALID]');
  });

  it('tells what claimed to need no proof and did not hold', async () => {
    expect((await run([review('pod-forged-owner')])).output).toContain('Claims that did not hold\n  owner_');
  });

  it('shows warnings where the mode tolerates what fails, and ends with 0', async () => {
    const { code, output } = await run([review('pod-unsigned')], { env: { ENFORCEMENT_MODE: 'warn' } });
    expect(code).toBe(0);
    expect(output).toMatch(/^tolerated .*TRUST_NOT_SIGNED/);
    expect(output).toContain('1 warning\n');
  });

  it('reads the review from standard input', async () => {
    const input = await readFile(review('deployment'), 'utf8');
    expect((await run(['-'], { input })).code).toBe(0);
  });

  it('remembers nothing of a review that is no dry run', async () => {
    const records = join(folder.path, 'records');
    const body = JSON.parse(await readFile(review('deployment'), 'utf8'));
    expect(body.request.dryRun).not.toBe(true);
    expect((await run([review('deployment')], { env: { TRUST_RECORDS: records } })).code).toBe(0);
    expect(existsSync(records)).toBe(false);
  });

  it('gives the same answer later on the trust data it saved, without a network', async () => {
    const first = await run([review('statefulset-mixed'), '--save-trust', saved, '-o', 'json']);
    expect(first.messages).toContain('saved: registry.demo/');
    const later = await run([review('statefulset-mixed'), '--trust', saved, '-o', 'json'], { env: OFFLINE });
    expect(later.messages).toBe('');
    expect([later.code, later.output]).toEqual([first.code, first.output]);
    expect((await run([review('statefulset-mixed')], { env: OFFLINE })).output).toContain('TRUST_SERVER_UNREACHABLE');
  });

  it('asks at the time of --at: what is fresh today is expired in a year, and what expired was fresh then', async () => {
    await run([review('deployment'), '--save-trust', saved]);
    const at = (days: number) => new Date(Date.now() + days * 24 * 3600 * 1000).toISOString();
    const in3 = await run([review('deployment'), '--trust', saved, '--at', at(3)]);
    const in365 = await run([review('deployment'), '--trust', saved, '--at', at(365)]);
    expect([in3.code, in365.code]).toEqual([0, 1]);
    expect(in365.output).toContain('TRUST_EXPIRED');
  });

  it('does not believe saved trust data that was altered', async () => {
    await run([review('deployment'), '--save-trust', saved]);
    const timestamp = join(saved, 'registry.demo/shop/web/_trust/tuf/timestamp.json');
    const text = await readFile(timestamp, 'utf8');
    await writeFile(timestamp, text.replace('"version":1', '"version":2'));
    const { code, output } = await run([review('deployment'), '--trust', saved]);
    expect(code).toBe(1);
    expect(output).toContain('TRUST_SIGNATURE');
  });

  it('takes trust data under plain role names, as a folder of a Notary client has them', async () => {
    await run([review('deployment'), '--save-trust', saved]);
    const plain = join(folder.path, 'plain');
    for (const repository of ['registry.demo/shop/web', 'registry.demo/shop/migrate']) {
      const to = join(plain, repository, '_trust/tuf');
      await mkdir(to, { recursive: true });
      const from = join(saved, repository, '_trust/tuf');
      for (const name of await readdir(from)) {
        const [role = ''] = name.split('.');
        await copyFile(join(from, name), join(to, `${role}.json`));
      }
    }
    expect((await run([review('deployment'), '--trust', plain], { env: OFFLINE })).code).toBe(0);
  });

  it('refuses what is not in the saved trust data, as a server that does not have it', async () => {
    await mkdir(saved);
    const { code, output } = await run([review('deployment'), '--trust', saved]);
    expect(code).toBe(1);
    expect(output).toContain('TRUST_NO_DATA');
  });

  it.each([
    [['nowhere.json'], 'nowhere.json: cannot be read (ENOENT)'],
    [[review('deployment'), '--trust', 'nowhere'], '--trust nowhere: is no folder'],
    [[review('deployment'), '--at', 'tomorrow'], '--at tomorrow: is no time; write it like'],
    [[review('deployment'), '--at', '2026-03-01T12:00:00'], 'is no time'],
    [[], 'An argument is missing.'],
  ])('ends with 2 and a sentence for %j', async (args, sentence) => {
    const { code, output, messages } = await run(args);
    expect([code, output]).toEqual([2, '']);
    expect(messages).toContain(sentence);
  });
});
