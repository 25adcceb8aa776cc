import { describe, expect, it } from 'vitest';
import { apply, get, kubectl, list, type Thing, tryCreate, tryKubectl } from './support/cluster.ts';
import { arrivalsAt, startReceiver } from './support/receiver.ts';
import { eventually } from './support/shell.ts';
import { TRUST_SERVER } from './support/trust.ts';
import { clusterPolicy, workload } from './support/workloads.ts';
import type { World } from './support/world.ts';

/** Who is told of a refusal beside the one who is refused: Events, warnings and CloudEvents, seen arriving. */
export function describeTelling(world: () => World): void {
  const at = (name: string) => ({ namespace: world().namespace, name });
  /** The gate's Event of this reason about an object, once it is there. */
  const eventAbout = (kind: string, name: string): Promise<Thing> =>
    eventually(`an Event of the gate about ${kind} ${name}`, 60, async () => {
      const events = await list('events.events.k8s.io', '-n', world().namespace);
      return events.find(
        ({ reportingController, regarding, reason }) =>
          reportingController === 'portieris.dev/admission' &&
          reason === 'TRUST_NOT_SIGNED' &&
          regarding.kind === kind &&
          regarding.name === name,
      );
    });

  describe('a refusal is told', () => {
    it('by an Event of the namespace, where what was refused has no owner', async () => {
      expect((await tryCreate(workload('Pod', at('told-alone'), world().unsigned.name))).code).not.toBe(0);
      const event = await eventAbout('Namespace', world().namespace);
      expect(event).toMatchObject({ type: 'Warning', action: 'Refuse', note: expect.stringContaining('unsigned') });
    });

    it('by an Event of the object whose change was refused, where kubectl describe shows it', async () => {
      await apply(workload('Deployment', at('told'), world().signed.name));
      const change = ['set', 'image', '-n', world().namespace, 'deployment/told', `app=${world().unsigned.name}`];
      expect((await tryKubectl(change)).stderr).toContain('TRUST_NOT_SIGNED');
      await eventAbout('Deployment', 'told');
      expect(await kubectl(['describe', 'deployment', '-n', world().namespace, 'told'])).toContain('TRUST_NOT_SIGNED');
    });

    it('by an Event of the owner whose pod was refused', async () => {
      const [set] = await list('replicasets', '-n', world().namespace, '-l', 'app=told');
      const { name, uid } = set?.metadata ?? {};
      const pod = workload('Pod', at('told-owned'), world().unsigned.name);
      const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true }];
      const refused = await tryCreate({ ...pod, metadata: { ...pod.metadata, ownerReferences } });
      expect(refused.stderr).toContain('TRUST_NOT_SIGNED');
      const event = await eventAbout('ReplicaSet', name ?? '');
      expect(event['related']).toMatchObject({ kind: 'Pod', name: 'told-owned' });
      await kubectl(['delete', 'deployment', '-n', world().namespace, 'told', '--wait=false']);
    });

    it('by a warning of kubectl apply, where the policy only warns', async () => {
      const policy = clusterPolicy('e2e-warned', `${world().repository}/app:unsigned`, TRUST_SERVER);
      policy['spec'].repositories[0].policy.mode = 'warn';
      await apply(policy);
      const pod = workload('Pod', at('warned'), world().unsigned.name);
      const said = await eventually('the mode counts', 10, async () => {
        const { code, stderr } = await tryKubectl(['apply', '-f', '-'], JSON.stringify(pod));
        return code === 0 ? stderr : undefined;
      });
      expect(said).toMatch(/^Warning: .*TRUST_NOT_SIGNED/m);
      expect((await get('pod', '-n', world().namespace, 'warned'))['spec'].containers[0].image).toBe(
        world().unsigned.name,
      );
      await kubectl(['delete', 'clusterimagepolicy.portieris.cloud.ibm.com', 'e2e-warned']);
      await kubectl(['delete', 'pod', '-n', world().namespace, 'warned', '--wait=false']);
    });

    it('by a CloudEvent that arrives at a receiver in the cluster, and names no more than it should', async () => {
      await startReceiver(world().namespace, world().signed.name);
      expect((await tryCreate(workload('Job', at('told-afar'), world().unsigned.name))).code).not.toBe(0);
      const { headers, body } = await eventually('the CloudEvent of the refusal', 60, async () => {
        const arrived = await arrivalsAt(world().namespace);
        return arrived.find(({ headers }) => headers['ce-subject'] === `${world().namespace}/Job/told-afar`);
      });
      expect(headers).toMatchObject({
        'ce-specversion': '1.0',
        'ce-type': 'dev.portieris.image.refused.v1',
        'ce-source': '/portieris',
        'ce-namespace': world().namespace,
        'ce-code': 'TRUST_NOT_SIGNED',
        'content-type': expect.stringMatching(/^application\/json/),
      });
      expect(JSON.parse(body)).toMatchObject({
        operation: 'CREATE',
        object: { kind: 'Job', name: 'told-afar' },
        image: world().unsigned.name,
        fields: ['spec.template.spec.containers[0].image'],
        policy: 'ClusterImagePolicy e2e, spec.repositories[0]',
      });
      expect(body).not.toContain('command');
    });
  });
}
