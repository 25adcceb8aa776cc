import { EventEmitter } from 'node:events';

/** What functions-framework asks of a domain (`on`, `run`), without the hooks of node:domain. */
class Bystander extends EventEmitter {
  run(work: () => unknown): unknown {
    return work();
  }
}

/**
 * Stands in for `create` of node:domain, for functions-framework makes a domain for each request. Once loaded, node:domain makes every event emitter pay
 * for a property and every event for a look at it, and once used, every promise of the process for an asynchronous hook. What a domain is for, an error
 * outside the function's promise, our functions have not: each is one promise, whose rejection the framework catches by itself.
 * In the bundle this module stands in the place of node:domain (knative/bundle.ts), elsewhere lean.ts puts it there.
 */
export const create = (): Bystander => new Bystander();

export default { create };
