import { MODES } from '../../policy/policy.ts';
import { defineCommand } from '../command.ts';
import { exitCode } from '../findings.ts';
import { readManifests } from '../manifests.ts';
import { CommandError } from '../outside.ts';
import { count, renderJson } from '../render.ts';
import { withSession } from '../session.ts';
import { isPolicyObject, simulate as run, type Simulated } from '../simulate.ts';
import { renderTable } from '../table.ts';
import { plain } from '../terminal.ts';

const FORMATS = ['table', 'json'] as const;
const HEAD = ['NAMESPACE', 'WORKLOAD', 'FIELD', 'IMAGE', 'VERDICT'];
const list = (given: string | readonly string[]): readonly string[] => [given].flat();

function render(all: readonly Simulated[]): string {
  const rows = all.flatMap(({ namespace, kind, name, images }) =>
    images.map(({ field, image, before, after, reason }) => ({
      code: reason?.code ?? 'no longer refused',
      row: [namespace, `${kind}/${name}`, field, image, before === after ? after : `${before} → ${after}`].map(plain),
    })),
  );
  const groups = [...Map.groupBy(rows, ({ code }) => code)].map(
    ([code, those]) =>
      `${code}\n${renderTable(
        HEAD,
        those.map(({ row }) => row),
      )}\n`,
  );
  const refused = all.filter(({ after }) => after === 'refused' || after === 'unknown');
  const anew = refused.filter(({ before, after }) => before !== after).length;
  return `${groups.join('')}${count(all.length, 'workload')}: ${refused.length} would be refused, ${anew} of them are not now.\n`;
}

/** `simulate`: which workloads would a changed policy refuse. */
export const simulate = defineCommand({
  usage: 'simulate',
  summary: 'Which of these workloads would a changed policy refuse, and which would it admit?',
  options: (yargs) =>
    yargs
      .option('workloads', {
        alias: 'w',
        type: 'string',
        demandOption: true,
        requiresArg: true,
        coerce: list,
        describe: 'A file, a directory, or - for standard input (kubectl get … -o json); may be repeated',
      })
      .option('filename', {
        alias: 'f',
        type: 'string',
        default: [] as readonly string[],
        requiresArg: true,
        coerce: list,
        describe: 'Policies that are added, or take the place of those of the same name; may be repeated',
      })
      .option('without', {
        type: 'string',
        default: [] as readonly string[],
        requiresArg: true,
        coerce: list,
        describe: 'Take out a ClusterImagePolicy (name) or an ImagePolicy (namespace/name); may be repeated',
      })
      .option('mode', { choices: MODES, describe: 'The mode of rules that name none, as it would be' })
      .option('output', { alias: 'o', choices: FORMATS, default: 'table' as const, describe: 'Form of the answer' })
      .example(
        'kubectl get deploy,sts,ds,job,cronjob,pod -A -o json | $0 simulate -s cluster -f new.yaml -w -',
        'What a cluster runs, under policies that are not applied yet',
      ),
  run: async (args, outside) => {
    const policies = (await readManifests(args.filename, outside)).map(({ object }) => object).filter(isPolicyObject);
    if (policies.length + args.without.length === 0 && args.mode === undefined)
      throw new CommandError('Nothing would change: name policies with -f, --without or --mode.');
    const workloads = await readManifests(args.workloads, outside);
    const change = { policies, without: args.without, mode: args.mode };
    const all = await withSession(args, outside, (session) =>
      run(session, { change, workloads, timeout: args.timeout }, outside),
    );
    outside.output.write(args.output === 'json' ? renderJson(all) : render(all));
    return exitCode(all.map(({ after }) => ({ status: after })));
  },
});
