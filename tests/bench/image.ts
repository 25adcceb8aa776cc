import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DOCKERFILE = join(resolve(import.meta.dirname, '../..'), 'knative/Dockerfile');

/** The environment that the image sets: `ENV` of the last stage of knative/Dockerfile, so that what is measured is what is deployed. */
export function imageEnvironment(): Readonly<Record<string, string>> {
  const text = readFileSync(DOCKERFILE, 'utf8').replaceAll('\\\n', ' ');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const pairs = [...stage.matchAll(/^ENV (.+)$/gm)].flatMap(([, line = '']) => line.trim().split(/\s+/));
  if (pairs.length === 0) throw new Error(`${DOCKERFILE} sets no environment`);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
