import { MODES } from '../../policy/policy.ts';
import { defineCommand, repeatable } from '../command.ts';
import { exitCode, type Status } from '../findings.ts';
import { readManifests } from '../manifests.ts';
import { CommandError, EXIT } from '../outside.ts';
import { count, renderJson, statusCell } from '../render.ts';
import { withSession } from '../session.ts';
import { isPolicyObject, simulate as run, type Simulated, type Simulation } from '../simulate.ts';
import { type Cell, renderTable } from '../table.ts';
import { type Paint, paintFor, plain } from '../terminal.ts';
import { findWorkloads } from '../workloads.ts';

const FORMATS = ['table', 'json'] as const;
const HEAD = ['NAMESPACE', 'WORKLOAD', 'FIELD', 'IMAGE', 'VERDICT'];

/** The kind and name of a workload, whose it is, and how many are like it. */
function titleOf({ kind, name, owner, alike }: Simulated): string {
  const of = owner === undefined ? '' : ` of ${owner.kind}/${owner.name}`;
  return `${kind}/${name}${of}${alike === undefined ? '' : ` (and ${alike} alike)`}`;
}

function verdictCell(before: Status, after: Status, paint: Paint): Cell {
  const { dress } = statusCell(after, paint);
  return { text: before === after ? after : `${before} → ${after}`, dress };
}

function tables(all: readonly Simulated[], paint: Paint): string {
  const rows = all.flatMap((one) =>
    one.images.map(({ field, image, before, after, reason }) => ({
      code: reason?.code ?? 'no longer refused',
      row: [...[one.namespace, titleOf(one), field, image].map(plain), verdictCell(before, after, paint)],
    })),
  );
  const table = (those: typeof rows) =>
    renderTable(
      HEAD,
      those.map(({ row }) => row),
      paint.columns,
    );
  return [...Map.groupBy(rows, ({ code }) => code)]
    .map(([code, those]) => `${paint.strong(code)}\n${table(those)}\n`)
    .join('');
}

/** What is not shown for itself, in one sentence; empty where nothing is. */
function aside({ vouched, idle, exempt }: Simulation['counts'] & { readonly exempt: number }): string {
  const parts = [
    [vouched, 'counted with their controller'],
    [idle, 'with nothing running'],
    [exempt, 'in namespaces that the webhook exempts'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, why]) => `${number} ${why}`);
  return told.length === 0 ? '' : `Not shown: ${told.join(', ')}.\n`;
}

function render({ workloads, counts }: Simulation, exempt: number, paint: Paint): string {
  const refused = workloads.filter(({ after }) => after === 'refused' || after === 'unknown');
  const anew = refused.filter(({ before, after }) => before !== after).length;
  const summary = `${count(workloads.length, 'workload')}: ${refused.length} would be refused, ${anew} of them newly.\n`;
  return `${tables(workloads, paint)}${summary}${aside({ ...counts, exempt })}`;
}

/** `simulate`: which workloads would a changed policy refuse. */
export const simulate = defineCommand({
  usage: 'simulate',
  summary: 'Which workloads would a changed policy refuse, and which would it admit?',
  options: (yargs) =>
    yargs
      .option('workloads', {
        alias: 'w',
        ...repeatable,
        default: [] as readonly string[],
        describe: 'A file, a directory, or - (kubectl get … -o json); may be repeated [default: what the cluster runs]',
      })
      .option('namespace', {
        alias: 'n',
        type: 'string',
        requiresArg: true,
        describe: 'Only the workloads of this namespace [default: all]',
      })
      .option('filename', {
        alias: 'f',
        ...repeatable,
        default: [] as readonly string[],
        describe: 'Policies that are added, or take the place of those of the same name; may be repeated',
      })
      .option('without', {
        ...repeatable,
        default: [] as readonly string[],
        describe: 'Take out a ClusterImagePolicy (name) or an ImagePolicy (namespace/name); may be repeated',
      })
      .option('mode', { choices: MODES, describe: 'The mode of rules that name none, as it would be' })
      .option('output', { alias: 'o', choices: FORMATS, default: 'table' as const, describe: 'Form of the answer' })
      .example('$0 simulate -s cluster -f new.yaml', 'What the cluster runs, under policies that are not applied yet')
      .example('$0 simulate -s cluster -n shop --mode enforce', 'What would be refused in shop where nothing was yet')
      .example('$0 simulate -s policies -f new.yaml -w deploy/', 'The same of files, without a cluster'),
  run: async (args, outside) => {
    const policies = (await readManifests(args.filename, outside)).map(({ object }) => object).filter(isPolicyObject);
    if (policies.length + args.without.length === 0 && args.mode === undefined)
      throw new CommandError('Nothing would change: name policies with -f, --without or --mode.');
    const change = { policies, without: args.without, mode: args.mode };
    const { exempt, incomplete, ...simulation } = await withSession(args, outside, async (session) => {
      const { objects: workloads, ...rest } = await findWorkloads(session, args, outside);
      return { ...rest, ...(await run(session, { change, workloads, timeout: args.timeout }, outside)) };
    });
    const paint = paintFor(outside.output, outside.env);
    const text = args.output === 'json' ? renderJson(simulation.workloads) : render(simulation, exempt, paint);
    outside.output.write(text);
    const code = exitCode(simulation.workloads.map(({ after }) => ({ status: after })));
    return incomplete && code === EXIT.admitted ? EXIT.failed : code;
  },
});
