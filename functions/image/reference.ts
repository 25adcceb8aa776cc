import type { Result } from '../codes.ts';
import { accept, Fault, refuse } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { digestProblem, hostProblem, isHex, pathProblem, tagProblem } from './grammar.ts';
import { quote } from './quote.ts';

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

/** Docker Hub's host, and the path of its official images. */
export const HUB = { host: 'docker.io', legacy: 'index.docker.io', official: 'library/' } as const;

/** True where docker takes the part before the first slash for a host, not for a path on Docker Hub (splitDockerDomain). */
export const isHostPart = (part: string): boolean =>
  part.includes('.') || part.includes(':') || part === 'localhost' || part !== part.toLowerCase();

/** Host as the rest of the gate knows it: lower-case, and one name for Docker Hub. */
export const normalHost = (host: string): string => {
  const lower = host.toLowerCase();
  return lower === HUB.legacy ? HUB.host : lower;
};

/** Cuts a text at the first separator: what stands before it, and what after, or undefined where there is none. */
function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Hex digits of each algorithm that container runtimes know a digest by (opencontainers/go-digest). */
const DIGEST_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

interface Named {
  readonly registry: string;
  readonly rest: string;
}

function splitHost(name: string): Named {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const hosted = slash >= 0 && isHostPart(first);
  const registry = hosted ? normalHost(first) : HUB.host;
  const rest = hosted ? name.slice(slash + 1) : name;
  return { registry, rest: registry === HUB.host && !rest.includes('/') ? HUB.official + rest : rest };
}

/**
 * A container runtime takes a text that is a digest, or 64 hex digits, for the ID of an image already on the node, of whatever
 * origin; read as a name it would be a harmless image of Docker Hub.
 */
function isImageId(name: string): boolean {
  const [algorithm, hex = ''] = name.includes(':') ? cut(name, ':') : ['sha256', name];
  return DIGEST_LENGTHS.get(algorithm) === hex.length && isHex(hex.toLowerCase());
}

/** The runtime knows Docker Hub by its lower-case name only; `DOCKER.IO/nginx` is another repository of another host to it. */
const isDisguisedHub = (name: string): boolean => {
  const host = name.slice(0, Math.max(name.indexOf('/'), 0));
  return normalHost(host) === HUB.host && host !== host.toLowerCase();
};

function nameProblem(name: string, registry: string, path: string): string | undefined {
  if (isImageId(name)) return 'it is the ID of an image on a node, which says nothing of where the image comes from';
  if (isDisguisedHub(name)) return 'docker.io must be written in lower case';
  return hostProblem(registry) ?? pathProblem(path);
}

function problemOf(parts: ImageReference, name: string): string | undefined {
  return (
    nameProblem(name, parts.registry, parts.repository) ??
    (parts.tag === undefined ? undefined : tagProblem(parts.tag)) ??
    (parts.digest === undefined ? undefined : digestProblem(parts.digest))
  );
}

/**
 * Parses an image name by the grammar of distribution/reference (ParseNormalizedNamed), and more strictly in this: digests are
 * sha256 only, ports have no leading zero, Docker Hub is written in lower case, and an image ID is no name.
 * Nothing is trimmed. Refuses with IMAGE_INVALID and a sentence that quotes the name; time is linear in its length.
 */
export function parseReference(written: string): Result<ImageReference> {
  if (written === '') return invalid(written, 'it is empty');
  if (written.length > LIMITS.referenceLength)
    return invalid(written, `it is longer than ${LIMITS.referenceLength} characters`);
  const [name, digest] = cut(written, '@');
  const { registry, rest } = splitHost(name);
  const [repository, tag] = cut(rest, ':');
  const parts = { written, registry, repository, tag, digest: digest as Digest | undefined };
  const problem = problemOf(parts, name);
  return problem === undefined ? accept(parts) : invalid(written, problem);
}

const invalid = (written: string, why: string): Result<never> =>
  refuse('IMAGE_INVALID', `${quote(written)} is not an image name: ${why}.`);

/** `registry/repository`: the GUN of the repository, and what policies are matched on. */
export function repositoryName(reference: Pick<ImageReference, 'registry' | 'repository'>): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * The name as written with tag (`latest` where neither tag nor digest stands) and this digest: `nginx:1.27@sha256:…`.
 * A name that has this digest already stays as it is. Throws Fault BUG for what is no digest, and for a digest other than the
 * name's own: such a patch must never leave the gate.
 */
export function pinReference(reference: ImageReference, digest: Digest): string {
  if (digestProblem(digest) !== undefined) throw new Fault('BUG', `${quote(digest)} can't be written as a digest.`);
  if (reference.digest === digest) return reference.written;
  if (reference.digest !== undefined)
    throw new Fault('BUG', `${quote(reference.written)} names another digest than ${digest}.`);
  return `${reference.written}${reference.tag === undefined ? ':latest' : ''}@${digest}`;
}
