import domain from 'node:domain';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { makeLean, messagesOf } from '../../functions/lean.ts';

const layer = (name: string, route?: object) => ({ name, route });

describe('a lean framework', () => {
  it('is left with the route of the function, and tells what it lost', () => {
    const app = { router: { stack: [layer('jsonParser'), layer('<anonymous>'), layer('handle', {}), layer('last')] } };
    expect(makeLean(app)).toEqual(['jsonParser', '<anonymous>', 'last']);
    expect(app.router.stack.map(({ name }) => name)).toEqual(['handle']);
  });

  it('is left as it is where it is built otherwise', () => {
    const two = { router: { stack: [layer('jsonParser'), layer('one', {}), layer('other', {})] } };
    for (const app of [{}, { router: {} }, { router: { stack: [layer('jsonParser')] } }, two, () => undefined])
      expect(makeLean(app)).toEqual([]);
    expect(two.router.stack).toHaveLength(3);
  });

  it('runs the function without the hooks of a domain, and passes on what it throws', async () => {
    makeLean({});
    const seen: string[] = [];
    const made = domain.create();
    expect(made).not.toBeInstanceOf(domain.Domain);
    made.on('error', (error: Error) => seen.push(error.message));
    expect(made.run(() => 'done')).toBe('done');
    expect(() =>
      made.run(() => {
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(Reflect.get(process, 'domain') ?? undefined).toBeUndefined();
    made.emit('error', new Error('told'));
    expect(seen).toEqual(['told']);
  });
});

describe('the messages of a server of the framework’s app', () => {
  let server: Server;
  afterEach(() => server.close());

  it('are born as what Express would turn them into, and reach the function as such', async () => {
    const [born, kept]: [object[], object[]] = [[], []];
    const note = (into: object[], messages: readonly object[]): void =>
      void into.push(...messages.map((message) => Object.getPrototypeOf(message) as object));
    http('noting', (request, response) => {
      note(kept, [request, response]);
      response.status(200).send(`${request.method} ${request.path} ${request.get('x-name')}`);
    });
    const [app] = getTestServer('noting').listeners('request') as [RequestListener & Record<string, object>];
    makeLean(app);
    server = createServer(messagesOf(app), (request, response) => {
      note(born, [request, response]);
      app(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/some/path`, { headers: { 'x-name': 'one' } });
    expect(await answer.text()).toBe('GET /some/path one');
    expect(born).toEqual(kept);
    expect(born[0]).toBe(app['request']);
    expect(born[1]).toBe(app['response']);
  });

  it('are Node’s own where the framework is built otherwise', () => {
    server = createServer();
    for (const app of [{}, { request: {}, response: {} }, () => undefined]) expect(messagesOf(app)).toEqual({});
  });
});
