import type { Config } from './config.ts';
import { answersTls, askTls } from './io/tls.ts';
import type { Readiness } from './ports.ts';

/** Whether a process may be sent reviews; `drain` turns it off for good. */
export interface Ready {
  readiness(): Promise<Readiness>;
  drain(): void;
  /** When the certificate of the side-car ends, if there is one that answers; as `askTls` tells it. */
  certificate(): Promise<number | undefined>;
}

/** Ready when `look` says so and, where the configuration names its port, the TLS side-car answers. */
export function openReady({ readyTlsPort: port }: Pick<Config, 'readyTlsPort'>, look: () => Readiness): Ready {
  let draining = false;
  return {
    async readiness() {
      if (draining) return { ready: false, problems: ['The process is ending.'] };
      const state = look();
      if (port === undefined || !state.ready || (await answersTls(port))) return state;
      return {
        ready: false,
        problems: [...state.problems, `Nothing answers with TLS on port ${port} of this host yet.`],
      };
    },
    drain() {
      draining = true;
    },
    async certificate() {
      return port === undefined ? undefined : (await askTls(port))?.expires;
    },
  };
}
