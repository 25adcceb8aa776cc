/** Longest host, with port, in characters (RFC 1035 §2.3.4 gives a name 255 octets). */
const HOST_LENGTH = 255;
/** Longest path in a registry (distribution/reference: RepositoryNameTotalLengthMax). */
const PATH_LENGTH = 255;
/** Longest tag (distribution/reference: TagRegexp). */
const TAG_LENGTH = 128;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isLower = (code: number): boolean => code >= 0x61 && code <= 0x7a;
const isUpper = (code: number): boolean => code >= 0x41 && code <= 0x5a;
const isHexLower = (code: number): boolean => isDigit(code) || (code >= 0x61 && code <= 0x66);
const isLowerAlphanumeric = (code: number): boolean => isLower(code) || isDigit(code);

/** True where every character's code passes the test; true for the empty text. */
export const every = (text: string, test: (code: number) => boolean): boolean => {
  for (let i = 0; i < text.length; i++) if (!test(text.charCodeAt(i))) return false;
  return true;
};

/** Character that may stand in a lower-case host name, port or bracketed IPv6 address. */
export const isHostCharacter = (code: number): boolean =>
  isLowerAlphanumeric(code) || code === 0x2d || code === 0x2e || code === 0x3a || code === 0x5b || code === 0x5d;
/** Character that may stand in a repository path. */
export const isPathCharacter = (code: number): boolean =>
  isLowerAlphanumeric(code) || code === 0x2d || code === 0x2e || code === 0x2f || code === 0x5f;
/** Character that may stand in a tag. */
export const isTagCharacter = (code: number): boolean =>
  isLowerAlphanumeric(code) || isUpper(code) || code === 0x2d || code === 0x2e || code === 0x5f;

/** True for hex digits in lower case only; true for the empty text. */
export const isHex = (text: string): boolean => every(text, isHexLower);

/** Why this is no port (1 to 65535, no leading zero), or undefined. */
function portProblem(port: string): string | undefined {
  const valid =
    port.length >= 1 && port.length <= 5 && every(port, isDigit) && port[0] !== '0' && Number(port) <= 65_535;
  return valid ? undefined : 'the port after the host is not a number from 1 to 65535';
}

function labelProblem(label: string): string | undefined {
  if (label === '') return 'the host has an empty part (two dots, or a dot at its beginning or end)';
  if (label.startsWith('-') || label.endsWith('-')) return 'a part of the host begins or ends with a hyphen';
  if (!every(label, (code) => isLowerAlphanumeric(code) || code === 0x2d))
    return 'the host has a character other than letters, digits, hyphens and dots';
  return undefined;
}

function ipv6Problem(host: string, end: number): string | undefined {
  const address = host.slice(1, end);
  const groups = address.split(':');
  const valid =
    end > 0 && groups.length >= 3 && groups.length <= 9 && groups.every((group) => group.length <= 4 && isHex(group));
  if (!valid) return 'the host is not an IPv6 address in brackets';
  const rest = host.slice(end + 1);
  if (rest === '') return undefined;
  return rest.startsWith(':') ? portProblem(rest.slice(1)) : 'something other than a port follows the IPv6 address';
}

/** Why this lower-case text is no registry host with optional port (distribution/reference: domain-and-port), or undefined. */
export function hostProblem(host: string): string | undefined {
  if (host.length > HOST_LENGTH) return `the host is longer than ${HOST_LENGTH} characters`;
  if (host.startsWith('[')) return ipv6Problem(host, host.indexOf(']'));
  const colon = host.indexOf(':');
  const name = colon < 0 ? host : host.slice(0, colon);
  for (const label of name.split('.')) {
    const problem = labelProblem(label);
    if (problem !== undefined) return problem;
  }
  return colon < 0 ? undefined : portProblem(host.slice(colon + 1));
}

/** True for what may stand between two runs of letters and digits: one dot, one or two underscores, any hyphens. */
const isSeparator = (text: string): boolean =>
  text === '.' || text === '_' || text === '__' || every(text, (code) => code === 0x2d);

function componentProblem(component: string): string | undefined {
  if (component === '') return 'the path has an empty part';
  if (![0, component.length - 1].every((at) => isLowerAlphanumeric(component.charCodeAt(at))))
    return `the part "${component}" of the path does not begin and end with a letter or digit`;
  let run = '';
  for (const character of component) {
    const inside = isLowerAlphanumeric(character.charCodeAt(0));
    if (inside && run !== '' && !isSeparator(run))
      return 'letters and digits of the path may be separated only by one dot, one or two underscores, or hyphens';
    run = inside ? '' : run + character;
  }
  return undefined;
}

/** Why this is no repository path (distribution/reference: remote-name), or undefined. */
export function pathProblem(path: string): string | undefined {
  if (path.length > PATH_LENGTH) return `the path is longer than ${PATH_LENGTH} characters`;
  if (!every(path, (code) => !isUpper(code))) return 'the path has upper-case letters';
  if (!every(path, isPathCharacter)) return 'the path has a character that may not stand there';
  for (const component of path.split('/')) {
    const problem = componentProblem(component);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Why this is no tag (distribution/reference: tag), or undefined. */
export function tagProblem(tag: string): string | undefined {
  if (tag === '') return 'the tag is empty';
  if (tag.length > TAG_LENGTH) return `the tag is longer than ${TAG_LENGTH} characters`;
  if (tag.startsWith('.') || tag.startsWith('-')) return 'the tag begins with a dot or a hyphen';
  return every(tag, isTagCharacter) ? undefined : 'the tag has a character that may not stand there';
}

/** Why this is no digest that the gate can hold an image to, or undefined. Only SHA-256 in lower-case hex is. */
export function digestProblem(digest: string): string | undefined {
  if (!digest.startsWith('sha256:')) return 'the digest is not a sha256 digest, and no other kind is supported';
  return digest.length === 71 && isHex(digest.slice(7))
    ? undefined
    : 'the digest is not sha256: and 64 hexadecimal digits in lower case';
}
