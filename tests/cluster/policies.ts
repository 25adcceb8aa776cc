import { describe, expect, it } from 'vitest';
import {
  apply,
  endPods,
  get,
  kubectl,
  podsOf,
  readyPods,
  type Thing,
  tryCreate,
  tryKubectl,
} from './support/cluster.ts';
import { tell } from './support/numbers.ts';
import { eventually, type Ran } from './support/shell.ts';
import { clusterPolicy, workload } from './support/workloads.ts';
import type { World } from './support/world.ts';

const VALIDATE = 'portieris-validate';
const CLUSTER = 'clusterimagepolicies.portieris.cloud.ibm.com';

/** A policy with several patterns, of either group. */
const policyOf = (apiVersion: string, metadata: Thing['metadata'], ...names: readonly string[]): Thing => ({
  apiVersion,
  kind: metadata.namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy',
  metadata,
  spec: { repositories: names.map((name) => ({ name, policy: { trust: { enabled: true } } })) },
});
const TODAY = 'portieris.cloud.ibm.com/v1';
const OF_2019 = 'securityenforcement.admission.cloud.ibm.com/v1beta1';
const odd = (name: string): Thing => policyOf(TODAY, { name }, 'quay.io/acme*');
/** Fits the schema of the API server, and its second rule can't be meant: there is no such port. */
function invalid(name: string): Thing {
  const policy = policyOf(TODAY, { name }, 'quay.io/acme/*', 'quay.io/broken/*');
  policy['spec'].repositories[1].policy.trust.trustServer = 'https://notary.invalid:99999';
  return policy;
}

const tryApply = (thing: Thing): Promise<Ran> => tryKubectl(['apply', '-f', '-'], JSON.stringify(thing));

/** The row of a policy by the headings of its columns, once it tells of itself. */
async function rowOf(resource: string, where: readonly string[], name: string): Promise<Record<string, string>> {
  return eventually(`${resource} ${name} tells of itself`, 60, async () => {
    const [headings = '', row = ''] = (await kubectl(['get', resource, ...where, name])).split('\n');
    const [keys, values] = [headings, row].map((line) => line.trim().split(/ {2,}/));
    return keys?.length === values?.length
      ? Object.fromEntries((keys ?? []).map((key, index) => [key, values?.[index] ?? '']))
      : undefined;
  });
}

/** What `validate` does where it is deployed: it looks at policies when they are written, keeps their status, and is never in the way. */
export function describePolicies(world: () => World): void {
  describe('a policy that is written', () => {
    it('is warned of by kubectl apply, where it may not be meant', async () => {
      const { code, stderr } = await tryApply(odd('e2e-odd'));
      expect(code).toBe(0);
      expect(stderr).toMatch(/^Warning: spec\.repositories\[0\]\.name has a star right behind "acme"/m);
    });

    it.each([
      ['clusterimagepolicies', {}],
      ['imagepolicies', { namespace: 'default' }],
    ])('is refused with the path of each field, where it cannot be meant: %s of either group', async (_, place) => {
      for (const apiVersion of [TODAY, OF_2019]) {
        const policy = policyOf(apiVersion, { name: 'e2e-bad', ...place }, 'quay.io/UPPER', 'quay.io/acme/*', 'a b');
        const { code, stderr } = await tryApply(policy);
        expect(code).not.toBe(0);
        expect(stderr).toContain('"e2e-bad" is invalid: ');
        expect(stderr).toContain('spec.repositories[0].name: The pattern has no star');
        expect(stderr).toContain('spec.repositories[2].name: ');
        expect(stderr).not.toContain('spec.repositories[1]');
      }
    });

    it('is refused as a change too, and stays as it was', async () => {
      const { code, stderr } = await tryApply(invalid('e2e-odd'));
      expect(code).not.toBe(0);
      expect(stderr).toContain('spec.repositories[1].policy.trust.trustServer: must be https://host');
      expect((await get(CLUSTER, 'e2e-odd'))['spec'].repositories).toHaveLength(1);
    });

    it('tells of itself in its status, and in the columns of kubectl get', async () => {
      expect(await rowOf(CLUSTER, [], 'e2e-odd')).toMatchObject({
        NAME: 'e2e-odd',
        VALID: 'True',
        REASON: 'OpenEndedName',
        PROBLEMS: '0',
        WARNINGS: '1',
        RULES: '1',
      });
      const { metadata, status } = await get(CLUSTER, 'e2e-odd');
      expect(status.conditions).toMatchObject([
        { type: 'Valid', status: 'True', observedGeneration: metadata['generation'] },
      ]);
      const legacy = policyOf(OF_2019, { name: 'e2e-legacy', namespace: 'default' }, 'quay.io/acme/*');
      await apply(legacy);
      const row = await rowOf(`imagepolicies.${OF_2019.split('/')[0]}`, ['-n', 'default'], 'e2e-legacy');
      expect(row).toMatchObject({ VALID: 'True', PROBLEMS: '0', RULES: '1' });
      await kubectl(['delete', `imagepolicies.${OF_2019.split('/')[0]}`, '-n', 'default', 'e2e-legacy']);
    });

    it('is answered at its deletion with what becomes of the namespace', async () => {
      await apply(policyOf(TODAY, { name: 'e2e-last', namespace: 'default' }, 'quay.io/acme/*'));
      const last = ['delete', 'imagepolicies.portieris.cloud.ibm.com', '-n', 'default', 'e2e-last'];
      const { stderr } = await eventually('the policy is seen', 20, async () => {
        const ran = await tryKubectl([...last, '--dry-run=server']);
        return ran.stderr === '' ? undefined : ran;
      });
      expect(stderr).toContain('Warning: metadata.name is the last ImagePolicy of default');
      await kubectl(last);
    });
  });

  describe('while the function that looks at policies is gone', () => {
    it('policies can be written, even those that it would refuse', async () => {
      const pods = await readyPods(VALIDATE);
      expect(pods).toHaveLength(1);
      // No pod may be made in its place until the quota is taken away.
      await kubectl(['create', 'quota', '-n', 'portieris', 'e2e-no-pods', '--hard=pods=0']);
      await endPods(pods, 'by force');
      await eventually('nobody looks', 60, async () =>
        (await tryApply(invalid('e2e-odd'))).code === 0 ? true : undefined,
      );
      expect(await podsOf(VALIDATE)).toEqual([]);
      const started = performance.now();
      expect(await tryApply(odd('e2e-odd'))).toMatchObject({ code: 0, stderr: '' });
      tell('kubectl apply of a policy while validate is gone', `${Math.round(performance.now() - started)} ms`);
      expect(await tryApply(invalid('e2e-odd'))).toMatchObject({ code: 0, stderr: '' });
    });

    it('the gate goes by them, and refuses the images of what is not valid', async () => {
      const { stderr } = await tryCreate(workload('Pod', { namespace: 'default', name: 'e2e' }, 'quay.io/broken/app'));
      expect(stderr).toContain('admission webhook "trust.hooks');
      expect(stderr).toContain('POLICY_INVALID');
    });

    it('and is back: what was written meanwhile tells of itself', async () => {
      await kubectl(['delete', 'quota', '-n', 'portieris', 'e2e-no-pods']);
      await eventually('it is ready', 240, async () => ((await readyPods(VALIDATE)).length > 0 ? true : undefined));
      await eventually('the status is that of the policy', 60, async () => {
        const { VALID, REASON, PROBLEMS } = await rowOf(CLUSTER, [], 'e2e-odd');
        return VALID === 'False' && REASON === 'Invalid' && PROBLEMS === '1' ? true : undefined;
      });
      await eventually('it refuses again', 60, async () => {
        const { code } = await tryApply(clusterPolicy('e2e-bad', 'quay.io/UPPER'));
        if (code !== 0) return true;
        await kubectl(['delete', CLUSTER, 'e2e-bad']);
        return undefined;
      });
      await kubectl(['delete', CLUSTER, 'e2e-odd']);
    });

    it('needs nothing of the gate: its account may do no more than its work', async () => {
      const as = `--as=system:serviceaccount:portieris:${VALIDATE}`;
      const may = async (...what: readonly string[]) =>
        (await tryKubectl(['auth', 'can-i', ...what, as])).stdout.trim();
      expect(await may('update', CLUSTER, '--subresource=status')).toBe('yes');
      expect(await may('update', CLUSTER)).toBe('no');
      expect(await may('update', 'trustrecords.trust.portieris.dev')).toBe('no');
      expect(await may('list', 'secrets', '-A')).toBe('no');
      const { namespace } = world();
      expect(await may('create', 'events.events.k8s.io', '-n', namespace)).toBe('no');
    });
  });
}
