import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../functions/cli/explain.ts';
import type { Findings } from '../../../functions/cli/findings.ts';
import type { Inspection } from '../../../functions/cli/inspect.ts';
import { runProgram } from '../../../functions/cli/program.ts';
import { DENY_CODES } from '../../../functions/codes.ts';
import { type DemoWorld, demoDigest, openWorld } from '../../demo/world.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { outsideOf } from '../../support/cli.ts';
import { sarifProblems } from '../../support/sarif.ts';

const SHOP = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.demo/shop/web:1.4
        - name: helper
          image: registry.demo/shop/web:nightly
---
apiVersion: v1
kind: List
items:
  - apiVersion: batch/v1
    kind: Job
    metadata: {generateName: once-}
    spec: {template: {spec: {containers: [{name: a, image: registry.demo/public/tool}]}}}
`;

let world: DemoWorld;
let folder: TemporaryFolder;

async function run(args: readonly string[], more: Parameters<typeof outsideOf>[0] = {}) {
  const outside = outsideOf({ ...more, env: { ...world.env, ...more.env } });
  const code = await runProgram(args, outside);
  return { code, ...outside.said() };
}
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await run([...args, '-o', 'json'])).output);

beforeAll(async () => {
  world = await openWorld();
  folder = await temporaryFolder('cli');
  await mkdir(join(folder.path, 'deploy'));
  await writeFile(join(folder.path, 'deploy/shop.yaml'), SHOP);
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

describe('portieris check', () => {
  it('tells of each image which verdict, digest, policy and line it has, and ends with 1 where one is refused', async () => {
    const { code, output, messages } = await run(['check', '-f', join(folder.path, 'deploy')]);
    expect([code, messages]).toEqual([1, '']);
    const web = `sha256:${demoDigest('registry.demo/shop/web:1.4')}`;
    expect(output).toMatch(
      new RegExp(`admitted +\\S+shop.yaml:13 +registry.demo/shop/web:1.4 +ClusterImagePolicy demo.* ${web}`),
    );
    expect(output).toMatch(/refused +\S+shop.yaml:15 +registry.demo\/shop\/web:nightly +.*TRUST_NOT_SIGNED/);
    expect(output).toMatch(/admitted +\S+shop.yaml:23 +registry.demo\/public\/tool/);
    expect(output).toContain(DENY_CODES.TRUST_NOT_SIGNED.remedy);
    expect(output).toContain('3 images of 2 workloads: 2 admitted, 1 refused. 1 object of other kinds.');
  });

  it('ends with 0 where all is admitted, and reads standard input', async () => {
    const input = SHOP.replace('web:nightly', 'migrate:1.4');
    const { code, output } = await run(['check', '-f', '-'], { input });
    expect(code).toBe(0);
    expect(output).toContain('3 images of 2 workloads: 3 admitted.');
  });

  it('gives the same as JSON, with what would be written into an admitted workload', async () => {
    const findings = await json<Findings>('check', '-f', join(folder.path, 'deploy'));
    expect(findings).toMatchObject({ admitted: false, skipped: 1 });
    const [web, job] = findings.objects;
    expect(web).toMatchObject({ kind: 'Deployment', namespace: 'shop', name: 'web', line: 5, status: 'refused' });
    expect(web?.images[1]).toMatchObject({ status: 'refused', reason: { code: 'TRUST_NOT_SIGNED' } });
    expect(job).toMatchObject({ namespace: 'default', name: 'once-', status: 'admitted' });
  });

  it('takes the namespace of -n for objects that name none', async () => {
    const { objects } = await json<Findings>('check', '-f', join(folder.path, 'deploy'), '-n', 'payments');
    expect(objects.map(({ namespace }) => namespace)).toEqual(['shop', 'payments']);
    expect(objects[1]?.images[0]?.reason?.code).toBe('POLICY_NO_MATCH');
  });

  it('writes SARIF 2.1.0 whose results stand at the image, with the remedy as help', async () => {
    const { code, output } = await run(['check', '-f', join(folder.path, 'deploy'), '-o', 'sarif']);
    expect(code).toBe(1);
    const log = JSON.parse(output);
    expect(sarifProblems(log)).toEqual([]);
    const [{ tool, results }] = log.runs;
    expect(tool.driver.rules).toMatchObject([
      {
        id: 'TRUST_NOT_SIGNED',
        help: { text: DENY_CODES.TRUST_NOT_SIGNED.remedy },
        defaultConfiguration: { level: 'error' },
      },
    ]);
    expect(results).toHaveLength(1);
    expect(results[0].locations[0].physicalLocation.region).toEqual({ startLine: 15, startColumn: 18 });
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toMatch(/^file:\/\/.*deploy\/shop\.yaml$/);
  });

  it('shows what a mode tolerates, and counts it as admitted', async () => {
    const { code, output } = await run(['check', '-f', join(folder.path, 'deploy')], {
      env: { ENFORCEMENT_MODE: 'warn' },
    });
    expect(code).toBe(0);
    expect(output).toMatch(/tolerated +\S+:15 .*TRUST_NOT_SIGNED/);
    const env = { ENFORCEMENT_MODE: 'audit' };
    const sarif = await run(['check', '-f', join(folder.path, 'deploy'), '--strict', '-o', 'sarif'], { env });
    expect(sarif.code).toBe(1);
    expect(sarifProblems(JSON.parse(sarif.output))).toEqual([]);
    expect(JSON.parse(sarif.output).runs[0].results).toMatchObject([{ level: 'warning' }]);
  });

  it('ends with 2 where the trust server gives no answer', async () => {
    const env = { TRUST_SERVERS: 'registry.demo=https://localhost:9' };
    const { code, output } = await run(['check', '-f', join(folder.path, 'deploy')], { env });
    expect(code).toBe(2);
    expect(output).toMatch(/unknown +\S+:13 .*TRUST_SERVER_UNREACHABLE/);
  });

  it('names policies that are not valid apart from the answer', async () => {
    const policies = join(folder.path, 'policies');
    await mkdir(policies);
    const spec = 'spec: {repositories: [{name: "*", policy: {trust: {enabled: 7}}}]}';
    const head = 'apiVersion: portieris.cloud.ibm.com/v1\nkind: ClusterImagePolicy\nmetadata: {name: odd}\n';
    await writeFile(join(policies, 'odd.yaml'), head + spec);
    const { code, output, messages } = await run(['explain', 'nginx', '-s', policies, '-o', 'json']);
    expect([code, JSON.parse(output).reason.code]).toEqual([1, 'POLICY_INVALID']);
    expect(messages).toContain('policy not valid: ClusterImagePolicy odd, spec.repositories[0].policy.trust.enabled');
  });

  it('names every mistake of the manifests with file, line and column, and ends with 2', async () => {
    const { code, output, messages } = await run(['check', '-f', '-'], { input: 'a: 1\na: 2\n---\nb: [\n' });
    expect([code, output]).toEqual([2, '']);
    expect(messages).toMatch(/-:2:1 [^\n]*\n-:\d:\d /);
  });

  it('colours on a terminal alone, and tells how far it is there', async () => {
    const plain = await run(['check', '-f', join(folder.path, 'deploy')]);
    const terminal = await run(['check', '-f', join(folder.path, 'deploy')], { terminal: true });
    const dull = await run(['check', '-f', join(folder.path, 'deploy')], { terminal: true, env: { NO_COLOR: '1' } });
    expect(plain.output).not.toContain('\u001b');
    expect(terminal.output).toContain('\u001b[31mrefused');
    expect(terminal.messages).toContain('checked 0 of 2 workloads');
    expect(dull.output).toBe(plain.output);
  });

  it('prints no character of a manifest that steers a terminal', async () => {
    const input =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: "\\e[2Jp"}\nspec: {containers: [{name: a, image: "x\\e[1A"}]}';
    const { output } = await run(['check', '-f', '-'], { input });
    expect(output).not.toContain('\u001b');
    expect(output).toContain('\\u{1b}[1A');
  });
});

describe('portieris explain', () => {
  it('tells the whole way from the name to the verdict', async () => {
    const { code, output } = await run(['explain', 'registry.demo/payments/api:2.1', '-n', 'payments']);
    expect(code).toBe(1);
    for (const part of [
      'the namespace payments has ImagePolicies of its own',
      'ImagePolicy payments/two-signers, spec.repositories[0]  registry.demo/payments/*  decides',
      `trust server: ${world.notary.origin} (from TRUST_SERVERS`,
      'credential: anonymous',
      'targets/releases version 1, signed by 2 of 2 keys (threshold 1)',
      'signers: all of 2 must have signed',
      'alice  Secret payments/alice  signed',
      'bob  Secret payments/bob  missing',
      'verdict: REFUSED',
      DENY_CODES.TRUST_SIGNER_MISSING.remedy,
    ])
      expect(output).toContain(part);
  });

  it('gives digest, tags of the digest and what would be written, as JSON too', async () => {
    const explanation = await json<Explanation>('explain', 'registry.demo/payments/api:2.0', '-n', 'payments');
    const digest = `sha256:${demoDigest('registry.demo/payments/api:2.0')}`;
    expect(explanation).toMatchObject({
      status: 'admitted',
      digest,
      replacement: `registry.demo/payments/api:2.0@${digest}`,
      demands: [
        {
          proof: {
            digest,
            tags: ['2.0'],
            signers: [
              { name: 'alice', signed: true },
              { name: 'bob', signed: true },
            ],
          },
        },
      ],
    });
  });

  it('shows the rules that were passed over, and says where no rule matches', async () => {
    const open = await run(['explain', 'registry.demo/public/tool']);
    expect(open.output).toMatch(
      /registry\.demo\/public\/\* {2}decides.*registry\.demo\/\* {2}matches, but a stronger rule/s,
    );
    expect(open.output).toContain('the rule asks for no proof');
    const none = await run(['explain', 'nginx']);
    expect([
      none.code,
      none.output.includes('docker.io/library/nginx'),
      none.output.includes('[POLICY_NO_MATCH]'),
    ]).toEqual([1, true, true]);
  });
});

describe('portieris inspect', () => {
  it('shows what expires when, who signed what, keys and pins', async () => {
    const { code, output } = await run(['inspect', 'registry.demo/payments/api', '-n', 'payments']);
    expect(code).toBe(0);
    expect(output).toMatch(/ROLE +VERSION +SIGNED BY +EXPIRES +AT\ntimestamp /);
    expect(output).toMatch(/2\.0 +signed +signed +signed +sha256:/);
    expect(output).toMatch(/2\.1 +signed +- +signed +sha256:/);
  });

  it('prints pins under which the repository is admitted, and another is not', async () => {
    const roots = join(folder.path, 'roots.yaml');
    const pins = await run(['inspect', 'registry.demo/shop/web', '-o', 'pins']);
    await writeFile(roots, pins.output);
    const env = { TRUST_ROOTS_FILE: roots, TRUST_FIRST_USE: 'deny' };
    const pinned = await run(['explain', 'registry.demo/shop/web:1.4'], { env });
    expect([pinned.code, pinned.output.includes('root: pinned')]).toEqual([0, true]);
    const other = await run(['explain', 'registry.demo/shop/migrate:1.4'], { env });
    expect([other.code, other.output.includes('TRUST_ROOT_UNPINNED')]).toEqual([1, true]);
  });

  it('says why trust data does not hold', async () => {
    const inspection = await json<Inspection>('inspect', 'registry.demo/shop/forgotten');
    expect(inspection.reason?.code).toBe('TRUST_EXPIRED');
    expect((await run(['inspect', 'registry.demo/shop/forgotten'])).code).toBe(1);
    expect((await run(['inspect', 'nowhere.example/app'])).messages).toContain('--trust-server');
    for (const image of ['registry.demo/shop/web:1.4', `registry.demo/shop/web@sha256:${'a'.repeat(64)}`]) {
      const { code, output, messages } = await run(['inspect', image]);
      expect([code, output]).toEqual([2, '']);
      expect(messages).toContain(`portieris explain ${image}`);
    }
  });
});

it('leaves no trace: no command writes a trust record', () => {
  expect(existsSync(`${world.env['SNAPSHOT']}.trust-records`)).toBe(false);
});
