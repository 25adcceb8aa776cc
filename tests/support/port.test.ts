import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort, pairsOutside } from './port.ts';
import { type Started, startNode } from './process.ts';

const HOLDER = 'tests/support/portholder.ts';

let holders: Started[] = [];
afterEach(async () => {
  await Promise.all(holders.map((holder) => holder.kill()));
});

/** The ports that a process of its own was given and holds. */
async function heldBy(holder: Started): Promise<number[]> {
  const [, ports = ''] = await holder.until(/holds (.*)\n/);
  return ports.split(' ').map(Number);
}

const listen = async (port: number) => {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

describe('a free port', () => {
  it('is given once, however many processes ask at the same time', async () => {
    holders = Array.from({ length: 4 }, () => startNode([HOLDER, '50']));
    const ports = (await Promise.all(holders.map(heldBy))).flat();
    expect(ports).toHaveLength(200);
    expect(new Set(ports).size).toBe(200);
  });

  it('is not given while the process that holds it lives, though nothing listens there; then it is', async () => {
    const holder = startNode([HOLDER, '1']);
    holders = [holder];
    const [port = 0] = await heldBy(holder);
    await expect(freePort([port])).rejects.toThrow(`each of 1 ports from ${port} is taken`);
    await holder.kill();
    expect(await freePort([port])).toBe(port);
  });

  it('is none on which somebody listens', async () => {
    const [taken, other] = [await freePort(), await freePort()];
    holders = [startNode([HOLDER, '1'])];
    const [free = 0] = await heldBy(holders[0] as Started);
    await holders[0]?.kill();
    const server = await listen(taken);
    expect(await freePort([taken, other, free])).toBe(free);
    server.close();
  });

  it('is none that the system gives to connections', () => {
    expect(pairsOutside('32768\t60999\n')).toHaveLength(10_000);
    expect(pairsOutside('10001\t29997\n')).toEqual([29_998]);
    expect(pairsOutside('16000\t65535\n').at(-1)).toBe(15_998);
    expect(pairsOutside('1024\t65535\n')).toHaveLength(10_000);
    expect(pairsOutside('')).toHaveLength(10_000);
  });
});
