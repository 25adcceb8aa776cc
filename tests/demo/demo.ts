import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startGate } from './gate.ts';
import { SCENES, type Scene } from './scenes.ts';
import { sendReview } from './send.ts';
import { type Outcome, renderHeading, renderScene } from './show.ts';
import { openWorld } from './world.ts';

/** `npm run demo`: the gate, an embedded Notary, and a handful of reviews. Exit code 1 when anything differs from what it should be. */

const REVIEWS = join(import.meta.dirname, 'reviews');

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
  const outcome = await sendReview(gate.origin, await readFile(join(REVIEWS, scene.file)));
  const differences = differencesOf(scene, outcome);
  wrong += differences.length;
  process.stdout.write(`${renderScene(scene, outcome, differences)}\n`);
}
await gate.close();
await world.close();
process.stdout.write(
  wrong === 0
    ? `All ${SCENES.length} reviews were answered as they should be. Next: npm start, and an image of your own (README).\n`
    : `${wrong} of ${SCENES.length} reviews were not answered as they should be.\n`,
);
process.exitCode = wrong === 0 ? 0 : 1;
