import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { type Running, startUntil } from './shell.ts';

/** The API server by way of `kubectl proxy`, which carries the user's credentials. */
export interface Api {
  /** Sends JSON; the body of the answer parsed. */
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: Body }>;
  close(): Promise<void>;
}

/** What the tests read of an answer. */
export interface Body {
  readonly message?: string;
  readonly response?: { readonly allowed: boolean; readonly status?: { readonly message: string } };
  readonly spec?: { readonly containers: readonly { readonly image: string }[] };
}

/** Starts `kubectl proxy` on a free port. */
export async function openApi(): Promise<Api> {
  const proxy: Running = await startUntil('kubectl', ['proxy', '--port=0'], /Starting to serve on (\S+)/);
  const agent = new Agent({ connections: 64 });
  return {
    async post(path, body) {
      const answer = await request(`http://${proxy.said}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        dispatcher: agent,
        signal: AbortSignal.timeout(60_000),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: text.startsWith('{') ? JSON.parse(text) : { message: text } };
    },
    async close() {
      await agent.close();
      proxy.stop();
    },
  };
}

/** What came of the admissions of a load. */
export interface Tally {
  /** Signed images admitted with their digest. */
  admitted: number;
  /** Unsigned images refused for want of a signature. */
  refused: number;
  /** Signed images refused, and unsigned ones refused for another reason: what was said. */
  readonly failed: string[];
  /** Unsigned images admitted, and signed ones admitted without their digest. Never any. */
  readonly wrong: string[];
  /** Milliseconds of the slowest admission. */
  slowest: number;
}

/** What a load sends. */
export interface LoadOptions {
  readonly namespace: string;
  readonly signed: { readonly name: string; readonly digest: string };
  readonly unsigned: string;
  readonly callers: number;
  /** Milliseconds that each caller waits between two calls. */
  readonly rest: number;
}

const podOf = (image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'load-' },
  spec: { containers: [{ name: 'app', image }] },
});

/** Asks for one pod, as a dry run, which goes the whole way of an admission and stores nothing. */
export async function admitOnce(api: Api, { namespace, signed, unsigned }: LoadOptions, good: boolean, tally: Tally) {
  const started = performance.now();
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const { status, body } = await api.post(path, podOf(good ? signed.name : unsigned));
  tally.slowest = Math.max(tally.slowest, performance.now() - started);
  const image = body.spec?.containers[0]?.image ?? '';
  if (status < 300) {
    if (good && image.endsWith(`@${signed.digest}`)) tally.admitted += 1;
    else tally.wrong.push(`${image} was admitted`);
  } else if (!good && body.message?.includes('TRUST_NOT_SIGNED')) tally.refused += 1;
  else tally.failed.push(`${new Date().toISOString()} ${status} ${body.message}`);
}

/** A load that runs. */
export interface Load {
  readonly tally: Tally;
  /** Lets every caller end its call. */
  stop(): Promise<Tally>;
}

/** Starts callers that ask without end, every fourth time for an unsigned image. */
export function startLoad(api: Api, options: LoadOptions): Load {
  const tally: Tally = { admitted: 0, refused: 0, failed: [], wrong: [], slowest: 0 };
  let going = true;
  const caller = async (offset: number): Promise<void> => {
    for (let count = offset; going; count++) {
      await admitOnce(api, options, count % 4 !== 0, tally).catch((error: unknown) => {
        tally.failed.push(error instanceof Error ? error.message : String(error));
      });
      await pause(options.rest);
    }
  };
  const callers = Array.from({ length: options.callers }, (_, index) => caller(index));
  return {
    tally,
    async stop() {
      going = false;
      await Promise.all(callers);
      return tally;
    },
  };
}
