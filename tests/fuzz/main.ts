import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { hostileBytes } from './mutate.ts';
import { type FuzzTarget, TARGETS } from './targets.ts';

const HELP = `Gives hostile bytes to every parser that meets the outside.

  npm run fuzz -- [--seconds N] [--only NAME] [--seed N]

  --seconds N   time for each parser (default 10)
  --only NAME   one parser: ${TARGETS.map(({ name }) => name).join(', ')}
  --seed N      start of the random numbers, to run the same again

Exit code 1 where a parser threw; the input is shown in base64, and becomes a test.
`;

/** Inputs between two looks at the clock. */
const BATCH = 1000;

function fuzz({ name, seeds, run }: FuzzTarget, seconds: number, seed: number): boolean {
  const end = Date.now() + seconds * 1000;
  for (let inputs = 0, next = seed; ; next += 1) {
    const details = fc.check(fc.property(hostileBytes(seeds), run), { numRuns: BATCH, seed: next });
    inputs += details.numRuns;
    if (details.failed) {
      const worst = details.counterexample?.[0] ?? Buffer.alloc(0);
      process.stderr.write(
        `${name}: FAILED after ${inputs} inputs, seed ${next}: ${String(details.errorInstance)}\n  ${worst.toString('base64')}\n`,
      );
      return false;
    }
    if (Date.now() >= end) {
      process.stdout.write(`${name}: ${inputs} inputs, none failed\n`);
      return true;
    }
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      seconds: { type: 'string', default: '10' },
      only: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  const chosen = TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
  if (!(seconds > 0) || !Number.isSafeInteger(seed) || chosen.length === 0) {
    process.stderr.write(
      `--seconds takes a number above 0, --seed a whole number, --only a name of the list.\n\n${HELP}`,
    );
    process.exitCode = 2;
    return;
  }
  const failed = chosen.filter((target) => !fuzz(target, seconds, seed));
  process.exitCode = failed.length === 0 ? 0 : 1;
}

main();
