import { http } from '@google-cloud/functions-framework';
import { openApp } from './app.ts';
import { handle } from './routes.ts';
import { fromEnvironment } from './server.ts';

/** The gate that this process serves, made from its environment. A mistake there ends the process, with every mistake named. */
export const app = await fromEnvironment((config) => openApp(config));

http('admit', (request, response) => handle(app, request, response));
