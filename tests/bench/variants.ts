import { gateOn, IMAGE, rounds, type Stage, warmUp } from './cases.ts';
import { type Start, start } from './subject.ts';
import { review, serveSigned } from './world.ts';

/** What each measure gives: the gate as it is deployed, and the same without one of them. */
export async function variants(stage: Stage): Promise<void> {
  const world = await serveSigned(stage.folder);
  const deployed = gateOn(stage, { origin: world.server.origin, authorityFile: world.authorityFile });
  const { env = {} } = deployed;
  const { NODE_OPTIONS: _, ...withoutOptions } = env;
  const withoutMalloc = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MALLOC_')));
  const starts: readonly Start[] = [
    deployed,
    { ...deployed, name: "V8's own heap flags", env: withoutOptions },
    { ...deployed, name: "V8's own old generation and threads", args: deployed.args.slice(-1) },
    { ...deployed, name: '--max-semi-space-size=32', env: { ...env, NODE_OPTIONS: '--max-semi-space-size=32' } },
    { ...deployed, name: "malloc's own settings", env: withoutMalloc },
    { ...deployed, name: 'from the sources, not bundled', args: [...deployed.args.slice(0, -1), 'functions/serve.ts'] },
    {
      ...deployed,
      name: "the framework's command, nothing left out",
      args: ['node_modules/.bin/functions-framework', '--source=functions/index.ts', '--target=admit'],
    },
    { ...deployed, name: 'no log of admissions', env: { ...env, LOG_LEVEL: 'error' } },
  ];
  const body = review([IMAGE]);
  const subjects = [];
  for (const one of starts) subjects.push(await start({ ...one, name: one === deployed ? 'as deployed' : one.name }));
  for (const { name, ready } of subjects)
    stage.rows.push({ group: 'variants', what: 'process to ready', subject: name, figures: { ready } });
  await warmUp(stage, subjects, body);
  for (const callers of [1, 32])
    await rounds(stage, { group: 'variants', what: `${callers} callers` }, subjects, { body, callers });
  for (const subject of subjects) await subject.stop();
  await world.server.close();
}
