import { getCACertificates } from 'node:tls';
import type { EventSink } from '../notify/cloudevents.ts';
import type { Outgoing } from '../notify/payload.ts';
import { Agent, RetryAgent } from './undici.ts';

/** Where CloudEvents are sent and how they are marked. */
export interface SinkOptions {
  /** Address of the receiver (K_SINK). */
  readonly url: URL;
  /** PEM of further authorities for its certificate (K_CA_CERTS). */
  readonly ca?: string | undefined;
  /** `source` of every event. */
  readonly source: string;
  /** Attributes laid over those of every event (K_CE_OVERRIDES). */
  readonly extensions: Readonly<Record<string, string>>;
  /** Milliseconds before the first repetition; doubles, up to ten times that. */
  readonly pause?: number;
}

/** Repetitions of one event: for eight seconds, beyond the five that a cluster's name service remembers that there was no receiver yet. */
const RETRIES = 4;
const PAUSE = 500;
/** Answers after which it may be taken later (Knative's delivery contract: 404 while a Broker is being made, 408, 409, 429, 5xx). */
const LATER = [404, 408, 409, 429, 500, 502, 503, 504];
/** Errors after which it is tried again: those of undici's own list, and a name service that has no answer for the moment. */
const AGAIN = [
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'UND_ERR_SOCKET',
];
/** Milliseconds for one event with all its repetitions. */
const TIMEOUT = 15_000;

/**
 * Opens the way to a receiver of CloudEvents: binary mode of the HTTP binding, with the SDK, which is loaded here and not before. Retries are bounded; a redirect
 * is not followed, for the receiver is who the operator named.
 */
export async function openSink(options: SinkOptions): Promise<EventSink> {
  const { CloudEvent, HTTP } = await import('cloudevents');
  const { url, ca, source, extensions, pause = PAUSE } = options;
  const connect = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] };
  const dispatcher = new RetryAgent(new Agent({ connect, connections: 1 }), {
    methods: ['POST'],
    maxRetries: RETRIES,
    minTimeout: pause,
    maxTimeout: pause * 10,
    statusCodes: LATER,
    errorCodes: AGAIN,
  });
  return {
    async send({ extensions: own, ...event }: Outgoing) {
      const made = new CloudEvent({ ...event, ...own, ...extensions, source, datacontenttype: 'application/json' });
      const { headers, body } = HTTP.binary(made);
      const signal = AbortSignal.timeout(TIMEOUT);
      const sent = dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: headers as Record<string, string>,
        body: body as string,
        signal,
      });
      const answer = await sent.catch((cause: unknown) => {
        throw new Error(`the receiver of CloudEvents at ${url.host} did not take an event: ${reasonOf(cause)}`, {
          cause,
        });
      });
      await answer.body.dump();
      if (answer.statusCode >= 300)
        throw new Error(`the receiver of CloudEvents at ${url.host} answered ${answer.statusCode} to an event`);
    },
  };
}

/** Address and credentials that may stand in an error's text are left out. */
function reasonOf(error: unknown): string {
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number') return `it answered ${status}, again and again`;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'no answer in time';
}
