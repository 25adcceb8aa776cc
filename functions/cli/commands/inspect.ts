import { defineCommand, podOptions } from '../command.ts';
import { inspectRepository, pinsYaml } from '../inspect.ts';
import { renderInspection } from '../inspecttext.ts';
import { CommandError, EXIT } from '../outside.ts';
import { renderJson } from '../render.ts';
import { withSession } from '../session.ts';
import { paintFor } from '../terminal.ts';

const FORMATS = ['text', 'json', 'pins'] as const;

/** `inspect REPOSITORY`: its trust data, who signed what, what expires when, and the root pins to write into a policy. */
export const inspect = defineCommand({
  usage: 'inspect <repository>',
  summary: 'Who signed what in this repository, what expires when, and which root keys to pin',
  options: (yargs) =>
    podOptions(yargs)
      .positional('repository', { type: 'string', demandOption: true, describe: 'Without a tag: docker.io/acme/web' })
      .option('trust-server', {
        type: 'string',
        requiresArg: true,
        describe: 'https://host[:port] [default: as the policy says, else by the host of the repository]',
      })
      .option('output', {
        alias: 'o',
        choices: FORMATS,
        default: 'text' as const,
        describe: 'Form of the answer; pins: only the YAML of the root pins',
      })
      .example('$0 inspect registry.demo/shop/web', 'Roles, tags, keys and root pins')
      .example(
        '$0 inspect registry.demo/shop/web -o pins > roots.yaml',
        'For TRUST_ROOTS_FILE, once you compared the keys',
      ),
  run: async (args, outside) => {
    const { repository, trustServer, namespace, serviceAccount, pullSecret: pullSecrets, timeout } = args;
    return withSession(args, outside, async (session) => {
      const order = { repository, trustServer, namespace, serviceAccount, pullSecrets, timeout };
      const inspection = await inspectRepository(session, order);
      if (args.output === 'json') outside.output.write(renderJson(inspection));
      else if (args.output === 'text')
        outside.output.write(renderInspection(inspection, paintFor(outside.output, outside.env), session.clock.now()));
      else if (inspection.reason === undefined) outside.output.write(pinsYaml(inspection));
      else throw new CommandError(`[${inspection.reason.code}] ${inspection.reason.message}`);
      return inspection.reason === undefined ? EXIT.admitted : EXIT.refused;
    });
  },
});
