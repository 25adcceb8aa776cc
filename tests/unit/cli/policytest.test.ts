import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differencesOf } from '../../../functions/cli/policytest.ts';
import { runProgram } from '../../../functions/cli/program.ts';
import { type DemoWorld, demoDigest, openWorld } from '../../demo/world.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { outsideOf } from '../../support/cli.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const HEAD = 'apiVersion: test.portieris.dev/v1\nkind: PolicyTest\nmetadata: {name: shop}\n';
const digestOf = (name: string): string => `sha256:${demoDigest(name)}`;

let world: DemoWorld;
let folder: TemporaryFolder;

async function run(args: readonly string[], more: Parameters<typeof outsideOf>[0] = {}) {
  const outside = outsideOf({ ...more, env: { ...world.env, ...more.env } });
  const code = await runProgram(['policy', 'test', ...args], outside);
  return { code, ...outside.said() };
}
/** Runs one PolicyTest with this spec. */
async function runSpec(spec: string, ...args: string[]) {
  const file = join(folder.path, 'case.yaml');
  await writeFile(file, `${HEAD}spec:\n${spec}`);
  return run([file, ...args]);
}

beforeAll(async () => {
  world = await openWorld();
  folder = await temporaryFolder('policytest');
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

describe('the PolicyTests of policies/tests', () => {
  it('pass', async () => {
    const outside = outsideOf();
    const code = await runProgram(['policy', 'test', join(ROOT, 'policies/tests')], outside);
    expect([code, outside.said().messages], outside.said().output).toEqual([0, '']);
    expect(outside.said().output).toContain('all passed');
  });
});

describe('portieris policy test', () => {
  it('holds verdict, digest, code, rule and signers of each case to what the gate says', async () => {
    const { code, output } = await runSpec(`
  cases:
    - {image: 'registry.demo/shop/web:1.4', namespace: shop, expect: {outcome: admitted, digest: '${digestOf('registry.demo/shop/web:1.4')}'}}
    - {image: 'registry.demo/shop/web:nightly', expect: {outcome: refused, code: TRUST_NOT_SIGNED, rule: ClusterImagePolicy demo}}
    - {image: 'registry.demo/payments/api:2.1', namespace: payments, expect: {code: TRUST_SIGNER_MISSING, signers: [payments/alice, payments/bob]}}
`);
    expect(code, output).toBe(0);
    expect(output).toContain('3 cases of 1 test: all passed.');
  });

  it('shows of a failed case its line, each field that differs and why, and ends with 1', async () => {
    const { code, output } = await runSpec(`  cases:
    - {image: nginx, name: is refused, expect: {outcome: refused}}
    - {image: 'registry.demo/shop/web:nightly', name: is signed, expect: {outcome: admitted, demands: [notary]}}
`);
    expect(code).toBe(1);
    expect(output).toMatch(/ {2}pass {2}is refused\n {2}FAIL {2}is signed {2}\(\S+case.yaml:7\)/);
    expect(output).toContain('outcome: expected admitted, found refused\n');
    expect(output).toContain('The tag nightly of registry.demo/shop/web is not signed.');
    expect(output).not.toContain('demands:');
    expect(output).toContain('2 cases of 1 test: 1 passed, 1 failed.');
  });

  it('gives the same as JSON', async () => {
    const spec = '  cases: [{image: nginx, expect: {outcome: admitted}}]\n';
    expect(JSON.parse((await runSpec(spec, '-o', 'json')).output)).toMatchObject({
      passed: 0,
      failed: 1,
      cases: [
        {
          test: 'shop',
          line: 5,
          image: 'nginx',
          namespace: 'default',
          differences: [{ field: 'outcome', expected: 'admitted', actual: 'refused' }],
          actual: { code: 'POLICY_NO_MATCH', rule: 'none' },
        },
      ],
    });
  });

  it('asks no server offline, and tells there what trust data would decide', async () => {
    const before = world.notary.requests.length;
    const spec = `  offline: true
  cases:
    - {image: 'registry.demo/shop/web:1.4', expect: {outcome: proof, demands: [notary]}}
    - {image: registry.demo/public/x, expect: {outcome: admitted, demands: []}}
`;
    expect((await runSpec(spec)).code).toBe(0);
    expect(world.notary.requests).toHaveLength(before);
  });

  it('runs on the policies it names in place of those of the snapshot, relative to its file', async () => {
    await mkdir(join(folder.path, 'own'), { recursive: true });
    const policy = `apiVersion: portieris.cloud.ibm.com/v1\nkind: ImagePolicy\nmetadata: {name: own}\nspec: {repositories: [{name: 'docker.io/*', policy: {mode: warn, simple: {requirements: [{type: reject}]}}}]}\n`;
    await writeFile(join(folder.path, 'own/policy.yaml'), policy);
    const cases = `  cases: [{image: nginx, expect: {outcome: tolerated, code: POLICY_REJECTS, mode: warn, rule: ImagePolicy default/own}}]\n`;
    const { code, output } = await runSpec(`  policies: [own]\n${cases}`);
    expect(code, output).toBe(0);
  });

  it('asks on saved trust data, at the time it names', async () => {
    const saved = join(folder.path, 'saved');
    const review = join(ROOT, 'tests/demo/reviews/deployment.json');
    const outside = outsideOf({ env: world.env });
    expect(await runProgram(['replay', review, '--save-trust', saved], outside)).toBe(0);
    const cases = (code: string) => `  cases: [{image: 'registry.demo/shop/web:1.4', expect: {${code}}}]\n`;
    const nowhere = { TRUST_SERVERS: 'registry.demo=https://localhost:9' };
    await writeFile(join(folder.path, 'now.yaml'), `${HEAD}spec:\n  trust: saved\n${cases('outcome: admitted')}`);
    expect((await run([join(folder.path, 'now.yaml')], { env: nowhere })).code).toBe(0);
    const later = `  trust: saved\n  at: 2099-01-01T00:00:00Z\n${cases('code: TRUST_EXPIRED')}`;
    expect((await runSpec(later)).code).toBe(0);
  });

  it.each([
    ['  cases: []\n', 'case.yaml:5:10 spec.cases: '],
    ['  cases: [{image: x, expect: {}}]\n', 'case.yaml:5:30 spec.cases[0].expect: '],
    ['  cases: [{image: x, expect: {outcom: refused}}]\n', 'spec.cases[0].expect.outcom: is not a known field'],
    ['  cases: [{expect: {outcome: maybe}}]\n', 'spec.cases[0].image: is missing'],
    ['  cases: [{expect: {outcome: maybe}}]\n', 'spec.cases[0].expect.outcome: must be one of "admitted"'],
    ['  at: noon\n  cases: [{image: x, expect: {mode: warn}}]\n', 'case.yaml:5:7 spec.at: is no time'],
    ['  cases: [{image: x, expect: {outcome: proof}}]\n', 'proof is what is told offline'],
    [
      `  offline: true\n  cases: [{image: x, expect: {digest: '${digestOf('x')}'}}]\n`,
      'spec.cases[0].expect.digest: no digest is known offline',
    ],
    ['  policies: [nowhere]\n  cases: [{image: x, expect: {mode: warn}}]\n', 'nowhere: does not exist'],
    ['  trust: nowhere\n  cases: [{image: x, expect: {mode: warn}}]\n', 'nowhere: is no folder'],
  ])('ends with 2 for %j and says where the mistake is', async (spec, sentence) => {
    const { code, output, messages } = await runSpec(spec);
    expect([code, output]).toEqual([2, '']);
    expect(messages).toContain(sentence);
  });

  it('ends with 2 where there is no test at all, or no command of policy', async () => {
    expect((await run([join(ROOT, 'policies/examples')])).messages).toContain('No object of kind PolicyTest');
    const outside = outsideOf();
    expect(await runProgram(['policy'], outside)).toBe(2);
    expect(outside.said().messages).toContain('Name a command of policy');
  });
});

describe('differences of a case', () => {
  it('are told of expected fields alone, and a rule may be named by its object', () => {
    const actual = { outcome: 'refused', rule: 'ClusterImagePolicy demo, spec.repositories[0]', demands: [] } as const;
    expect(differencesOf({ rule: 'ClusterImagePolicy demo', demands: [] }, actual)).toEqual([]);
    expect(differencesOf({ rule: 'ClusterImagePolicy dem' }, actual)).toHaveLength(1);
    expect(differencesOf({ digest: 'sha256:x' }, actual)).toEqual([
      { field: 'digest', expected: 'sha256:x', actual: 'none' },
    ]);
  });
});
