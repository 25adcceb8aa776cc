import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** One stretch of load on one server: a closed loop of callers, each on a kept-alive connection of its own. */
export interface LoadJob {
  /** `http://host:port/path`; with https the certificate is not looked at: what is measured may be anybody's. */
  readonly url: string;
  readonly body: string;
  readonly callers: number;
  /** Ends after so many answers, or … */
  readonly requests?: number;
  /** … after so many milliseconds. */
  readonly milliseconds?: number;
  /** Whether the connections stay open for the next such job on this server, as those of an API server do. */
  readonly stay?: boolean;
  /** Counts up in place of `mark` (digits, all alike in width) wherever it stands in the body. */
  readonly vary?: {
    readonly mark: string;
    readonly from: number;
    readonly count: number;
    /** Counts up in place of its own mark each time when the first has gone round. */
    readonly outer?: { readonly mark: string; readonly count: number };
  };
}

/** What came of it. Times in milliseconds. */
export interface LoadResult {
  readonly answers: number;
  /** Answers that allow, by their text. */
  readonly allowed: number;
  /** Status other than 200, or a broken connection. */
  readonly failures: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly mean: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const ALLOWED = Buffer.from('"allowed":true');

/** The bytes of each request in turn. */
function requests({ url, body, vary }: LoadJob): () => Buffer {
  const { pathname, search, host } = new URL(url);
  const path = pathname === '/' ? '/admit' : pathname;
  const head = `POST ${path}${search === '' ? '?timeout=10s' : search} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  if (vary === undefined) {
    const whole = Buffer.from(head + body);
    return () => whole;
  }
  const { mark, from, count, outer } = vary;
  const digits = (value: number, place: string): string => String(value).padStart(place.length, '0');
  const parts = (head + body).split(mark);
  let at = 0;
  return () => {
    const text = parts.join(digits(from + (at % count), mark));
    const round = Math.floor(at++ / count);
    return Buffer.from(
      outer === undefined ? text : text.replaceAll(outer.mark, digits(round % outer.count, outer.mark)),
    );
  };
}

/** Length of the whole answer at the start of these bytes, or undefined where its end is not there yet. */
function answerLength(bytes: Buffer): number | undefined {
  const head = bytes.indexOf(HEAD_END);
  if (head < 0) return undefined;
  const text = bytes.toString('latin1', 0, head).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(text)?.[1];
  if (length !== undefined) {
    const end = head + 4 + Number(length);
    return bytes.length >= end ? end : undefined;
  }
  return bytes.subarray(-5).equals(Buffer.from('0\r\n\r\n')) ? bytes.length : undefined;
}

/** Connections that stay, by URL. */
const staying = new Map<string, Socket[]>();

function connectTo(url: string): { socket: Socket; connected: 'connect' | 'secureConnect' } {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  const address = { host: hostname, port: Number(port || (secure ? 443 : 80)) };
  const socket = secure ? connectTls({ ...address, rejectUnauthorized: false }) : connectPlain(address);
  return { socket: socket.setNoDelay(true), connected: secure ? 'secureConnect' : 'connect' };
}

class Run {
  readonly #job: LoadJob;
  readonly #next: () => Buffer;
  readonly #times: number[] = [];
  #sent = 0;
  #allowed = 0;
  #failures = 0;
  #end = Number.POSITIVE_INFINITY;

  constructor(job: LoadJob) {
    this.#job = job;
    this.#next = requests(job);
  }

  async result(): Promise<LoadResult> {
    const began = performance.now();
    if (this.#job.milliseconds !== undefined) this.#end = began + this.#job.milliseconds;
    await Promise.all(Array.from({ length: this.#job.callers }, () => this.#caller()));
    const seconds = (performance.now() - began) / 1000;
    const times = Float64Array.from(this.#times).sort();
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    const mean = times.reduce((sum, one) => sum + one, 0) / Math.max(1, times.length);
    const counts = { answers: times.length, allowed: this.#allowed, failures: this.#failures };
    return { ...counts, seconds, p50: at(0.5), p90: at(0.9), p99: at(0.99), mean };
  }

  #more(): boolean {
    return this.#sent < (this.#job.requests ?? Number.POSITIVE_INFINITY) && performance.now() < this.#end;
  }

  #caller(): Promise<void> {
    const { url, stay } = this.#job;
    const stayed = stay === true ? staying.get(url)?.pop() : undefined;
    return new Promise((done) => {
      const { socket, connected } = stayed === undefined ? connectTo(url) : { socket: stayed, connected: undefined };
      let started = 0;
      let held: Buffer = Buffer.alloc(0);
      const send = (): void => {
        if (!this.#more()) {
          if (stay === true) staying.set(url, [...(staying.get(url) ?? []), socket.removeAllListeners()]);
          else socket.end();
          done();
          return;
        }
        this.#sent += 1;
        started = performance.now();
        socket.write(this.#next());
      };
      socket.on('data', (chunk: Buffer) => {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        if (answerLength(held) === undefined) return;
        this.#times.push(performance.now() - started);
        if (!held.toString('latin1', 0, 13).startsWith('HTTP/1.1 200')) this.#failures += 1;
        if (held.includes(ALLOWED)) this.#allowed += 1;
        held = Buffer.alloc(0);
        send();
      });
      socket.once('error', () => {
        this.#failures += 1;
        done();
      });
      socket.once('close', () => done());
      if (connected === undefined) send();
      else socket.once(connected, send);
    });
  }
}

/** Carries out one job in this process. */
export const load = (job: LoadJob): Promise<LoadResult> => new Run(job).result();

// As a child process it takes one job after the other, so that what it costs is not counted with the server.
if (import.meta.main) {
  process.on('message', (job: LoadJob) => void load(job).then((result) => process.send?.(result)));
  process.once('disconnect', () => process.exit(0));
}
