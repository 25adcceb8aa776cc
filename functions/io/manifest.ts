import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { type FieldPath, type Mistake, readDocuments, type TextDocument } from './documents.ts';
import { groupOf, type Identity, isClusterKind, keyOf, metadataOf, nameOf, secretOf, textOf } from './objects.ts';

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

/** Reads the documents of one file, collecting objects and mistakes. */
class Reader {
  readonly objects: ManifestObject[] = [];
  readonly mistakes: Mistake[] = [];
  readonly #seen = new Map<string, number>();

  document(document: TextDocument): void {
    this.#value(document.value, document, []);
  }

  #value(value: JsonValue | undefined, document: TextDocument, path: FieldPath): void {
    if (!isObject(value)) {
      this.#report(document, path, 'is not an object; write apiVersion, kind and metadata');
      return;
    }
    const items = own(value, 'items');
    if (!textOf(value, 'kind')?.endsWith('List') || !Array.isArray(items)) this.#object(value, document, path);
    else if (path.length > 0) this.#report(document, path, 'is a list within a list; write the objects one by one');
    else for (const [index, item] of items.entries()) this.#value(item, document, ['items', index]);
  }

  #object(object: JsonObject, document: TextDocument, path: FieldPath): void {
    const identity = this.#identity(object, document, path);
    if (identity === undefined) return;
    const place = document.placeOf(path);
    const earlier = this.#seen.get(keyOf(identity));
    if (earlier !== undefined) {
      this.#report(document, path, `${nameOf(identity)} stands on line ${earlier} too; keep one of them`);
      return;
    }
    this.#seen.set(keyOf(identity), place.line);
    if (identity.kind === 'Secret' && identity.group === '') this.#secret(object, document, path);
    this.objects.push({ identity, object: settled(object, identity), line: place.line });
  }

  #identity(object: JsonObject, document: TextDocument, path: FieldPath): Identity | undefined {
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

  #secret(object: JsonObject, document: TextDocument, path: FieldPath): void {
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

  #report(document: TextDocument, path: FieldPath, message: string): void {
    this.mistakes.push({ ...document.placeOf(path), message });
  }
}

/** The object as the API server would store it: in its namespace. */
export function settled(object: JsonObject, { kind, namespace }: Identity): JsonObject {
  if (isClusterKind(kind)) return object;
  return { ...object, metadata: { ...metadataOf(object), namespace } };
}

/** Reads one file of Kubernetes objects: YAML 1.2 (of which JSON is a part), many documents, `kind: List`. Never throws. */
export function parseManifest(text: string): Manifest {
  const { documents, mistakes } = readDocuments(text);
  const reader = new Reader();
  for (const document of documents) reader.document(document);
  return { objects: reader.objects, mistakes: [...mistakes, ...reader.mistakes].toSorted(byPlace) };
}

const byPlace = (left: Mistake, right: Mistake): number => left.line - right.line || left.column - right.column;
