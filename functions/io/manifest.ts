import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { groupOf, type Identity, isClusterKind, keyOf, metadataOf, nameOf, secretOf, textOf } from './objects.ts';

/** A mistake in a file, with its place (from 1) and what to do. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** An object of a file, with its namespace filled in, and the line it starts on. */
export interface ManifestObject {
  readonly identity: Identity;
  readonly object: JsonObject;
  readonly line: number;
}

/** What a file holds; with any mistake the objects are not to be used. */
export interface Manifest {
  readonly objects: readonly ManifestObject[];
  readonly mistakes: readonly Mistake[];
}

type Path = readonly (string | number)[];

/** Where a path of fields stands in the file; the nearest known ancestor where it is absent. */
function placeOf(document: Document, path: Path, lines: LineCounter): { line: number; column: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) {
      const { line, col } = lines.linePos(range[0]);
      return { line, column: col };
    }
  }
  return { line: 1, column: 1 };
}

/** Reads the documents of one file, collecting objects and mistakes. */
class Reader {
  readonly objects: ManifestObject[] = [];
  readonly mistakes: Mistake[] = [];
  readonly #lines: LineCounter;
  readonly #seen = new Map<string, number>();

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  document(document: Document.Parsed): void {
    for (const error of document.errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      this.mistakes.push({ line, column: col, message: `${firstLine(error.message)}; correct the YAML` });
    }
    if (document.errors.length > 0 || document.contents === null) return;
    const value: JsonValue = document.toJS({ maxAliasCount: LIMITS.yamlAliases });
    if (value !== null) this.#value(value, document, []);
  }

  #value(value: JsonValue | undefined, document: Document, path: Path): void {
    if (!isObject(value)) {
      this.#report(document, path, 'is not an object; write apiVersion, kind and metadata');
      return;
    }
    const items = own(value, 'items');
    if (!textOf(value, 'kind')?.endsWith('List') || !Array.isArray(items)) this.#object(value, document, path);
    else if (path.length > 0) this.#report(document, path, 'is a list within a list; write the objects one by one');
    else for (const [index, item] of items.entries()) this.#value(item, document, ['items', index]);
  }

  #object(object: JsonObject, document: Document, path: Path): void {
    const identity = this.#identity(object, document, path);
    if (identity === undefined) return;
    const place = placeOf(document, path, this.#lines);
    const earlier = this.#seen.get(keyOf(identity));
    if (earlier !== undefined) {
      this.#report(document, path, `${nameOf(identity)} stands on line ${earlier} too; keep one of them`);
      return;
    }
    this.#seen.set(keyOf(identity), place.line);
    if (identity.kind === 'Secret' && identity.group === '') this.#secret(object, document, path);
    this.objects.push({ identity, object: settled(object, identity), line: place.line });
  }

  #identity(object: JsonObject, document: Document, path: Path): Identity | undefined {
    const apiVersion = textOf(object, 'apiVersion');
    const kind = textOf(object, 'kind');
    const metadata = metadataOf(object);
    const name = textOf(metadata, 'name');
    if (apiVersion === undefined)
      this.#report(document, [...path, 'apiVersion'], 'has no apiVersion; name the API version');
    if (kind === undefined) this.#report(document, [...path, 'kind'], 'has no kind; name the kind');
    if (name === undefined)
      this.#report(document, [...path, 'metadata', 'name'], 'has no metadata.name; give it a name');
    if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
    const namespace = isClusterKind(kind) ? '' : (textOf(metadata, 'namespace') ?? 'default');
    return { group: groupOf(apiVersion), kind, namespace, name };
  }

  #secret(object: JsonObject, document: Document, path: Path): void {
    const secret = secretOf(object, { namespace: '', name: '' });
    if (!Array.isArray(secret)) return;
    for (const field of secret) {
      const dot = field.indexOf('.');
      const fields = dot < 0 ? [field] : [field.slice(0, dot), field.slice(dot + 1)];
      const wanted = dot < 0 ? 'is not a map of texts' : field.startsWith('data.') ? 'is not base64' : 'is not a text';
      this.#report(
        document,
        [...path, ...fields],
        `${field} of the Secret ${wanted}; encode it, or use stringData with text`,
      );
    }
  }

  #report(document: Document, path: Path, message: string): void {
    this.mistakes.push({ ...placeOf(document, path, this.#lines), message });
  }
}

/** The parser's sentence up to what it quotes of the file: that may be a value of a Secret. */
const firstLine = (message: string): string => message.split('\n', 1)[0]?.split(': ', 1)[0] ?? message;

/** The object as the API server would store it: in its namespace. */
function settled(object: JsonObject, { kind, namespace }: Identity): JsonObject {
  if (isClusterKind(kind)) return object;
  return { ...object, metadata: { ...metadataOf(object), namespace } };
}

/** Reads one file of Kubernetes objects: YAML 1.2 (of which JSON is a part), many documents, `kind: List`. Never throws. */
export function parseManifest(text: string): Manifest {
  const lines = new LineCounter();
  const reader = new Reader(lines);
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      logLevel: 'silent',
    });
    for (const document of Array.isArray(documents) ? documents : []) reader.document(document);
  } catch (error) {
    // Aliases without end (a "billion laughs") and nesting beyond the stack arrive here.
    const message = error instanceof Error ? firstLine(error.message) : 'the YAML cannot be read';
    reader.mistakes.push({ line: 1, column: 1, message: `${message}; write the file plainly` });
  }
  return { objects: reader.objects, mistakes: reader.mistakes };
}
