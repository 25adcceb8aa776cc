import { LIMITS } from '../limits.ts';
import type { Credential } from '../ports.ts';

/** A key of a docker config: which images its credential is for. */
export interface RegistryKey {
  /** Lower-case host with port where written, `*` standing for any part of one label; Docker Hub's names are all `docker.io`. */
  readonly host: string;
  /** Empty, or `/team/app`: the repositories at and below it. */
  readonly path: string;
}

/** Docker Hub by the names that docker, Helm and Kubernetes write for it. */
const HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** One name for each registry: lower-case, and `docker.io` for all of Docker Hub. A trailing dot or a port makes another host. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return HUB.has(lower) ? 'docker.io' : lower;
}

/** `host[:port]`, letters, digits, `-`, `.`, `_`, `*`, and an IPv6 address in brackets. Each character is looked at once. */
const HOST = /^(?:[a-z0-9*_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

function withoutScheme(name: string): string {
  for (const scheme of ['https://', 'http://']) {
    if (name.toLowerCase().startsWith(scheme)) return name.slice(scheme.length);
  }
  return name;
}

/** The path without the `/v1/` or `/v2/` of a registry's API in front and without slashes at its end. */
function cleanPath(path: string): string {
  const api = path === '/v1' || path === '/v2' || path.startsWith('/v1/') || path.startsWith('/v2/');
  let end = path.length;
  while (end > 0 && path.charAt(end - 1) === '/') end -= 1;
  return path.slice(api ? 3 : 0, Math.max(end, api ? 3 : 0));
}

/**
 * Reads a key of a docker config: `https://index.docker.io/v1/`, `docker.io`, `host:5000`, `*.icr.io`, `quay.io/team`, with or without a scheme (which
 * counts for nothing: the gate speaks https only). Undefined where it is no such name.
 */
export function parseRegistryKey(name: string): RegistryKey | undefined {
  if (name.length > LIMITS.referenceLength) return undefined;
  const bare = withoutScheme(name.trim());
  const slash = bare.indexOf('/');
  const host = canonicalHost(slash < 0 ? bare : bare.slice(0, slash));
  const path = slash < 0 ? '' : cleanPath(bare.slice(slash));
  if (!HOST.test(host) || /[^a-zA-Z0-9/._-]/.test(path)) return undefined;
  return { host, path };
}

/** True where `label` has the form of `pattern`, in which each `*` stands for any run of characters. Greedy with one point of return: O(n·m). */
function matchLabel(pattern: string, label: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === label;
  const tail = rest.pop() ?? '';
  if (label.length < head.length + tail.length || !label.startsWith(head) || !label.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = label.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= label.length - tail.length;
}

/** Hosts are compared label by label, so that `*.icr.io` is `us.icr.io` and never `icr.io.evil.com` or `a.b.icr.io` (Kubernetes credentialprovider). */
function matchHost(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) return pattern === host;
  const [patterns, labels] = [pattern.split('.'), host.split('.')];
  return patterns.length === labels.length && patterns.every((part, index) => matchLabel(part, labels[index] ?? ''));
}

/** True where the key's credential is for this repository (`team/app`) of this registry (`host[:port]`). A path ends at a slash: `/team` is not `/teams`. */
export function isFor(key: RegistryKey, registry: string, repository: string): boolean {
  if (!matchHost(key.host, canonicalHost(registry))) return false;
  return key.path === '' || `/${repository}/`.startsWith(`${key.path}/`);
}

/** Greater for a key that says more: an exact host before a wildcard, then the longer path, then the longer host. */
const rank = ({ host, path }: RegistryKey): readonly number[] => [host.includes('*') ? 0 : 1, path.length, host.length];

/**
 * Credentials for a repository (`team/app`) of a registry (`host[:port]`), most specific key first, then in the order given (pod before ServiceAccount);
 * each once, at most LIMITS.credentialsPerImage.
 */
export function credentialsFor(
  registry: string,
  repository: string,
  entries: readonly { readonly key: RegistryKey; readonly credential: Credential }[],
): readonly Credential[] {
  const fitting = entries
    .filter(({ key }) => isFor(key, registry, repository))
    .map((entry) => ({ entry, rank: rank(entry.key) }));
  fitting.sort((a, b) => {
    const differing = a.rank.findIndex((value, index) => value !== b.rank[index]);
    return differing < 0 ? 0 : (b.rank[differing] ?? 0) - (a.rank[differing] ?? 0);
  });
  const seen = new Map<string, Credential>();
  for (const { entry } of fitting) {
    const { username, password, identityToken } = entry.credential;
    const name = JSON.stringify([username, password, identityToken ?? null]);
    if (!seen.has(name)) seen.set(name, entry.credential);
  }
  return [...seen.values()].slice(0, LIMITS.credentialsPerImage);
}
