import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DemoWorld } from './world.ts';

/** The gate as it is deployed, in this process. */
export interface RunningGate {
  /** `http://localhost:<port>` */
  readonly origin: string;
  close(): Promise<void>;
}

/** Starts the gate on the world's policies. The environment is set before the function is loaded, as it would be in a container. */
export async function startGate(world: DemoWorld, port: number): Promise<RunningGate> {
  Object.assign(process.env, world.env, { PORT: String(port), NODE_ENV: 'production' });
  const { serveAdmit, drain } = await import('../../functions/serve.ts');
  const server: Server = serveAdmit();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return { origin: `http://localhost:${bound}`, close: () => drain(server) };
}
