import { kubectl, list, podsOf, type Thing } from './cluster.ts';

/** Bytes of memory in use by each container of the pods of one of our services, the largest of each name, as the kubelets measure. */
export async function memory(service = 'portieris'): Promise<Readonly<Record<string, number>>> {
  const names = new Set((await podsOf(service)).map(({ metadata }) => metadata.name));
  const largest: Record<string, number> = {};
  for (const node of await list('nodes')) {
    const stats = JSON.parse(
      await kubectl(['get', '--raw', `/api/v1/nodes/${node.metadata.name}/proxy/stats/summary`]),
    ) as Thing;
    const ours = (stats['pods'] as Thing[]).filter(({ podRef }) => names.has(podRef.name));
    for (const { name, memory: used } of ours.flatMap((pod) => pod['containers'] as Thing[])) {
      largest[name] = Math.max(largest[name] ?? 0, used?.workingSetBytes ?? 0);
    }
  }
  return largest;
}

/** Seconds from the start of each pod of one of our services to its being Ready. */
export async function startTimes(service = 'portieris'): Promise<readonly number[]> {
  return (await podsOf(service)).map(({ status }) => {
    const ready = status.conditions.find(({ type }: { type: string }) => type === 'Ready');
    return (Date.parse(ready.lastTransitionTime) - Date.parse(status.startTime)) / 1000;
  });
}

/** Writes a line of the numbers of docs/deployment.md. */
export const tell = (what: string, value: unknown): void => {
  process.stdout.write(`  number: ${what}: ${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
};

/** MiB with one decimal. */
export const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
