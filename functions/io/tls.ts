import { connect } from 'node:tls';

/** A side-car on this host answers at once or not at all. */
const PATIENCE = 500;

/**
 * Whether something completes a TLS handshake on a port of this host. Whose certificate it shows is not asked: this is about listening,
 * and the API server checks the certificate itself.
 */
export function answersTls(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: PATIENCE });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}
