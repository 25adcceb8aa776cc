import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit } from '../../../functions/admit.ts';
import type { Explanation } from '../../../functions/cli/explain.ts';
import { runProgram } from '../../../functions/cli/program.ts';
import { relativeTime } from '../../../functions/cli/times.ts';
import { parseConfig } from '../../../functions/config.ts';
import { openGate } from '../../../functions/gate.ts';
import { silentLog } from '../../../functions/log.ts';
import { openMetrics } from '../../../functions/metrics.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { outsideOf } from '../../support/cli.ts';
import { createBytes, digestOf } from '../../support/review.ts';
import { TestRepository } from '../../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../../support/tuf/server.ts';

const PASSWORD = 'a-password-that-nobody-may-see';
const IMAGE = 'registry.demo/shop/web:v1';

let folder: TemporaryFolder;
let notary: NotaryServer;
let env: Readonly<Record<string, string>>;

const auths = { auths: { 'registry.demo': { username: 'robot', password: PASSWORD } } };
const OBJECTS = `apiVersion: portieris.cloud.ibm.com/v1
kind: ClusterImagePolicy
metadata: {name: all}
spec: {repositories: [{name: "*", policy: {trust: {enabled: true}}}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: team}
imagePullSecrets: [{name: pull}]
---
apiVersion: v1
kind: Secret
metadata: {name: pull, namespace: team}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '${JSON.stringify(auths)}'
`;

async function run(...args: string[]) {
  const outside = outsideOf({ env });
  const code = await runProgram(args, outside);
  return { code, ...outside.said() };
}

beforeAll(async () => {
  folder = await temporaryFolder('explain');
  const repository = new TestRepository({ gun: 'registry.demo/shop/web' }).tag('v1', digestOf('a')).publish();
  notary = await serveNotary({ repositories: [repository], auth: { username: 'robot', password: PASSWORD } });
  await mkdir(join(folder.path, 'policies'));
  await writeFile(join(folder.path, 'policies/all.yaml'), OBJECTS);
  await writeFile(join(folder.path, 'ca.pem'), notary.ca ?? '');
  env = {
    SNAPSHOT: join(folder.path, 'policies'),
    TRUST_CA_FILE: join(folder.path, 'ca.pem'),
    TRUST_SERVERS: `registry.demo=${notary.origin}`,
  };
});
afterAll(async () => {
  await notary.close();
  await folder.remove();
});

describe('the credential of an explanation', () => {
  it('is named by its Secret, and never shown', async () => {
    for (const form of ['tree', 'json']) {
      const { code, output, messages } = await run('explain', IMAGE, '-n', 'team', '-o', form);
      expect(code).toBe(0);
      expect(output).toContain('Secret team/pull');
      for (const secret of [PASSWORD, Buffer.from(`robot:${PASSWORD}`).toString('base64'), 'robot'])
        expect(output + messages).not.toContain(secret);
    }
    expect((await run('inspect', 'registry.demo/shop/web', '-n', 'team')).output).toContain(
      'credential: Secret team/pull',
    );
  });

  it('is missing in a namespace that has none: there is no answer, which is no refusal', async () => {
    const { code, output } = await run('explain', IMAGE, '-n', 'elsewhere');
    expect(code).toBe(2);
    expect(output).toContain('[AUTH_REFUSED]');
    expect(output).toContain('REFUSED, FOR THERE IS NO ANSWER');
    expect(output).toContain('credential: anonymous');
  });

  it('is that of --pull-secret and --service-account', async () => {
    expect((await run('explain', IMAGE, '-n', 'team', '--service-account', 'other')).code).toBe(2);
    const given = ['--service-account', 'other', '--pull-secret', 'pull'];
    expect((await run('explain', IMAGE, '-n', 'team', ...given)).code).toBe(0);
  });
});

describe('the root of an explanation', () => {
  it('is held to the one that the gate remembers, which a look leaves as it was', async () => {
    const records = `${env['SNAPSHOT']}.trust-records`;
    const surroundings = { log: silentLog, metrics: openMetrics(), clock: { now: () => Date.now() } };
    const opened = await openGate(parseConfig(env), surroundings);
    const { decision } = await admit(opened.gate, createBytes('Pod', IMAGE), AbortSignal.timeout(20_000));
    await opened.close();
    expect(decision.allowed).toBe(true);
    const [file = ''] = (await readdir(records)).filter((name) => name.endsWith('.json'));
    const before = await readFile(join(records, file), 'utf8');
    const { output } = await run('explain', IMAGE, '-n', 'team', '-o', 'json');
    const [demand] = (JSON.parse(output) as Explanation).demands;
    expect(demand?.proof?.root).toMatchObject({ by: 'remembered', remembered: { frozen: false } });
    expect(demand?.proof?.root?.remembered?.rootKeyIds).toEqual(demand?.proof?.roles[0]?.keyIds);
    expect(await readFile(join(records, file), 'utf8')).toBe(before);
  });
});

describe('a relative time', () => {
  it.each([
    [13.5 * 86_400_000, 'in 13 days'],
    [86_400_000, 'in 1 day'],
    [-3_600_000, '1 hour ago'],
    [90_000, 'in 1 minute'],
    [0, 'in 0 seconds'],
  ])('%i ms away is "%s"', (distance, text) => {
    expect(relativeTime(1e12 + distance, 1e12)).toBe(text);
  });
});
