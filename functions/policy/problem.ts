import type { ErrorObject } from 'ajv';
import { quote } from '../image/quote.ts';
import { isObject } from '../json.ts';
import {
  GUN_PATTERN,
  KEY_ID_PATTERN,
  NAMESPACE_PATTERN,
  OBJECT_NAME_PATTERN,
  PREFIX_PATTERN,
  TRUST_SERVER_PATTERN,
} from './schema.ts';

/** A field and what is wrong with it. */
export interface FieldProblem {
  /** `spec.repositories[0].policy.trust.trustServer`. */
  readonly field: string;
  /** What is wrong and what to do: a sentence. */
  readonly message: string;
}

const PATTERNS: ReadonlyMap<string, string> = new Map([
  [
    TRUST_SERVER_PATTERN,
    'must be https://host or https://host:port, without user, path, query or fragment; write only the origin of the trust server.',
  ],
  [OBJECT_NAME_PATTERN, 'must be the name of a Secret: lower-case letters, digits, "-" and "."; correct the name.'],
  [NAMESPACE_PATTERN, 'must be the name of a namespace: lower-case letters, digits and "-"; correct the name.'],
  [
    KEY_ID_PATTERN,
    'must be a key ID: 64 hexadecimal digits in lower case, as `notary key list` or `docker trust inspect` shows it.',
  ],
  [
    GUN_PATTERN,
    'must be the name of a repository in lower case, or its beginning and one star at the end; correct the name.',
  ],
  [
    PREFIX_PATTERN,
    'must be the beginning of a repository name in whole parts (mirror.example.com/hub), lower case, without a slash at its end; correct it.',
  ],
]);

/** A validation error of ajv as a field path below `base` and a sentence. The value itself is never told. */
export function problemOf(error: ErrorObject, base: string): FieldProblem {
  const at = fieldPath(base, error.instancePath);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties':
      return { field: join(at, tellName(String(params['additionalProperty']))), message: unknownField(error) };
    case 'required':
      return { field: join(at, String(params['missingProperty'])), message: 'is missing; add it.' };
    default:
      return { field: at === '' ? '(object)' : at, message: sentence(error, params) };
  }
}

function sentence(error: ErrorObject, params: Record<string, unknown>): string {
  switch (error.keyword) {
    case 'type':
      return `must be of type ${String(params['type'])} but is of type ${typeName(error.data)}; correct the value.`;
    case 'enum':
      return `must be one of ${(params['allowedValues'] as string[]).map((value) => `"${value}"`).join(', ')}.`;
    case 'pattern':
      return PATTERNS.get(String(params['pattern'])) ?? 'does not have the form it should have; correct the value.';
    case 'minLength':
      return 'must not be empty; give it a value or take the entry out.';
    case 'maxLength':
      return `must have at most ${String(params['limit'])} characters; shorten it.`;
    case 'maxItems':
      return `must have at most ${String(params['limit'])} entries; spread them over several objects.`;
    default:
      return `${error.message ?? 'is not valid'}; correct the value.`;
  }
}

function unknownField(error: ErrorObject): string {
  const parent = error.parentSchema?.['properties'];
  const known = isObject(parent) ? Object.keys(parent).join(', ') : '';
  return `is not a known field; known here: ${known}. Correct its spelling or indentation, or take it out.`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** A name from outside, quoted where it is more than letters, digits, "-" and "_". */
const tellName = (name: string): string => (/^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : quote(name));

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** A JSON pointer (RFC 6901) as a field path; only names of the schema stand in it, so nothing is to be unescaped. */
function fieldPath(base: string, pointer: string): string {
  let path = base;
  for (const part of pointer.split('/').slice(1)) path = /^\d+$/.test(part) ? `${path}[${part}]` : join(path, part);
  return path;
}
