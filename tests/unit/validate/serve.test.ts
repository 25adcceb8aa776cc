import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { policyOf } from '../../support/policies.ts';
import { policyReview } from '../../support/policyreview.ts';
import { type Started, startNode } from '../../support/process.ts';
import { bytesOf } from '../../support/review.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('validate');
  await mkdir(join(folder.path, 'policies'));
  const held = policyOf('held', [{ name: 'docker.io/acme/*' }]);
  await writeFile(join(folder.path, 'policies/held.yaml'), JSON.stringify(held));
});
afterAll(() => folder.remove());

let started: Started;
afterEach(() => started.kill());

async function serve(): Promise<number> {
  started = startNode(['functions/validate/serve.ts'], { PORT: '0', SNAPSHOT: join(folder.path, 'policies') });
  const [, port = ''] = await started.until(/"port":(\d+)/);
  return Number(port);
}

async function ask(port: number, options: RequestOptions, body?: Uint8Array) {
  const sent = request({ host: '127.0.0.1', port, agent: false, ...options });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return { status: answer.statusCode, text };
}
const validate = async (port: number, body: Uint8Array) => {
  const headers = { 'content-type': 'application/json' };
  const { text } = await ask(port, { method: 'POST', path: '/validate?timeout=10s', headers }, body);
  return JSON.parse(text).response;
};

describe('the function that looks at policies, on our own start', () => {
  it('answers on its paths, and not on those of the gate', async () => {
    const port = await serve();
    for (const path of ['/health/liveness', '/health/readiness', '/metrics'])
      expect(await ask(port, { path })).toMatchObject({ status: 200 });
    expect(await ask(port, { path: '/validate' })).toMatchObject({ status: 405 });
    const other = await ask(port, { path: '/admit', method: 'POST' });
    expect(other.status).toBe(404);
    expect(other.text).toContain('POST /validate');
  });

  it('refuses, warns, logs one line and counts, on the policies of a directory', async () => {
    const port = await serve();
    const refused = await validate(port, bytesOf(policyReview(policyOf('one', [{ name: 'a b' }]))));
    expect(refused).toMatchObject({ allowed: false, status: { details: { causes: [{ reason: 'Invalid' }] } } });
    const twice = await validate(port, bytesOf(policyReview(policyOf('one', [{ name: 'docker.io/acme/*' }]))));
    expect(twice).toMatchObject({ allowed: true, warnings: [expect.stringContaining('ClusterImagePolicy held')] });
    expect(await validate(port, bytesOf({ no: 'review' }))).toMatchObject({ allowed: false });
    const { text } = await ask(port, { path: '/metrics' });
    expect(text).toContain('portieris_policy_reviews_total{allowed="false"} 2');
    expect(text).toContain('portieris_policy_reviews_total{allowed="true"} 1');
    expect(text).toContain('portieris_policy_statuses_total{outcome="failed"} 0');
    expect(text).toContain('portieris_validate_ready 1');
    started.child.kill('SIGTERM');
    await started.ended;
    const lines = started
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ message }) => message === 'policy looked at')).toHaveLength(3);
  });

  it('drains on SIGTERM and ends with 0', async () => {
    await serve();
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
  });
});
