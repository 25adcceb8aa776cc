import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../functions/cli/program.ts';
import { type DemoWorld, openWorld } from '../../demo/world.ts';
import { type TemporaryFolder, temporaryFolder } from '../../integration/support/folder.ts';
import { outsideOf } from '../../support/cli.ts';

const pod = (image: string) => ({ containers: [{ name: 'a', image }] });
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u1', controller: true };
const RUNNING = [
  {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u1' },
    spec: { template: { spec: pod('registry.demo/shop/web:1.4') } },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1-a', namespace: 'shop', ownerReferences: [owner] },
    spec: pod('registry.demo/shop/web:1.4'),
  },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'tool', namespace: 'shop' }, spec: pod('registry.demo/public/x') },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hub', namespace: 'shop' }, spec: pod('nginx') },
];
const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: RUNNING });
const policy = (name: string) => `apiVersion: portieris.cloud.ibm.com/v1
kind: ClusterImagePolicy
metadata: {name: demo}
spec: {repositories: [{name: '${name}'}]}
`;

let world: DemoWorld;
let folder: TemporaryFolder;
async function run(...args: string[]) {
  const outside = outsideOf({ env: world.env, input });
  const code = await runProgram(['simulate', '-w', '-', ...args], outside);
  return { code, ...outside.said() };
}
beforeAll(async () => {
  world = await openWorld();
  folder = await temporaryFolder('simulate');
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

describe('portieris simulate', () => {
  it('shows what a changed policy would refuse and what it would admit, by code, and ends with 1', async () => {
    const file = join(folder.path, 'new.yaml');
    await writeFile(file, policy('docker.io/*'));
    const { code, output, messages } = await run('-f', file);
    expect([code, messages]).toEqual([1, '']);
    expect(output).toMatch(/shop +ReplicaSet\/web-1 .*registry.demo\/shop\/web:1.4 +admitted → refused/);
    expect(output).toMatch(/shop +Pod\/hub .*nginx +refused → admitted/);
    expect(output).not.toContain('Pod/web-1-a');
    expect(output).toContain('3 workloads: 2 would be refused, 2 of them newly.');
    expect(output).toContain('Not shown: 1 counted with their controller.');
  });

  it('ends with 0 where everything would be admitted', async () => {
    const file = join(folder.path, 'all.yaml');
    await writeFile(file, policy('*'));
    expect((await run('-f', file)).code).toBe(0);
  });

  it('simulates that a policy is taken out, and another mode', async () => {
    const { code, output } = await run('--without', 'demo', '-o', 'json');
    expect(code).toBe(1);
    const tool = JSON.parse(output).find(({ name }: { name: string }) => name === 'tool');
    expect(tool).toMatchObject({ before: 'admitted', after: 'refused', images: [{ reason: { code: 'POLICY_NONE' } }] });
    expect((await run('--mode', 'warn')).code).toBe(0);
  });

  it('looks only at the namespace of -n', async () => {
    const { code, output } = await run('--without', 'demo', '-n', 'other');
    expect([code, output]).toEqual([0, '0 workloads: 0 would be refused, 0 of them newly.\n']);
  });

  it('ends with 2 where no workloads are named and the snapshot is no cluster', async () => {
    const outside = outsideOf({ env: world.env });
    expect(await runProgram(['simulate', '--without', 'demo'], outside)).toBe(2);
    expect(outside.said().messages).toContain('Name workloads with -w, or read those that run in a cluster');
  });

  it('ends with 2 where nothing would change, or the policy is not there', async () => {
    expect(await run()).toMatchObject({ code: 2, messages: expect.stringContaining('Nothing would change') });
    expect(await run('--without', 'a/b')).toMatchObject({
      code: 2,
      messages: expect.stringContaining('no ImagePolicy'),
    });
  });
});
