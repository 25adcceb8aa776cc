import api from 'undici/lib/api/index.js';
import DispatcherPart from 'undici/lib/dispatcher/dispatcher.js';

// As undici's own index does.
Object.assign(DispatcherPart.prototype, api);

/**
 * What of undici the gate uses, by its files: `request` is asked of the dispatcher itself. Its index loads `fetch`, WebSocket, caches and mocks as
 * well: three times the code, 2.6 MB of heap, 30 ms of a start. In the bundle client-node does without it too (knative/undici.ts).
 */
export type { Dispatcher } from 'undici';
export { default as Agent } from 'undici/lib/dispatcher/agent.js';
export { default as EnvHttpProxyAgent } from 'undici/lib/dispatcher/env-http-proxy-agent.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
export { default as RetryAgent } from 'undici/lib/dispatcher/retry-agent.js';
