import { setTimeout } from 'node:timers/promises';
import { findRunning } from './running.ts';

/** `npm run demo:sign IMAGE:TAG`: signs a tag in the Notary of `npm start`. */

/** The gate refuses on what it heard from the server less than this ago (ms), and asks again after it: then the signature counts. */
const UNTIL_IT_COUNTS = 2_000;

const [image] = process.argv.slice(2);
if (image === undefined) {
  process.stderr.write('Which image? For example: npm run demo:sign registry.demo/shop/web:nightly\n');
  process.exit(2);
}
const { sign } = await findRunning();
const answer = await fetch(sign, { method: 'POST', body: JSON.stringify({ image }) });
const told = (await answer.json()) as { digest: string; signers: string[] } | { error: string };
if ('error' in told) {
  process.stderr.write(`${told.error}\n`);
  process.exitCode = 1;
} else {
  await setTimeout(UNTIL_IT_COUNTS);
  process.stdout.write(`Signed ${image} by ${told.signers.join(' and ')}: sha256:${told.digest}\n`);
}
