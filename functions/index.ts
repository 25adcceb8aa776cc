import { http } from '@google-cloud/functions-framework';
import { type App, openApp } from './app.ts';
import { ConfigError, parseConfig } from './config.ts';
import { handle } from './routes.ts';

/** The gate that this process serves, made from its environment. A mistake there ends the process, with every mistake named. */
export const app = await open();

http('admit', (request, response) => handle(app, request, response));

async function open(): Promise<App> {
  try {
    return await openApp(parseConfig(process.env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
