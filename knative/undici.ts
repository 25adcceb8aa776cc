import fetching from 'undici/lib/web/fetch/index.js';
import { Agent } from '../functions/io/undici.ts';

/** What client-node has of undici in the bundle, in the place of undici's index (functions/io/undici.ts says why). */
export { Agent, ProxyAgent } from '../functions/io/undici.ts';

const direct = new Agent();

/** As undici's; where a kubeconfig asks for nothing, client-node names no dispatcher. */
export const fetch: typeof fetching.fetch = (input, init) =>
  fetching.fetch(input, { ...init, dispatcher: init?.dispatcher ?? direct });
