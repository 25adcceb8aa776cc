import { LIMITS } from '../limits.ts';
import type { Glob } from './glob.ts';
import { compileGlob } from './glob.ts';
import { every, isHostCharacter, isPathCharacter, isTagCharacter } from './grammar.ts';
import { quote } from './quote.ts';
import type { ImageReference } from './reference.ts';
import { HUB, isHostPart, normalHost, parseReference } from './reference.ts';

/** A policy pattern, compiled: anchored, host and path matched apart, without a backtracking regular expression. */
export interface ImagePattern {
  readonly written: string;
  matches(reference: ImageReference): boolean;
  /** True where the pattern has no star. */
  readonly exact: boolean;
  /** Length of the normalised pattern (`docker.io/library/nginx*`) less its stars: the longer one wins. */
  readonly weight: number;
  /**
   * True where the pattern asks for a tag but not for a digest. A name with both is matched on its tag, yet what runs is the
   * digest: a rule that asks for no proof must not go by such a match (`app:v2@sha256:<digest of v1>`).
   */
  readonly bindsTag?: boolean;
  /** The pattern taken apart; absent where it stands in for one that can't be read. */
  readonly parts?: PatternParts;
}

/** A pattern taken apart and normalised; undefined where it asks for nothing. */
export interface PatternParts {
  readonly host: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** True for `docker.io/<one part with a star>`, which may mean an official image as well. */
  readonly official: boolean;
}

const STAR = 0x2a;
const onlyStars = (text: string): boolean => text !== '' && every(text, (code) => code === STAR);
const made = (test: (code: number) => boolean, text: string): boolean =>
  every(text, (code) => code === STAR || test(code));

/** Cuts tag and digest off a pattern; the tag stands after the last slash. A tag or digest of stars alone asks for nothing. */
function cutEnds(written: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const at = written.indexOf('@');
  const named = at < 0 ? written : written.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  return {
    name: colon < 0 ? named : named.slice(0, colon),
    tag: tag === undefined || onlyStars(tag) ? undefined : tag,
    digest: at < 0 ? undefined : written.slice(at + 1),
  };
}

const withoutEndStars = (text: string): string => {
  let end = text.length;
  while (text.charCodeAt(end - 1) === STAR) end--;
  return text.slice(0, end);
};

/** Host and path of a pattern without a slash, or a sentence. */
function splitShort(name: string, ends: boolean): { host: string; path: string } | string {
  if (onlyStars(name)) return { host: '*', path: '*' };
  if (!name.includes('.')) return { host: HUB.host, path: HUB.official + name };
  if (name.endsWith('*') && !ends) return { host: normalHost(withoutEndStars(name)), path: '*' };
  return `can't be told to be a host or an image of Docker Hub; write ${name}/* or ${HUB.host}/${HUB.official}${name}`;
}

/** Host and path of a pattern, or a sentence. */
function splitName(name: string, ends: boolean): { host: string; path: string } | string {
  const slash = name.indexOf('/');
  if (slash < 0) return splitShort(name, ends);
  const first = name.slice(0, slash);
  const path = name.slice(slash + 1);
  if (isHostPart(first) || onlyStars(first)) return { host: normalHost(first), path };
  if (first.includes('*'))
    return `can't be told to begin with a host or with a path of Docker Hub; write ${HUB.host}/${name} for the latter, or give the host a dot or a port`;
  return { host: HUB.host, path: name };
}

function shapeProblem(parts: PatternParts): string | undefined {
  if (parts.path === '') return 'has no path after the host; write /* for every repository there';
  if (!made(isHostCharacter, parts.host)) return 'has a character in its host that no host has';
  if (parts.host.startsWith('.') || parts.host.endsWith('.') || parts.host.includes('..'))
    return 'has an empty part in its host';
  if (!made(isPathCharacter, parts.path)) return 'has a character in its path that no path has (upper case is one)';
  if (parts.path.startsWith('/') || parts.path.endsWith('/') || parts.path.includes('//'))
    return 'has an empty part in its path';
  if (parts.tag !== undefined && !made(isTagCharacter, parts.tag)) return 'has a tag that no image can have';
  const digest = parts.digest;
  return digest === undefined || made((code) => code === 0x3a || isTagCharacter(code), digest)
    ? undefined
    : 'has a digest that no image can have';
}

/** Takes a pattern with stars apart, or says what is wrong with it. */
function parsePattern(written: string): PatternParts | string {
  const { name, tag, digest } = cutEnds(written);
  const split = splitName(name, written !== name);
  if (typeof split === 'string') return split;
  const single = split.host === HUB.host && !split.path.includes('/') && !onlyStars(split.path);
  const exact = single && !split.path.includes('*');
  const parts = {
    host: split.host,
    path: exact ? HUB.official + split.path : split.path,
    tag,
    digest,
    official: single && !exact,
  };
  return shapeProblem(parts) ?? parts;
}

/** The tag that a name stands for: `latest` without tag and digest; none is known of a digest alone. */
const tagOf = (reference: ImageReference): string | undefined =>
  reference.tag ?? (reference.digest === undefined ? 'latest' : undefined);

function compileParts(parts: PatternParts): ImagePattern['matches'] {
  const host = compileGlob(parts.host);
  const path = compileGlob(parts.path);
  const official = parts.official ? compileGlob(HUB.official + parts.path) : undefined;
  const optional = (text: string | undefined): Glob | undefined => (text === undefined ? undefined : compileGlob(text));
  const tag = optional(parts.tag);
  const digest = optional(parts.digest);
  const fits = (glob: Glob | undefined, text: string | undefined): boolean =>
    glob === undefined || (text !== undefined && glob(text));
  return (reference) =>
    host(reference.registry) &&
    (path(reference.repository) || official?.(reference.repository) === true) &&
    fits(tag, tagOf(reference)) &&
    fits(digest, reference.digest);
}

function fromParts(written: string, parts: PatternParts): ImagePattern {
  const whole = `${parts.host}/${parts.path}${parts.tag ? `:${parts.tag}` : ''}${parts.digest ? `@${parts.digest}` : ''}`;
  const stars = whole.split('*').length - 1;
  return {
    written,
    exact: !written.includes('*'),
    weight: whole.length - stars,
    bindsTag: parts.tag !== undefined && parts.digest === undefined,
    matches: compileParts(parts),
    parts,
  };
}

const sentence = (written: string, what: string): string => `The pattern ${quote(written)} ${what}.`;

/** A pattern without a star is an image name, and must be a good one. */
function exactPattern(written: string): ImagePattern | string {
  const { name } = cutEnds(written);
  const short = name.includes('/') ? undefined : splitShort(name, true);
  if (typeof short === 'string') return sentence(written, short);
  const reference = parseReference(written);
  if (!reference.ok) return `The pattern has no star, and ${reference.refusal.message}`;
  const { registry: host, repository: path, tag, digest } = reference.value;
  return fromParts(written, { host, path, tag, digest, official: false });
}

/**
 * Compiles a pattern `[host[:port]/]path[:tag][@digest]` with stars anywhere, or says why it can't be one (a sentence).
 * Host and path are matched apart and whole; a star in the path goes over slashes, none goes from host to path. Without a tag
 * any tag fits, without a digest any digest. A pattern is normalised as an image name is: `nginx*` means
 * `docker.io/library/nginx*`; `*` alone means every image; `us.icr.io*`, from Portieris of old, means `us.icr.io/*`.
 */
export function compilePattern(written: string): ImagePattern | string {
  if (written === '') return 'The pattern is empty; write * for every image.';
  if (written.length > LIMITS.patternLength) return `The pattern is longer than ${LIMITS.patternLength} characters.`;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\//.exec(written)?.[0];
  if (scheme !== undefined)
    return sentence(written, `begins with ${scheme} as an address does, and no image name does; take ${scheme} out`);
  if (!written.includes('*')) return exactPattern(written);
  const parts = parsePattern(written);
  return typeof parts === 'string' ? sentence(written, parts) : fromParts(written, parts);
}
