import { http } from '@google-cloud/functions-framework';
import { handle } from '../routes.ts';
import { fromEnvironment } from '../server.ts';
import { openValidate } from './app.ts';

/** The function that looks at policies, made from the environment of this process. A mistake there ends the process, with every mistake named. */
export const app = await fromEnvironment((config) => openValidate(config));

http('validate', (request, response) => handle(app, request, response, '/validate'));
