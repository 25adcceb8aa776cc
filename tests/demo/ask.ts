import { findRunning } from './running.ts';

/** `npm run demo:ask -- COMMAND …`: the command line `portieris` on the policies and the Notary of the demo that `npm start` runs. */

Object.assign(process.env, (await findRunning()).env);
await import('../../functions/cli/main.ts');
