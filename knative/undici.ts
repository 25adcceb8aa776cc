import fetching from 'undici/lib/web/fetch/index.js';

/** What client-node has of undici in the bundle, in the place of undici's index (functions/io/undici.ts says why). */
export { Agent, ProxyAgent } from '../functions/io/undici.ts';
export const { fetch } = fetching;
