import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../../functions/answer/response.ts';
import { parseConfig } from '../../../functions/config.ts';
import { tracesUrl } from '../../../functions/trace/options.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { type ArrivedSpan, spansOf } from '../../support/otlp.ts';
import { type Started, startNode } from '../../support/process.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { createBytes, digestOf } from '../../support/review.ts';
import { TestRepository } from '../../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../../support/tuf/server.ts';

/** The gate as a process, with a Notary server and a real receiver of OTLP beside it. */

const ROOT = resolve(import.meta.dirname, '../../..');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
let folder: TemporaryFolder;
let notary: NotaryServer;
let receiver: Receiver;
let gate: Started | undefined;
let origin: string;

beforeAll(async () => {
  folder = await temporaryFolder('traces');
  notary = await serveNotary({
    repositories: [new TestRepository({ gun: 'registry.demo/shop/web' }).tag('v1', digestOf('a')).publish()],
  });
  await writeFile(join(folder.path, 'ca.pem'), notary.ca ?? '');
});
afterAll(async () => {
  await notary.close();
  await folder.remove();
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await gate?.kill();
  await receiver.close();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  gate = startNode([join(ROOT, 'functions/serve.ts')], {
    PORT: '0',
    SNAPSHOT: join(ROOT, 'policies/embedded'),
    TRUST_RECORDS: join(folder.path, 'records'),
    TRUST_CA_FILE: join(folder.path, 'ca.pem'),
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    ...env,
  });
  const [, port] = await gate.until(/"port":(\d+)/);
  origin = `http://127.0.0.1:${port}`;
}
async function allowed(image: string, headers: Record<string, string> = {}): Promise<boolean> {
  const answer = await fetch(`${origin}/admit?timeout=10s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(createBytes('Pod', image)),
  });
  return ((await answer.json()) as AdmissionReviewAnswer).response.allowed;
}
const arrived = (): ArrivedSpan[] => receiver.arrivals.flatMap(({ body }) => spansOf(body));
const named = (name: string): ArrivedSpan[] => arrived().filter((span) => span.name === name);
/** Ends the process as Kubernetes does, which sends what is left. */
async function end(): Promise<void> {
  gate?.child.kill('SIGTERM');
  await gate?.ended;
}

describe('traces', () => {
  it('are a part of the trace that the API server began: admission, image, each role of the trust server', async () => {
    await start({ OTEL_SERVICE_NAME: 'gate-demo', OTEL_RESOURCE_ATTRIBUTES: 'k8s.cluster.name=demo' });
    expect(await allowed('registry.demo/shop/web:v1', { traceparent: `00-${TRACE}-${PARENT}-01` })).toBe(true);
    await end();
    const [admission] = named('admission');
    const [image] = named('verify image');
    expect(new Set(arrived().map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
    expect(admission).toMatchObject({
      parentId: PARENT,
      kind: 2,
      attributes: { 'portieris.allowed': true, 'k8s.namespace.name': 'team', 'portieris.kind': 'Pod' },
      resource: { 'service.name': 'gate-demo', 'k8s.cluster.name': 'demo' },
    });
    expect(image).toMatchObject({
      parentId: admission?.spanId,
      attributes: { 'portieris.image': 'registry.demo/shop/web:v1', 'portieris.outcome': 'trusted' },
    });
    expect(image?.attributes['portieris.policy']).toMatch(/^ClusterImagePolicy /);
    expect(named('fetch role').map(({ attributes }) => attributes['portieris.role'])).toEqual(
      expect.arrayContaining(['root', 'timestamp', 'snapshot', 'targets']),
    );
    for (const fetched of named('fetch role')) expect(fetched).toMatchObject({ parentId: image?.spanId, kind: 3 });
    expect(receiver.arrivals[0]?.url).toBe('/v1/traces');
  });

  it('tell of a refusal by its codes, and call it no error', async () => {
    await start();
    expect(await allowed('registry.demo/shop/web:unsigned')).toBe(false);
    await expect.poll(() => named('admission').length).toBe(1);
    expect(named('admission')).toMatchObject([
      { parentId: '', status: 0, attributes: { 'portieris.allowed': false, 'portieris.codes': ['TRUST_NOT_SIGNED'] } },
    ]);
  });

  it('are none where the caller says that it is not sampled, or the sampler', async () => {
    await start();
    await allowed('registry.demo/shop/web:v1', { traceparent: `00-${TRACE}-${PARENT}-00` });
    await end();
    await start({ OTEL_TRACES_SAMPLER: 'always_off' });
    await allowed('registry.demo/shop/web:v1');
    await end();
    expect(receiver.arrivals).toEqual([]);
  });

  it.each(['00-zz-b7ad6b7169203331-01', 'x'.repeat(5000), `00-${'0'.repeat(32)}-${PARENT}-01`])(
    'begin anew where traceparent is none: %.20s',
    async (traceparent) => {
      await start();
      expect(await allowed('registry.demo/shop/web:v1', { traceparent })).toBe(true);
      await end();
      expect(named('admission')).toMatchObject([{ parentId: '' }]);
    },
  );

  it('never stand in the way: a receiver that hangs or refuses is said in the log', async () => {
    await start();
    receiver.answers.push(...Array(50).fill(400));
    for (let count = 0; count < 3; count += 1) expect(await allowed('registry.demo/shop/web:v1')).toBe(true);
    await gate?.until(/traces cannot be sent/);
    expect(await allowed('registry.demo/shop/web:v1')).toBe(true);
  });
});

describe('the variables of OpenTelemetry', () => {
  const url = (env: Record<string, string>): string | undefined => tracesUrl(parseConfig(env))?.href;

  it.each([
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/otlp/' }, 'http://c:4318/otlp/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/x' }, 'https://c/x'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/a' }, 'http://t/a'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'TRUE' }, undefined],
  ])('%j send traces to %s', (env, to) => {
    expect(url(env)).toBe(to);
  });

  it.each([
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector'],
  ])('say what is wrong with %s=%s', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(`${name}=${value}: must be`);
  });
});
