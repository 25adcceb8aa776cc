import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import type { JsonValue } from '../json.ts';
import { LIMITS } from '../limits.ts';

/** Where something stands in a file, from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** A mistake in a file, with its place and what to do. */
export interface Mistake extends TextPlace {
  readonly message: string;
}

/** A path of fields in a document: `['spec', 'containers', 0, 'image']`. */
export type FieldPath = readonly (string | number)[];

/** One document of a file. */
export interface TextDocument {
  readonly value: JsonValue;
  /** Where a path of fields stands; its nearest known ancestor where it is absent. */
  placeOf(path: FieldPath): TextPlace;
}

function placeIn(document: Document, path: FieldPath, lines: LineCounter): TextPlace {
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

/** The parser's sentence up to what it quotes of the file: that may be a value of a Secret. */
const firstLine = (message: string): string => message.split('\n', 1)[0]?.split(': ', 1)[0] ?? message;

/** Reads YAML 1.2 (of which JSON is a part), many documents; empty ones are left out. Never throws. */
export function readDocuments(text: string): {
  readonly documents: readonly TextDocument[];
  readonly mistakes: readonly Mistake[];
} {
  const lines = new LineCounter();
  const documents: TextDocument[] = [];
  const mistakes: Mistake[] = [];
  const take = (document: Document.Parsed): void => {
    for (const error of document.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      mistakes.push({ line, column: col, message: `${firstLine(error.message)}; correct the YAML` });
    }
    if (document.errors.length > 0 || document.contents === null) return;
    const value: JsonValue = document.toJS({ maxAliasCount: LIMITS.yamlAliases });
    if (value !== null) documents.push({ value, placeOf: (path) => placeIn(document, path, lines) });
  };
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      logLevel: 'silent',
    });
    for (const document of Array.isArray(parsed) ? parsed : []) take(document);
  } catch (error) {
    // Aliases without end (a "billion laughs") and nesting beyond the stack arrive here.
    const message = error instanceof Error ? firstLine(error.message) : 'the YAML cannot be read';
    mistakes.push({ line: 1, column: 1, message: `${message}; write the file plainly` });
  }
  return { documents, mistakes };
}
