import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { faultsOf, reportText, soak } from './soak.ts';

const HELP = `npm run soak -- [--minutes N] [--callers N]

Loads the gate as it is deployed (bundle, our own start) on loopback while one policy changes each second and tags are
signed anew ten times a second, and judges every answer: what is admitted must have been signed, or allowed by the
policy, between the request's beginning less the TTL and its end; what is refused must name a code. Exits with 1 when an
answer is wrong, a refusal has no explanation, a request gets no answer, the gate reports an error or ends, or its memory
grows (runs of three minutes and more).

  --minutes N   how long, fractions allowed (10)
  --callers N   callers at the same time (128)
  --help        this text
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    callers: { type: 'string', default: '128' },
    help: { type: 'boolean', default: false },
  },
});

const positive = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  process.stderr.write(`soak: --${name} ${text} is not a number above 0\n`);
  return process.exit(2);
};

if (values.help) {
  process.stdout.write(HELP);
} else {
  const milliseconds = positive('minutes', values.minutes) * 60_000;
  const callers = Math.ceil(positive('callers', values.callers));
  const folder = await mkdtemp(join(tmpdir(), 'portieris-soak-'));
  try {
    const tell = (line: string): void => void process.stderr.write(`soak: ${line}\n`);
    const report = await soak({ callers, milliseconds, folder, tell });
    process.stdout.write(`${reportText(report)}\n`);
    const faults = faultsOf(report);
    for (const fault of faults) tell(fault);
    process.exitCode = faults.length > 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
