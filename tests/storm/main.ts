import { parseArgs } from 'node:util';
import { simulate } from './model.ts';
import { PARAMETERS, problemsOf, type Storm, stormOf } from './parameters.ts';
import { stormText } from './report.ts';

const names = Object.keys(PARAMETERS) as (keyof Storm)[];
const HELP = `npm run storm -- [--NAME VALUE]...

Simulates the worst hour of the gate: a zone is lost and its pods are made anew, while every cache is empty. Prints what
reaches the gate, Notary and the API server over time, how long admissions wait, and which part is full first. Nothing is
started; the service times are parameters. docs/scaling.md says what the figures mean.

${names.map((name) => `  --${name.padEnd(15)} ${PARAMETERS[name].what} (${PARAMETERS[name].value})`).join('\n')}
  --help            this text
`;

const { values }: { values: Readonly<Record<string, string | boolean | undefined>> } = parseArgs({
  options: {
    help: { type: 'boolean' },
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  },
});

if (values['help'] === true) {
  process.stdout.write(HELP);
} else {
  const given = names.filter((name) => values[name] !== undefined);
  const changed = Object.fromEntries(
    given.map((name) => [name, Number(values[name] === '' ? Number.NaN : values[name])]),
  );
  const replicas = changed['replicas'] ?? 0;
  const storm = stormOf({ ...(replicas > PARAMETERS['grow-to'].value && { 'grow-to': replicas }), ...changed });
  const problems = problemsOf(storm);
  for (const problem of problems) process.stderr.write(`storm: ${problem}\n`);
  if (problems.length > 0) process.exitCode = 2;
  else process.stdout.write(`${stormText(storm, simulate(storm))}\n`);
}
