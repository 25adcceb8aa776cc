import domain from 'node:domain';
import { EventEmitter } from 'node:events';

/** Layers of the framework's Express app that have nothing to do where the body is read and the function is asynchronous. */
const IDLE: ReadonlySet<string> = new Set([
  'jsonParser',
  'textParser',
  'urlencodedParser',
  'rawParser',
  'executionContextMiddleware',
  'asyncLocalStorageMiddleware',
]);

/** An Express app as far as it is looked at here. */
interface Layered {
  readonly router?: { stack?: { readonly name: string }[] };
}

/** What the framework asks of a domain, without its hooks. */
class Bystander extends EventEmitter {
  run(work: () => unknown): unknown {
    return work();
  }
}

/**
 * Takes out of the framework's way what costs and serves nothing here, and leaves the rest as it is: five body parsers (the body is read
 * already), the execution ID (our log has the review's uid), and node:domain, which from its first use on makes every promise of the process
 * pay for an asynchronous hook. What a domain is for, an error outside the function's promise, our function has not: it is one promise, whose
 * rejection the framework catches by itself. A framework that is built otherwise is left as it is. Gives the names of what was taken out.
 */
export function makeLean(app: object): readonly string[] {
  domain.create = () => new Bystander() as unknown as domain.Domain;
  const router = (app as Layered).router;
  if (router?.stack === undefined) return [];
  const [idle = [], kept = []] = [true, false].map((is) => router.stack?.filter(({ name }) => IDLE.has(name) === is));
  router.stack = kept;
  return idle.map(({ name }) => name);
}
