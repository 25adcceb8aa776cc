import { readCoverage } from '../io/coverage.ts';
import { openKube } from '../io/kubeconfig.ts';
import { metadataOf, textOf } from '../io/objects.ts';
import { readRunning } from '../io/running.ts';
import type { CommonArgs } from './command.ts';
import { type FoundObject, readManifests } from './manifests.ts';
import { CommandError, type Outside } from './outside.ts';
import type { Session } from './session.ts';
import { openProgress, plain } from './terminal.ts';

/** Which workloads are wanted. */
export interface WorkloadsOrder extends CommonArgs {
  /** Files, directories and `-`; empty: those of the cluster. */
  readonly workloads: readonly string[];
  /** The one namespace that counts; undefined: all. */
  readonly namespace: string | undefined;
}

/** Workloads, and what of them could not be read. */
export interface FoundWorkloads {
  readonly objects: readonly FoundObject[];
  /** True where something may be missing: it was told on the messages. */
  readonly incomplete: boolean;
  /** How many are left out, for the webhook is not called in their namespaces. */
  readonly exempt: number;
}

const namespaceOf = ({ object }: FoundObject): string => textOf(metadataOf(object), 'namespace') ?? 'default';

async function ofFiles({ workloads, namespace }: WorkloadsOrder, outside: Outside): Promise<FoundWorkloads> {
  const all = await readManifests(workloads, outside);
  const objects = all.filter((found) => namespace === undefined || namespaceOf(found) === namespace);
  return { objects, incomplete: false, exempt: 0 };
}

/** Reads the workloads that are named, or all that run in the cluster. Throws `CommandError`. */
export async function findWorkloads(
  session: Session,
  order: WorkloadsOrder,
  outside: Outside,
): Promise<FoundWorkloads> {
  if (order.workloads.length > 0) return ofFiles(order, outside);
  if (session.config.snapshot !== 'cluster')
    throw new CommandError('Name workloads with -w, or read those that run in a cluster with -s cluster.');
  const kube = await openKube(order);
  const progress = openProgress(outside);
  const note = (text: string) => void outside.messages.write(plain(`${text}\n`));
  try {
    const timeout = order.timeout * 1000;
    const coverage = await readCoverage(kube, timeout);
    const { namespace } = order;
    const show = (text: string) => progress.show(text);
    const running = await readRunning(kube, { kinds: session.gate.kinds, namespace, timeout, progress: show });
    progress.clear();
    if (coverage.note !== undefined) note(coverage.note);
    running.missing.forEach(note);
    if (running.missing.length > 0) note('The answer is incomplete.');
    const found = running.objects.map((object) => ({
      object,
      file: 'cluster',
      placeOf: () => ({ line: 1, column: 1 }),
    }));
    const objects = found.filter((one) => coverage.covers(namespaceOf(one)));
    return { objects, incomplete: running.missing.length > 0, exempt: found.length - objects.length };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    throw new CommandError(`The workloads of the cluster cannot be read: ${why}`, { cause: error });
  } finally {
    progress.clear();
    await kube.close();
  }
}
