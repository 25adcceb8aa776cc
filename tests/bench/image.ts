import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DOCKERFILE = join(resolve(import.meta.dirname, '../..'), 'knative/Dockerfile');

/** What the image starts Node with, so that what is measured is what is deployed. */
export interface ImageStart {
  /** Flags of `ENTRYPOINT`. */
  readonly flags: readonly string[];
  /** `ENV`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Reads the last stage of knative/Dockerfile. */
export function imageStart(): ImageStart {
  const text = readFileSync(DOCKERFILE, 'utf8').replaceAll('\\\n', ' ');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const pairs = [...stage.matchAll(/^ENV (.+)$/gm)].flatMap(([, line = '']) => line.trim().split(/\s+/));
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(stage)?.[1];
  if (pairs.length === 0 || entry === undefined) throw new Error(`${DOCKERFILE} is not read as it is written`);
  const [, ...flags] = JSON.parse(entry) as string[];
  const env = pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return { flags, env: Object.fromEntries(env) };
}
