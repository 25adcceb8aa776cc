import { Fault } from '../codes.ts';
import type { RepositoryAddress } from '../ports.ts';
import type { Challenge } from './challenge.ts';

/** What is asked of a token service (docker token specification): where, for which service, and pull of one repository. */
export interface TokenWish {
  readonly realm: URL;
  readonly service: string | undefined;
  /** Always `repository:<name>:pull`, composed by the gate. */
  readonly scope: string;
}

/** Token services that stand on another host than the trust server that names them. */
const BUILT_IN: ReadonlyMap<string, string> = new Map([['notary.docker.io', 'auth.docker.io']]);

const hostOf = (registry: string): string => URL.parse(`https://${registry}/`)?.hostname ?? '';

/**
 * True where a token service may be asked for a repository: https, no user in the address, and its host, compared whole and without the port, is that of
 * the trust server, of the image's registry, Docker's pair, or one of `tokenRealms` (TOKEN_REALMS; an entry with a port means that port only).
 * The realm comes from the trust server's answer: followed blindly it takes credentials (Portieris, CVE-2025-27403) or has the gate call a metadata address.
 */
export function isKnownRealm(realm: URL, address: RepositoryAddress, tokenRealms: readonly string[]): boolean {
  if (realm.protocol !== 'https:' || realm.username !== '' || realm.password !== '') return false;
  const server = URL.parse(address.server)?.hostname ?? '';
  const known = [server, hostOf(address.registry), BUILT_IN.get(server) ?? ''];
  if (known.includes(realm.hostname)) return true;
  return tokenRealms.some((entry) => entry === realm.hostname || entry === realm.host);
}

/** Name of the repository that the challenge's scope must name: the GUN, or the GUN without its host as some registries call it. */
function repositoryOf(scope: string | undefined, address: RepositoryAddress): string {
  if (scope === undefined || scope === '') return address.gun;
  const short = address.gun.slice(address.gun.indexOf('/') + 1);
  for (const part of scope.split(' ')) {
    const first = part.indexOf(':');
    const last = part.lastIndexOf(':');
    const name = part.slice(first + 1, last);
    // A host's port holds a colon too, so type and actions are cut off from the ends.
    const type = part.slice(0, first);
    if ((type === 'repository' || type.startsWith('repository(')) && (name === address.gun || name === short))
      return name;
  }
  throw new Fault(
    'TRUST_SERVER_ERROR',
    `${URL.parse(address.server)?.host} asked for a token that is not for ${address.gun}; the gate does not fetch it.`,
  );
}

/**
 * What to ask of which token service for a Bearer challenge. The server chooses realm and service; the scope is pull of this very repository,
 * whatever more the challenge asks. Throws `Fault` AUTH_REALM_REFUSED, or TRUST_SERVER_ERROR where the challenge has no usable realm or is for another repository.
 */
export function tokenWish(challenge: Challenge, address: RepositoryAddress, tokenRealms: readonly string[]): TokenWish {
  const server = URL.parse(address.server)?.host;
  const realm = URL.parse(challenge.params.get('realm') ?? '');
  if (realm === null)
    throw new Fault('TRUST_SERVER_ERROR', `${server} asked for a token without naming its token service.`);
  if (!isKnownRealm(realm, address, tokenRealms)) {
    throw new Fault(
      'AUTH_REALM_REFUSED',
      `${server} sent the gate to the token service ${realm.origin.slice(0, 300)}, which is not known to belong to it; nothing was sent there.`,
    );
  }
  realm.hash = '';
  const scope = `repository:${repositoryOf(challenge.params.get('scope'), address)}:pull`;
  return { realm, service: challenge.params.get('service'), scope };
}
