import type * as undici from 'undici';
import api from 'undici/lib/api/index.js';
import AgentPart from 'undici/lib/dispatcher/agent.js';
import DispatcherPart from 'undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgentPart from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import ProxyAgentPart from 'undici/lib/dispatcher/proxy-agent.js';
import RetryAgentPart from 'undici/lib/dispatcher/retry-agent.js';

// As undici's own index does.
Object.assign(DispatcherPart.prototype, api);

/**
 * What of undici the gate uses, by its files: `request` is asked of the dispatcher itself. Its index loads `fetch`, WebSocket, caches and mocks as
 * well: three times the code, 2.6 MB of heap, 30 ms of a start. In the bundle client-node does without it too (knative/undici.ts).
 */
export const Agent = AgentPart;
export const EnvHttpProxyAgent = EnvHttpProxyAgentPart;
export const ProxyAgent = ProxyAgentPart;
export const RetryAgent = RetryAgentPart;
/** undici's type of them all. */
export type Dispatcher = undici.Dispatcher;
/** What an agent is made with. */
export type AgentOptions = undici.Agent.Options;
/** What comes back of a request. */
export type ResponseData = undici.Dispatcher.ResponseData;
