import domain from 'node:domain';
import { describe, expect, it } from 'vitest';
import { makeLean } from '../../functions/lean.ts';

const layer = (name: string) => ({ name });

describe('a lean framework', () => {
  it('loses the parsers and the execution ID, and nothing else', () => {
    const app = {
      router: { stack: ['jsonParser', '<anonymous>', 'rawParser', 'handle', 'executionContextMiddleware'].map(layer) },
    };
    expect(makeLean(app)).toEqual(['jsonParser', 'rawParser', 'executionContextMiddleware']);
    expect(app.router.stack.map(({ name }) => name)).toEqual(['<anonymous>', 'handle']);
  });

  it('is left as it is where it is built otherwise', () => {
    for (const app of [{}, { router: {} }, () => undefined]) expect(makeLean(app)).toEqual([]);
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
