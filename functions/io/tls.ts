import { connect } from 'node:tls';

/** A side-car on this host answers at once or not at all. */
const PATIENCE = 500;

/** What a TLS handshake on a port of this host showed. */
export interface TlsAnswer {
  /** When the certificate expires (ms since the epoch); undefined where it does not say. */
  readonly expires: number | undefined;
}

/**
 * What completes a TLS handshake on a port of this host, or undefined where nothing does. Whose certificate it shows is not asked: this is about
 * listening, and the API server checks the certificate itself.
 */
export function askTls(port: number): Promise<TlsAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: PATIENCE });
    const finish = (answer: TlsAnswer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => {
      const expires = Date.parse(socket.getPeerCertificate().valid_to);
      finish({ expires: Number.isNaN(expires) ? undefined : expires });
    });
    socket.once('error', () => finish(undefined));
    socket.once('timeout', () => finish(undefined));
  });
}

/** Whether something completes a TLS handshake on a port of this host. */
export const answersTls = async (port: number): Promise<boolean> => (await askTls(port)) !== undefined;
