import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answersTls } from '../../../functions/io/tls.ts';
import { serve, TestAuthority } from '../../support/server.ts';

let server: Server | undefined;
afterEach(async () => {
  await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
  server = undefined;
});

async function listen(onConnection: (socket: import('node:net').Socket) => void): Promise<number> {
  const made = createServer(onConnection);
  server = made;
  await new Promise<void>((done) => made.listen(0, '127.0.0.1', done));
  const address = made.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a look for the side-car', () => {
  it('finds a server of TLS, whoever signed its certificate', async () => {
    const front = await serve(new TestAuthority());
    expect(await answersTls(Number(new URL(front.origin).port))).toBe(true);
    await front.close();
  });

  it('finds none where nothing listens', async () => {
    const port = await listen(() => undefined);
    await new Promise<void>((done) => server?.close(() => done()));
    server = undefined;
    expect(await answersTls(port)).toBe(false);
  });

  it('finds none where something listens that speaks no TLS, hangs up, or says nothing', async () => {
    const speaks = await listen((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    expect(await answersTls(speaks)).toBe(false);
    server?.close();
    const hangs = await listen((socket) => socket.destroy());
    expect(await answersTls(hangs)).toBe(false);
    server?.close();
    const closed: Promise<unknown>[] = [];
    const silent = await listen((socket) => {
      socket.resume();
      closed.push(new Promise((done) => socket.on('error', done).once('close', done)));
    });
    expect(await answersTls(silent)).toBe(false);
    // Nothing is left open behind the look.
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
  });
});
