import { startGate } from './gate.ts';
import { noteRunning } from './running.ts';
import { serveSigning } from './signing.ts';
import { openWorld } from './world.ts';

/** `npm start`: the gate of the demo, for reviews of one's own. PORT names the port (8080); ends on SIGINT or SIGTERM. */

const wanted = Number(process.env['PORT'] ?? '8080');
const world = await openWorld();
const gate = await startGate(
  { ...world, env: { ...world.env, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info' } },
  wanted,
);
const signing = await serveSigning(world);
const forget = await noteRunning({ gate: gate.origin, sign: signing.address, env: world.env });
process.stdout.write(`The gate answers at ${gate.origin} on the policies of policies/embedded, with an embedded Notary at ${world.notary.origin}.

In a second terminal:

  npm run -s demo:try registry.demo/shop/web:nightly     shows it a Pod with this image
  npm run -s demo:sign registry.demo/shop/web:nightly    signs the tag, so that it is admitted
  npm run -s demo:ask -- explain registry.demo/payments/api:2.1 -n payments     tells why, as a tree (docs/cli.md)
  curl -s -H 'Content-Type: application/json' -d @tests/demo/reviews/deployment.json ${gate.origin}/admit

Signed: registry.demo/shop/web:1.4, registry.demo/shop/migrate:1.4, registry.demo/payments/api:2.0. Stop with Ctrl-C.
`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void gate.close().then(forget).then(signing.close).then(world.close));
}
