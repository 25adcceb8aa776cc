import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FieldPath, readDocuments, type TextDocument, type TextPlace } from '../io/documents.ts';
import { readDirectory } from '../io/files.ts';
import { textOf } from '../io/objects.ts';
import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { CommandError, type Outside } from './outside.ts';

/** An object of a manifest, and where its fields stand. */
export interface FoundObject {
  readonly object: JsonObject;
  /** As it was named on the command line, below it for a directory; `-` for standard input. */
  readonly file: string;
  placeOf(path: FieldPath): TextPlace;
}

interface Text {
  readonly file: string;
  readonly text: string;
}

/** Name of standard input on the command line. */
const STDIN = '-';

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(file: string, bytes: Uint8Array): Text {
  try {
    return { file, text: utf8.decode(bytes) };
  } catch {
    throw new CommandError(`${file}: is not UTF-8; save it in that encoding`);
  }
}

async function readInput(input: Outside['input']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LIMITS.directoryBytes)
      throw new CommandError(`standard input: is longer than ${LIMITS.directoryBytes} bytes; split it`);
  }
  return Buffer.concat(chunks);
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= LIMITS.directoryBytes) return await readFile(path);
  } catch (error) {
    throw new CommandError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  throw new CommandError(`${path}: is longer than ${LIMITS.directoryBytes} bytes`);
}

/** The bytes of a file, or of standard input (`-`). Throws `CommandError`. */
export const readBytes = (path: string, { input }: Outside): Promise<Uint8Array> =>
  path === STDIN ? readInput(input) : readWhole(path);

async function textsOf(path: string, input: Outside['input']): Promise<readonly Text[]> {
  if (path === STDIN) return [decode(STDIN, await readInput(input))];
  const found = await stat(path).catch(() => {
    throw new CommandError(`${path}: does not exist, or may not be read`);
  });
  if (!found.isDirectory()) {
    if (found.size > LIMITS.manifestBytes)
      throw new CommandError(`${path}: is larger than ${LIMITS.manifestBytes} bytes; split it`);
    return [decode(path, await readFile(path))];
  }
  const { files, problems } = await readDirectory(path);
  const broken = files.flatMap((file) => ('problem' in file ? [`${join(path, file.path)} ${file.problem}`] : []));
  if (problems.length + broken.length > 0) throw new CommandError([...problems, ...broken].join('\n'));
  if (files.length === 0) throw new CommandError(`${path}: holds no .yaml, .yml or .json file; correct the path`);
  return files.flatMap((file) => ('bytes' in file ? [decode(join(path, file.path), file.bytes)] : []));
}

/** The objects of a value: itself, or the items of a List. */
function objectsIn(value: JsonValue | undefined, path: FieldPath): { object: JsonObject; path: FieldPath }[] {
  if (!isObject(value)) return [];
  const items = own(value, 'items');
  if (textOf(value, 'kind')?.endsWith('List') !== true || !Array.isArray(items)) return [{ object: value, path }];
  return items.flatMap((item, index) => objectsIn(item, [...path, 'items', index]));
}

const found = (file: string, document: TextDocument): FoundObject[] =>
  objectsIn(document.value, []).map(({ object, path }) => ({
    object,
    file,
    placeOf: (field) => document.placeOf([...path, ...field]),
  }));

/**
 * Every object of these files, directories (their `*.yaml`, `*.yml` and `*.json`) and of standard input (`-`), Lists taken apart. Throws
 * `CommandError` with every mistake at once, each with file, line and column.
 */
export async function readManifests(paths: readonly string[], { input }: Outside): Promise<readonly FoundObject[]> {
  const objects: FoundObject[] = [];
  const mistakes: string[] = [];
  for (const path of new Set(paths)) {
    for (const { file, text } of await textsOf(path, input)) {
      const read = readDocuments(text);
      for (const { line, column, message } of read.mistakes) mistakes.push(`${file}:${line}:${column} ${message}`);
      objects.push(...read.documents.flatMap((document) => found(file, document)));
    }
  }
  if (mistakes.length > 0) throw new CommandError(mistakes.join('\n'));
  return objects;
}
