import type { RequestListener, Server } from 'node:http';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { app } from './index.ts';
import { drain as drainServer, run, serveFunction } from './server.ts';

/** The function `admit` on a server of our own (server.ts). */
export function serveAdmit(): Server {
  const [listener] = getTestServer('admit').listeners('request') as [RequestListener];
  return serveFunction(listener, app.log);
}

/** Ends the server without failing a call, and the gate with it. */
export const drain = (server: Server): Promise<void> => drainServer(server, app);

if (import.meta.main) run(serveAdmit(), app);
