import { hash } from 'node:crypto';
import { type FoundFile, textFrom } from './files.ts';
import { type ManifestObject, parseManifest } from './manifest.ts';
import { isPolicy, keyOf } from './objects.ts';
import type { Entry } from './walk.ts';

/** An object, and the file that it stands in. */
export interface HeldObject extends ManifestObject {
  readonly key: string;
  readonly policy: boolean;
  readonly path: string;
}

/** What is known of one file. */
export interface HeldFile {
  readonly stamp: string;
  /** When the stamp was first seen. */
  readonly since: number;
  /** Whether the stamp stands for these bytes. */
  readonly sure: boolean;
  /** Bytes that were read. */
  readonly size: number;
  /** SHA-256 of the bytes that were read last. */
  readonly digest: string;
  /** What counts of it: what it held last without a mistake. */
  readonly objects: readonly HeldObject[];
  /** What is wrong with it now, each a sentence with its place. */
  readonly problems: readonly string[];
}

/**
 * The coarsest clock of a file system in use (FAT), in milliseconds: a file that is written twice within one tick may show one stamp for two
 * contents. So a stamp is believed only once the file was read this long after the stamp was first seen.
 */
const TICK = 2_000;
const EMPTY = 'is empty; what it held still counts: delete the file to remove it';

const held = (object: ManifestObject, path: string): HeldObject => ({
  ...object,
  key: keyOf(object.identity),
  policy: isPolicy(object.identity),
  path,
});

/** Whether a file need not be read again: it is the very one that was read. */
export const keeps = (held: HeldFile | undefined, { stamp, problem }: Entry): boolean =>
  held?.sure === true && held.stamp === stamp && problem === undefined;

/**
 * What is known of a file after a look at it that began at `now` (ms). A file with a mistake keeps the objects of before; so does one that is
 * empty: it is, for a moment, while it is written in place, and its policies must not vanish in that moment.
 */
export function heldFile(found: FoundFile, before: HeldFile | undefined, now: number): HeldFile | undefined {
  if ('kept' in found) return before;
  const { path, stamp } = found;
  const objects = before?.objects ?? [];
  if ('problem' in found)
    return { stamp, since: now, sure: false, size: 0, digest: '', objects, problems: [`${path} ${found.problem}`] };
  const since = before?.stamp === stamp ? before.since : now;
  const size = found.bytes.length;
  const read = { stamp, since, sure: now - since >= TICK, size, digest: hash('sha256', found.bytes) };
  if (before?.digest === read.digest) return { ...before, ...read };
  return { ...read, ...contentOf(path, found.bytes, objects) };
}

function contentOf(path: string, bytes: Buffer, before: readonly HeldObject[]): Pick<HeldFile, 'objects' | 'problems'> {
  const text = textFrom(bytes);
  if (text === undefined) return { objects: before, problems: [`${path} is not UTF-8; save it in that encoding`] };
  if (before.length > 0 && text.trim() === '') return { objects: before, problems: [`${path} ${EMPTY}`] };
  const { objects, mistakes } = parseManifest(text);
  if (mistakes.length > 0) {
    const problems = mistakes.map(({ line, column, message }) => `${path}:${line}:${column} ${message}`);
    return { objects: before, problems };
  }
  return { objects: objects.map((object) => held(object, path)), problems: [] };
}
