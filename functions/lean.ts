import domain from 'node:domain';
import { IncomingMessage, type ServerOptions, ServerResponse } from 'node:http';
import { create } from './bystander.ts';

/** An Express app as far as it is looked at here. */
interface ExpressApp {
  readonly request?: object;
  readonly response?: object;
  readonly router?: { stack?: { readonly name: string; readonly route?: unknown }[] };
}

/**
 * Takes out of the framework's way to the function what costs and serves nothing behind a server of our own: five body parsers (the body is read
 * already), the execution ID (our log has the review's uid), paths that it ignores (ours answer 404 themselves), the note of the latest response (for
 * handlers of the framework's command) and node:domain (bystander.ts). What is left is the route of the function, as the framework wraps it.
 * A framework that is built otherwise is left as it is. Gives the names of the layers that were taken out.
 */
export function makeLean(app: object): readonly string[] {
  domain.create = create as unknown as typeof domain.create;
  const { router } = app as ExpressApp;
  const [route, ...more] = router?.stack?.filter((layer) => layer.route !== undefined) ?? [];
  if (router?.stack === undefined || route === undefined || more.length > 0) return [];
  const idle = router.stack.filter((layer) => layer !== route);
  router.stack = [route];
  return idle.map(({ name }) => name);
}

/**
 * The kinds of messages that a server of this Express app is to make: such as Express turns each message into, by another prototype, which V8 makes pay for it at
 * every later use of the message. Nothing where the framework is built otherwise.
 */
export function messagesOf(app: object): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  const { request, response } = app as ExpressApp;
  if (!(request instanceof IncomingMessage) || !(response instanceof ServerResponse)) return {};
  return { IncomingMessage: bornWith(IncomingMessage, request), ServerResponse: bornWith(ServerResponse, response) };
}

/** A constructor of `base` whose instances have this prototype from the beginning. */
function bornWith<T>(base: T, prototype: object): T {
  function Born(...args: unknown[]): object {
    return Reflect.construct(base as new (...args: unknown[]) => object, args, Born);
  }
  Born.prototype = prototype;
  return Born as T;
}
