import api from 'undici/lib/api/index.js';
import PlainAgent from 'undici/lib/dispatcher/agent.js';
import DispatcherPart from 'undici/lib/dispatcher/dispatcher.js';
import PlainEnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import PlainProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

// As undici's own index does.
Object.assign(DispatcherPart.prototype, api);

/*
 * What of undici the gate uses, by its files: `request` is asked of the dispatcher itself. Its index loads `fetch`, WebSocket, caches and mocks as
 * well: three times the code, 2.6 MB of heap, 30 ms of a start. In the bundle client-node does without it too (knative/undici.ts).
 */
export type { Dispatcher } from 'undici';
export { default as RetryAgent } from 'undici/lib/dispatcher/retry-agent.js';

// HTTP/1.1 alone, for trust servers, API servers and receivers alike: undici takes HTTP/2 wherever a server offers it, and the bundle has none (knative/standins.ts).
const HTTP1 = { allowH2: false } as const;

/** Options of an `Agent`. */
export type AgentOptions = PlainAgent.Options;

/** Pooled connections. */
export class Agent extends PlainAgent {
  constructor(options: AgentOptions = {}) {
    super({ ...options, ...HTTP1 });
  }
}

/** The same through a proxy. */
export class ProxyAgent extends PlainProxyAgent {
  constructor(options: PlainProxyAgent.Options) {
    super({ ...options, ...HTTP1 });
  }
}

/** The same through a proxy or not, as an environment says. */
export class EnvHttpProxyAgent extends PlainEnvHttpProxyAgent {
  constructor(options: PlainEnvHttpProxyAgent.Options = {}) {
    super({ ...options, ...HTTP1 });
  }
}
