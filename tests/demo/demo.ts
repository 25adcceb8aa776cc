import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { startGate } from './gate.ts';
import { SCENES, type Scene } from './scenes.ts';
import { type Outcome, renderHeading, renderScene } from './show.ts';
import { openWorld } from './world.ts';

/** `npm run demo`: the gate, an embedded Notary, and a handful of reviews. Exit code 1 when anything differs from what it should be. */

const REVIEWS = join(import.meta.dirname, 'reviews');

async function send(origin: string, file: string): Promise<Outcome> {
  const body = await readFile(join(REVIEWS, file));
  const started = performance.now();
  const answer = await fetch(`${origin}/admit?timeout=10s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { response } = (await answer.json()) as AdmissionReviewAnswer;
  const milliseconds = performance.now() - started;
  const operations = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString() || '[]') as {
    op: string;
    path: string;
    value: string;
  }[];
  const before = new Map(operations.filter(({ op }) => op === 'test').map(({ path, value }) => [path, value]));
  const images = new Map(
    operations
      .filter(({ op }) => op === 'replace')
      .map(({ path, value }) => [path, { before: before.get(path) ?? '', after: value }]),
  );
  return { allowed: response.allowed, message: response.status?.message ?? '', images, milliseconds };
}

/** How an outcome differs from what the scene expects; empty when it does not. */
function differencesOf({ expected }: Scene, outcome: Outcome): string[] {
  if (expected.allowed !== outcome.allowed) return [`expected ${expected.allowed ? 'admission' : 'refusal'}`];
  if (expected.allowed) {
    const after = JSON.stringify(
      Object.fromEntries([...outcome.images].map(([pointer, image]) => [pointer, image.after])),
    );
    const wanted = JSON.stringify(expected.images);
    return after === wanted ? [] : [`expected the images ${wanted}`];
  }
  // What to do about each code stands after all refusals, under the code again.
  const [refusals = ''] = outcome.message.split('\nWhat to do:');
  const codes = [...refusals.matchAll(/\[([A-Z_]+)\]/g)].map((match) => match[1]).join(', ');
  return codes === expected.codes.join(', ') ? [] : [`expected ${expected.codes.join(', ')}, not ${codes}`];
}

const world = await openWorld();
const gate = await startGate(world, 0);
let wrong = 0;
process.stdout.write(
  renderHeading(`The gate answers at ${gate.origin}, the embedded Notary at ${world.notary.origin}.`),
);
for (const scene of SCENES) {
  const outcome = await send(gate.origin, scene.file);
  const differences = differencesOf(scene, outcome);
  wrong += differences.length;
  process.stdout.write(`${renderScene(scene, outcome, differences)}\n`);
}
await gate.close();
await world.close();
process.stdout.write(
  wrong === 0
    ? `All ${SCENES.length} reviews were answered as they should be. Next: npm start, and a review of your own (README).\n`
    : `${wrong} of ${SCENES.length} reviews were not answered as they should be.\n`,
);
process.exitCode = wrong === 0 ? 0 : 1;
