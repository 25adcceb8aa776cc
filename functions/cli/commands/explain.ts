import { defineCommand, podOptions } from '../command.ts';
import { explainImage } from '../explain.ts';
import { renderExplanation } from '../explaintree.ts';
import { exitCode } from '../findings.ts';
import { renderJson } from '../render.ts';
import { withSession } from '../session.ts';
import { paintFor } from '../terminal.ts';

const FORMATS = ['tree', 'json'] as const;

/** `explain IMAGE`: the whole reasoning about one image. */
export const explain = defineCommand({
  usage: 'explain <image>',
  summary: 'Why would this image be admitted or refused? The whole reasoning as a tree',
  options: (yargs) =>
    podOptions(yargs)
      .positional('image', { type: 'string', demandOption: true, describe: 'As in a manifest: nginx:1.27' })
      .option('output', { alias: 'o', choices: FORMATS, default: 'tree' as const, describe: 'Form of the answer' })
      .example('$0 explain registry.demo/shop/web:1.4 -n shop', 'Policy, trust server, roles, signers, verdict')
      .example('$0 explain nginx -s cluster -o json', 'With the policies of your cluster, for programs'),
  run: async (args, outside) => {
    const { image, namespace, serviceAccount, pullSecret: pullSecrets, timeout } = args;
    return withSession(args, outside, async (session) => {
      const explanation = await explainImage(session, { image, namespace, serviceAccount, pullSecrets, timeout });
      const paint = paintFor(outside.output, outside.env);
      outside.output.write(
        args.output === 'json' ? renderJson(explanation) : renderExplanation(explanation, paint, session.clock.now()),
      );
      return exitCode([explanation]);
    });
  },
});
