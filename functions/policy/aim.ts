import type { PatternParts } from '../image/pattern.ts';
import { HUB } from '../image/reference.ts';
import { type Finding, type FindingReason, warned } from './finding.ts';
import type { Rule } from './policy.ts';

/** Registries that keep no repository right below the host: a name of one part there is that of a namespace. */
const TWO_PARTS: ReadonlySet<string> = new Set([
  'quay.io',
  'ghcr.io',
  'gcr.io',
  'us.gcr.io',
  'eu.gcr.io',
  'asia.gcr.io',
  'public.ecr.aws',
  'registry.gitlab.com',
  'icr.io',
]);
/** Registries where anybody may take a namespace. */
const OPEN: ReadonlySet<string> = new Set([HUB.host, 'quay.io', 'ghcr.io', 'registry.gitlab.com', 'public.ecr.aws']);

const keepsNamespaces = (host: string): boolean => TWO_PARTS.has(host) || /^[a-z-]+\.icr\.io$/.test(host);
const isWord = (character: string | undefined): boolean => character !== undefined && /[a-z0-9]/.test(character);

/** A digest of an image is `sha256:` and 64 hexadecimal digits (`parseReference` takes no other). */
const DIGEST_LENGTH = 'sha256:'.length + 64;
function digestFits(digest: string): boolean {
  const star = digest.indexOf('*');
  const head = star < 0 ? digest : digest.slice(0, star);
  const hex = head.slice('sha256:'.length);
  const literal = digest.replaceAll('*', '').length;
  return `sha256:${hex}`.startsWith(head) && /^[0-9a-f]*$/.test(hex) && literal <= DIGEST_LENGTH;
}

type Told = readonly [FindingReason, string];

function nothing({ tag, digest }: PatternParts): Told | undefined {
  if (tag !== undefined && /^[.-]/.test(tag))
    return [
      'MatchesNothing',
      'has a tag that begins with a dot or a dash, as none does, and fits no image; correct it.',
    ];
  if (digest !== undefined && !digestFits(digest))
    return [
      'MatchesNothing',
      'has a digest that no image has (sha256: and 64 hexadecimal digits in lower case), and fits no image; correct it.',
    ];
  return undefined;
}

/** `us.icr.io/team` is the one repository `team`, which no such registry has; `/*` was forgotten. */
function folder({ host, path }: PatternParts): Told | undefined {
  if (path.includes('/') || path.includes('*') || !keepsNamespaces(host)) return undefined;
  return [
    'OneRepositoryOnly',
    `fits the one repository ${host}/${path}, and ${host} keeps repositories only below a namespace; write ${host}/${path}/* for all that are below it.`,
  ];
}

/** `docker.io/acme*` fits docker.io/acme-evil/app too, and anybody may make that. */
function namespaceEnd({ host, path }: PatternParts): Told | undefined {
  const star = path.indexOf('*');
  if (star < 1 || !OPEN.has(host) || path.slice(0, star).includes('/')) return undefined;
  const name = path.slice(0, star);
  return [
    'OpenEndedName',
    `has a star right behind "${name}", so that it fits every namespace that begins so, and anybody may make one at ${host}; write ${host}/${name}/* for that namespace alone.`,
  ];
}

/** `*example.com/*` fits evil-example.com, `registry.example*` a host of another owner. */
function hostEnd({ host }: PatternParts): Told | undefined {
  if (host === '' || /^\*+$/.test(host)) return undefined;
  const tail = host.replace(/^\*+/, '');
  if (tail !== host && isWord(tail[0]))
    return [
      'OpenEndedHost',
      `has a host that may begin with anything, so that it fits evil${tail.replaceAll('*', '')} too; write *.${tail} with a dot behind the star.`,
    ];
  const head = host.replace(/\*+$/, '');
  if (head !== host && !head.endsWith(':'))
    return [
      'OpenEndedHost',
      `has a host that may end with anything, so that it fits ${head.replaceAll('*', '')}.evil.example too; write the host to its end.`,
    ];
  return undefined;
}

const LOOKS: readonly ((parts: PatternParts) => Told | undefined)[] = [nothing, folder, namespaceEnd, hostEnd];

/** What is odd about what the pattern of a rule is aimed at. */
export function aimless({ pattern, source }: Rule): Finding[] {
  const { parts } = pattern;
  if (parts === undefined) return [];
  return LOOKS.flatMap((look) => {
    const told = look(parts);
    return told === undefined ? [] : [warned(told[0], `${source.field}.name`, told[1])];
  });
}
