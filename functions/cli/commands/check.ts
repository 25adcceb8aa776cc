import { checkManifests } from '../check.ts';
import { defineCommand, repeatable } from '../command.ts';
import { exitCode, findingsOf } from '../findings.ts';
import { readManifests } from '../manifests.ts';
import { renderJson, renderTableOf } from '../render.ts';
import { renderSarif } from '../sarif.ts';
import { withSession } from '../session.ts';
import { paintFor } from '../terminal.ts';

const RENDERERS = { table: renderTableOf, json: renderJson, sarif: renderSarif } as const;
const FORMATS = ['table', 'json', 'sarif'] as const;

/** `check -f FILE`: which images of these manifests would be admitted, with which digest, under which policy. */
export const check = defineCommand({
  usage: 'check',
  summary: 'Would the images of these manifests be admitted?',
  options: (yargs) =>
    yargs
      .option('filename', {
        alias: 'f',
        ...repeatable,
        demandOption: true,
        describe: 'A file, a directory (its .yaml, .yml and .json), or - for standard input; may be repeated',
      })
      .option('namespace', {
        alias: 'n',
        type: 'string',
        default: 'default',
        requiresArg: true,
        describe: 'Namespace of objects that name none',
      })
      .option('strict', {
        type: 'boolean',
        default: false,
        describe: 'End with 1 also where a mode (warn, audit) merely tolerates an image',
      })
      .option('output', { alias: 'o', choices: FORMATS, default: 'table' as const, describe: 'Form of the answer' })
      .example('$0 check -f deploy/', 'Every workload below deploy/')
      .example('helm template web ./chart | $0 check -n shop -f -', 'What a chart would deploy into the namespace shop')
      .example('$0 check -f deploy/ -o sarif > portieris.sarif', 'For the code scanning of a CI')
      .example('$0 check -s cluster -f web.yaml', 'With the policies and Secrets of the cluster of your kubeconfig'),
  run: async (args, outside) => {
    const objects = await readManifests(args.filename, outside);
    const checked = await withSession(args, outside, (session) =>
      checkManifests(session, { ...args, objects }, outside),
    );
    const findings = findingsOf(checked);
    outside.output.write(RENDERERS[args.output](findings, paintFor(outside.output, outside.env)));
    return exitCode(findings.objects, args.strict);
  },
});
