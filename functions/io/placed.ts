import type { HeldFile, HeldObject } from './heldfile.ts';
import { nameOf } from './objects.ts';

/** What is known of the files of a directory, by path and in its order. */
export type Files = ReadonlyMap<string, HeldFile>;

/** Objects by their key. */
export type Objects = ReadonlyMap<string, HeldObject>;

/**
 * Every object of these files. Of two files that hold the same one, the file that held it `before` counts, else the first by path; each further one is told in
 * `problems`.
 */
export function place(files: Files, before: Objects, problems: string[]): Objects {
  const placed = new Map<string, HeldObject>();
  for (const { objects } of files.values()) {
    for (const object of objects) {
      const { key, path, line, identity } = object;
      const first = placed.get(key);
      if (first !== undefined) {
        problems.push(
          `${path}:${line}:1 ${nameOf(identity)} stands in ${first.path}:${first.line} too; keep one of them`,
        );
      }
      if (first === undefined || before.get(key)?.path === path) placed.set(key, object);
    }
  }
  return placed;
}

/** Keys of all objects of the files that changed, as they were and as they are. */
export function changedKeys(before: Files, after: Files): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(path)?.objects ?? [], after.get(path)?.objects ?? []];
    if (was !== is) for (const { key } of [...was, ...is]) keys.add(key);
  }
  return keys;
}
