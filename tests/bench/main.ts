import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Goal, memory, policies, type Row, refresh, reviews, type Stage, startUp, tags, warm } from './cases.ts';
import { cold } from './cold.ts';
import { barChart, figuresPage, holds } from './page.ts';
import { images, startOnCluster } from './scale.ts';
import { Loader, peer } from './subject.ts';
import { variants } from './variants.ts';
import { openFolder } from './world.ts';

/** Every case by name, in the order they run. */
const CASES: ReadonlyMap<string, (stage: Stage) => Promise<void>> = new Map([
  ['warm', warm],
  ['cold', cold],
  ['refresh', refresh],
  ['reviews', reviews],
  ['images', images],
  ['tags', tags],
  ['policies', policies],
  ['memory', memory],
  ['start', startUp],
  ['cluster', startOnCluster],
  ['variants', variants],
]);

const ALL = [...CASES.keys()];

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/performance.md');
const [BEGIN, END] = ['<!-- figures: npm run bench -->', '<!-- end of figures -->'];
const HELP = `npm run bench -- [--short | --long] [--only CASE]... [--peer NAME=URL]... [--write]

Measures the gate as it is deployed (bundle, our own start) beside an empty function on the same framework, a bare
server and a real Notary server, in alternating rounds, on loopback. Exits with 1 when a goal is missed, and says which.

  --short       a look, under two minutes (the default)
  --long        for the page: writes docs/performance.md and docs/performance-*.svg
  --only CASE   one of ${ALL.join(', ')}; may be given again (variants by its name or with --long)
  --peer N=URL  another webhook that runs already, sent the same reviews in the warm case; may be given again
  --write       writes the page in short mode too
  --help        this text

Servers that are not at hand (notary-server, notary) are built once, with Go. What runs at the same time spoils the figures.
`;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean' },
    long: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const tell = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

function peersOf(texts: readonly string[]): Stage['peers'] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1 || URL.parse(text.slice(at + 1)) === null) throw new Error(`--peer ${text} is not NAME=URL`);
    return peer(text.slice(0, at), text.slice(at + 1));
  });
}

/** Puts the figures in their place in the page; the words around them are written by hand. */
function writePage(text: string, rows: readonly Row[]): void {
  const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : `# Performance\n\n${BEGIN}\n${END}\n`;
  const [head = '', rest = ''] = old.split(BEGIN);
  const tail = rest.slice(rest.indexOf(END));
  mkdirSync(join(ROOT, 'docs'), { recursive: true });
  writeFileSync(PAGE, `${head}${BEGIN}\n${text}\n\n${tail}`);
  const of = (...groups: string[]): Row[] => rows.filter(({ group }) => groups.includes(group));
  const charts: [string, string, Row[], string][] = [
    ['throughput', 'Warm admissions per second', of('warm'), 'rate'],
    ['cpu', 'CPU per admission, µs', of('warm', 'reviews'), 'cpu'],
    ['latency', 'p99 of warm admissions, ms', of('warm'), 'p99'],
  ];
  for (const [name, title, kept, key] of charts) {
    if (kept.length > 0) writeFileSync(join(ROOT, `docs/performance-${name}.svg`), barChart(title, kept, key));
  }
}

async function run(): Promise<readonly Goal[]> {
  const bench = await openFolder();
  const loader = new Loader();
  const stage: Stage = {
    folder: bench.folder,
    loader,
    long: values.long,
    peers: peersOf(values.peer),
    tell,
    rows: [],
    goals: [],
  };
  try {
    tell('bundling the gate');
    execFileSync(process.execPath, ['knative/bundle.ts', join(bench.folder, 'dist')], { cwd: ROOT, stdio: 'inherit' });
    for (const name of values.only ?? (values.long ? ALL : ALL.filter((one) => one !== 'variants'))) {
      const measure = CASES.get(name);
      if (measure === undefined) throw new Error(`--only ${name} is none of ${ALL.join(', ')}`);
      await measure(stage);
    }
  } finally {
    loader.stop();
    bench.remove();
  }
  const text = figuresPage(stage.rows, stage.goals, values.long ? 'long' : 'short');
  process.stdout.write(`${text}\n`);
  if (values.write || (values.long && values.only === undefined)) writePage(text, stage.rows);
  return stage.goals;
}

if (values.help) {
  process.stdout.write(HELP);
} else {
  const missed = (await run()).filter((goal) => !holds(goal));
  for (const { name, value, kind, limit } of missed)
    tell(`missed: ${name} is ${value.toFixed(2)}, wanted ${kind} ${limit}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}
