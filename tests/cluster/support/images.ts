import { resolve } from 'node:path';
import { request } from 'undici';
import { run } from './shell.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** An image in the registry of the test. */
export interface Image {
  /** `registry/name:tag`. */
  readonly name: string;
  /** `sha256:…` of its manifest. */
  readonly digest: string;
  /** Bytes of its manifest. */
  readonly length: number;
}

/** What to build. */
export interface Build {
  /** `registry/name:tag`. */
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly flags?: readonly string[];
}

const TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Asks the registry (by TLS, or else in plain HTTP; without a password) what a name stands for. */
export async function lookUp(name: string): Promise<Image> {
  const [, host = '', path = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(name) ?? [];
  const ask = (scheme: string) =>
    request(`${scheme}://${host}/v2/${path}/manifests/${tag}`, { method: 'HEAD', headers: { accept: TYPES } });
  const answer = await ask('https').catch(() => ask('http'));
  const digest = answer.headers['docker-content-digest'];
  if (answer.statusCode !== 200 || typeof digest !== 'string') {
    throw new Error(`the registry answered ${answer.statusCode} to ${name}`);
  }
  return { name, digest, length: Number(answer.headers['content-length']) };
}

/** Builds and pushes by the script that skaffold's profile without a daemon uses (BUILDER, BUILD_FLAGS, PUSH_FLAGS). */
export async function build({ name, dockerfile, context, flags = [] }: Build): Promise<Image> {
  const env = {
    IMAGE: name,
    BUILD_CONTEXT: resolve(ROOT, context),
    DOCKERFILE: resolve(ROOT, dockerfile),
    BUILD_FLAGS: [process.env['BUILD_FLAGS'] ?? '', ...flags].join(' '),
  };
  await run('sh', [resolve(ROOT, 'knative/build.sh')], { env, timeout: 1_800_000 });
  return lookUp(name);
}
