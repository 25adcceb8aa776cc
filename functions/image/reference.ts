import type { Result } from '../codes.ts';

/** A SHA-256 digest as it stands in an image name: `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** An image name, parsed and normalised as docker does (distribution/reference). */
export interface ImageReference {
  /** As it was written. */
  readonly written: string;
  /** Registry host with port where written, lower-case: `docker.io`, `host:5000`. */
  readonly registry: string;
  /** Path in the registry: `library/nginx`. */
  readonly repository: string;
  /** As written, or undefined. */
  readonly tag: string | undefined;
  /** As written, or undefined. */
  readonly digest: Digest | undefined;
}

/** Parses an image name. Refuses with IMAGE_INVALID. */
export declare function parseReference(written: string): Result<ImageReference>;
/** `registry/repository`: the GUN of the repository, and what policies are matched on. */
export declare function repositoryName(reference: ImageReference): string;
/** The name as written with tag (`latest` where neither tag nor digest stands) and this digest: `nginx:1.27@sha256:…`. */
export declare function pinReference(reference: ImageReference, digest: Digest): string;
