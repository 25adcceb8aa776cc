import { http } from '@google-cloud/functions-framework';
import { openApp } from './app.ts';
import { ConfigError, parseConfig } from './config.ts';
import { handle } from './routes.ts';

/** The gate that this process serves, made from its environment. A mistake in the environment ends the process with all of them named. */
export const app = await openApp(readConfig());

http('admit', (request, response) => handle(app, request, response));

function readConfig() {
  try {
    return parseConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
