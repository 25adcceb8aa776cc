import type { Result } from '../codes.ts';
import { accept, refuse } from '../codes.ts';
import { quote } from '../image/quote.ts';
import { type ImageReference, parseReference, repositoryName } from '../image/reference.ts';
import type { RepositoryMap } from '../policy/policy.ts';

/** Where an image was signed: host and path of its repository there. */
export type SignedName = Pick<ImageReference, 'registry' | 'repository'>;

/**
 * The name under which an image is signed: that of its own repository, or, where it is the prefix of the map or lies below it, the same
 * path below the signed prefix. Parts of a name are compared whole, so `mirror/hub` is not `mirror/hubris`. Refuses with IMAGE_INVALID
 * where what comes out is no repository. Docker Hub's official images may be written short behind the prefix, as docker does.
 */
export function signedName(reference: ImageReference, map: RepositoryMap | undefined): Result<SignedName> {
  const name = repositoryName(reference);
  if (map === undefined || (name !== map.prefix && !name.startsWith(`${map.prefix}/`))) return accept(reference);
  const signed = `${map.signedPrefix}${name.slice(map.prefix.length)}`;
  const parsed = signed.includes('/') ? parseReference(signed) : undefined;
  if (parsed?.ok !== true || parsed.value.tag !== undefined)
    return refuse(
      'IMAGE_INVALID',
      `By trust.repository of the policy, ${quote(name)} is signed as ${quote(signed)}, which is no repository.`,
    );
  return accept(parsed.value);
}
