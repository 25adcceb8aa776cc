import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Ports that may be given: above those of known services, below those that Kubernetes gives to Services (from 30000). */
const SPAN = { first: 10_000, last: 29_999 } as const;

/** Where Linux tells which ports it gives to connections and to listeners on port 0. Other systems tell it elsewhere, and give none of SPAN. */
const EPHEMERAL = '/proc/sys/net/ipv4/ip_local_port_range';

/**
 * The pairs of ports of SPAN that the system does not give away itself, each by its first port; where it gives away any, all of them. `ephemeral` is
 * the first and the last port that it gives, as Linux writes them.
 */
export function pairsOutside(ephemeral: string): readonly number[] {
  const [first = 0, last = 0] = ephemeral.trim().split(/\s+/).map(Number);
  const all = Array.from({ length: (SPAN.last - SPAN.first + 1) / 2 }, (_, index) => SPAN.first + 2 * index);
  const outside = all.filter((port) => port + 1 < first || port > last);
  return outside.length === 0 ? all : outside;
}

const PAIRS = pairsOutside(existsSync(EPHEMERAL) ? readFileSync(EPHEMERAL, 'utf8') : '');

/** Listens on the port; undefined where somebody does already. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

const close = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()));

/** Whether nobody listens on the port. */
async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await close(server);
  return true;
}

/**
 * A TCP port of 127.0.0.1 on which nobody listens, for a program that can't be told to take any free port or has to come back to the one it had. Until
 * this process ends, no other that asks here is given it, of this checkout or another: the one who holds a port listens on the next one. The system
 * gives it to nobody, for it is none of those that it gives away. `pairs`: the first ports of the pairs to choose from. Throws when all are taken.
 */
export async function freePort(pairs: readonly number[] = PAIRS): Promise<number> {
  const start = randomInt(pairs.length);
  for (const port of [...pairs.slice(start), ...pairs.slice(0, start)]) {
    const hold = await listen(port + 1);
    if (hold === undefined) continue;
    if (await isFree(port)) {
      hold.unref();
      return port;
    }
    await close(hold);
  }
  throw new Error(`each of ${pairs.length} ports from ${pairs[0]} is taken`);
}
