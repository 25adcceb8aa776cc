import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { DemoWorld } from './world.ts';

/** A running signing service; close it at the end. */
export interface Signing {
  readonly address: string;
  close(): Promise<void>;
}

const answerTo = (world: DemoWorld, body: string): { status: number; answer: object } => {
  try {
    const { image } = JSON.parse(body) as { image: string };
    return { status: 200, answer: world.sign(image) };
  } catch (error) {
    return { status: 400, answer: { error: error instanceof Error ? error.message : 'the body is not JSON' } };
  }
};

/** Signs into the embedded Notary on request, as `docker trust sign` would into a real one. Listens on loopback. */
export async function serveSigning(world: DemoWorld): Promise<Signing> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { status, answer } = answerTo(world, body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  return {
    address: `http://localhost:${(server.address() as AddressInfo).port}/sign`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
