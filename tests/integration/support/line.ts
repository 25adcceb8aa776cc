import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A line to a server on the loopback that can be cut, or falls silent: the TLS on it stays between its ends. */
export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  constructor(port: number) {
    this.#server = createServer((near) => {
      if (this.#cut) return void near.destroy();
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.once('close', () => this.#sockets.delete(from) && to.destroy());
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  /** Gives `https://127.0.0.1:port`. */
  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection off, and new ones until `mend`. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  /** Nothing more comes over the connections that are open, and nobody closes them; new ones are fine. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().resume();
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}
