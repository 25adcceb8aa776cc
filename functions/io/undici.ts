import api from 'undici/lib/api/index.js';
import PlainAgent from 'undici/lib/dispatcher/agent.js';
import DispatcherPart from 'undici/lib/dispatcher/dispatcher.js';
import PlainEnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import PlainProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

// What of undici the gate uses, by its files. Its index loads `fetch`, WebSocket, caches and mocks as well: three times the code, 2.6 MB of heap, 30 ms of a
// start. In the bundle client-node does without it too (knative/undici.ts).
export type { Dispatcher } from 'undici';
export { default as RetryAgent } from 'undici/lib/dispatcher/retry-agent.js';

// As undici's own index does: `request` and, for proxies, `connect` are asked of the dispatcher itself.
Object.assign(DispatcherPart.prototype, api);

// HTTP/1.1 alone, for trust servers, API servers and receivers alike. undici takes HTTP/2 wherever a server offers it, and the bundle has none (knative/standins.ts). Over HTTP/2 all
// would share one connection, and where that dies without a sign, ending a request does not end it, so nothing would get through until TCP gives up after a quarter
// of an hour (kubernetes/kubernetes#87615).
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
