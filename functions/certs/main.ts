import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type Command, parseCommand, USAGE } from './command.ts';
import { issuePair, type Order, type Pair } from './issue.ts';
import type { Step } from './plan.ts';
import { rotate } from './rotate.ts';

/** What the command asks to be issued: for `<service>.<namespace>.svc`, the one name that the API server checks. */
export function orderOf({ service, namespace, days, bits }: Command): Order {
  return { names: [`${service}.${namespace}.svc`], days, bits };
}

/** The pair as the YAML of a Secret of type kubernetes.io/tls. */
export function secretManifest(pair: Pair, { namespace, secret }: Pick<Command, 'namespace' | 'secret'>): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace, labels: { 'app.kubernetes.io/name': 'portieris' } },
      type: 'kubernetes.io/tls',
      stringData: { 'ca.crt': pair.ca, 'tls.crt': pair.certificate, 'tls.key': pair.key },
    },
    { lineWidth: 0 },
  );
}

/** Writes the three files, the key readable by its owner alone. Throws a sentence where one is there already, before any is written. */
function writeFiles(pair: Pair, { directory, force }: Pick<Command, 'directory' | 'force'>): void {
  const files = [
    { path: join(directory, 'ca.crt'), text: pair.ca, mode: 0o644 },
    { path: join(directory, 'tls.crt'), text: pair.certificate, mode: 0o644 },
    { path: join(directory, 'tls.key'), text: pair.key, mode: 0o600 },
  ];
  const there = files.map(({ path }) => path).filter((path) => existsSync(path));
  if (there.length > 0 && !force)
    throw new Error(`${there.join(', ')}: there already; --force writes over it, --out DIR elsewhere`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const { path, text, mode } of files) {
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode });
  }
  process.stdout.write(`${files.map(({ path }) => path).join('\n')}\n`);
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const lineOf = (step: Step): object => ({
  time: new Date().toISOString(),
  step: step.do,
  why: step.why,
  ...('until' in step && { until: new Date(step.until).toISOString() }),
});

async function runInCluster(command: Command): Promise<void> {
  const { openStore } = await import('./kube.ts');
  const { renewBefore, overlap, settle, rotate: force, patience } = command;
  await rotate(
    { order: orderOf(command), schedule: { renewBefore, overlap, settle, force }, patience },
    {
      store: openStore(command),
      now: Date.now,
      sleep: (milliseconds) => sleep(milliseconds),
      report: (step) => say(lineOf(step)),
    },
  );
}

/** Does what the arguments say; rejects with a sentence. */
export async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  switch (command.verb) {
    case 'files':
      return writeFiles(issuePair(orderOf(command), Date.now()), command);
    case 'secret':
      return void process.stdout.write(secretManifest(issuePair(orderOf(command), Date.now()), command));
    case 'cluster':
      return await runInCluster(command);
    case 'help':
      return void process.stdout.write(USAGE);
  }
}

/** Messages of an error and of what caused it: `fetch failed` alone tells nobody what to do. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
};

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
  });
}
