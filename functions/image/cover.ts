import { compileGlob } from './glob.ts';
import type { ImagePattern, PatternParts } from './pattern.ts';
import { HUB } from './reference.ts';

/** The paths that a pattern stands for: `docker.io/nginx*` may mean an official image as well. */
const pathsOf = ({ path, official }: PatternParts): readonly string[] =>
  official ? [path, HUB.official + path] : [path];

/** Whether one glob fits whatever another one fits: a star of the narrow one is only fitted by a star, so its text may be matched as it stands. */
const globCovers = (wide: string, narrow: string): boolean => compileGlob(wide)(narrow);

/** A part that asks for nothing fits everything, one that asks for something never fits where nothing is asked. */
const partCovers = (wide: string | undefined, narrow: string | undefined): boolean =>
  wide === undefined || (narrow !== undefined && globCovers(wide, narrow));

/** Whether every image that the narrow pattern fits is one that the wide pattern fits. Never true where it does not hold. */
export function covers(wide: ImagePattern, narrow: ImagePattern): boolean {
  const [outer, inner] = [wide.parts, narrow.parts];
  if (outer === undefined || inner === undefined) return false;
  return (
    globCovers(outer.host, inner.host) &&
    pathsOf(inner).every((path) => pathsOf(outer).some((other) => globCovers(other, path))) &&
    partCovers(outer.tag, inner.tag) &&
    partCovers(outer.digest, inner.digest)
  );
}

/** Where a pattern and a rank alike must agree for one to hide the other: host and path less their stars. */
export const coverKey = ({ parts }: ImagePattern): string | undefined =>
  parts === undefined ? undefined : `${parts.host}/${parts.path}`.replaceAll('*', '');

/**
 * Whether a pattern can fit an image of a repository `gun`, or of one whose name begins with what stands before the star at its end.
 * True where it can't be told: a star of the host is taken to go over slashes.
 */
export function meets({ parts }: ImagePattern, gun: string): boolean {
  if (parts === undefined) return true;
  return pathsOf(parts).some((path) => {
    const name = `${parts.host}/${path}`;
    if (!gun.endsWith('*')) return compileGlob(name)(gun);
    const beginning = gun.slice(0, -1);
    const star = name.indexOf('*');
    const head = star < 0 ? name : name.slice(0, star);
    return head.startsWith(beginning) || (star >= 0 && beginning.startsWith(head));
  });
}
