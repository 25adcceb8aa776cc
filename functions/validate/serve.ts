import type { RequestListener } from 'node:http';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { run, serveFunction } from '../server.ts';
import { app } from './index.ts';

if (import.meta.main) {
  const [listener] = getTestServer('validate').listeners('request') as [RequestListener];
  run(serveFunction(listener, app.log), app);
}
