import type { ErrorObject } from 'ajv';
import { type Check, checker } from '../../checker.ts';
import { LIMITS } from '../../limits.ts';
import { TrustError } from './error.ts';

const fold = (name: string): string => name.toUpperCase().toLowerCase();

/** Go matches names of fields without regard to case, the last one winning; a look-alike of a known field is refused. */
const exactly = (names: readonly string[]): ((data: object) => boolean) => {
  const known = new Set(names);
  return (data) => Object.keys(data).every((name) => known.has(name) || !known.has(fold(name)));
};

const checkOf = checker({ allErrors: false, ownProperties: true, allowUnionTypes: true }, [
  { keyword: 'exactNames', type: 'object', schemaType: 'array', compile: exactly, errors: false },
]);

type Schema = Readonly<Record<string, unknown>>;

const fields = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => {
  const names = Object.keys(properties);
  const required = names.filter((name) => !optional.includes(name));
  return { type: 'object', exactNames: names, properties, required };
};
const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema['type'], 'null'] });

const TEXT: Schema = { type: 'string' };
const ROLE_KEYS: Record<string, Schema> = {
  keyids: orNull({ type: 'array', items: TEXT, maxItems: LIMITS.keysPerRole }),
  threshold: { type: 'integer', minimum: 1 },
};
const KEYS: Schema = {
  type: 'object',
  maxProperties: LIMITS.keysPerRole,
  additionalProperties: fields({
    keytype: TEXT,
    keyval: fields({ public: TEXT, private: { type: ['string', 'null'] } }, ['private']),
  }),
};
const FILE: Schema = fields(
  {
    length: { type: 'integer', minimum: 0 },
    hashes: { type: 'object', maxProperties: 16, additionalProperties: TEXT },
    custom: {},
  },
  ['custom'],
);
const files = (maxProperties: number): Schema => ({ type: 'object', maxProperties, additionalProperties: FILE });

const signedBy = (type: string, body: Record<string, Schema>, optional: readonly string[] = []): Check => {
  const common = { _type: { const: type }, version: { type: 'integer', minimum: 1 }, expires: TEXT };
  return checkOf(fields({ ...common, ...body }, optional));
};

const ROLE = fields(ROLE_KEYS);
const DELEGATION = fields({ ...ROLE_KEYS, name: TEXT, paths: orNull({ type: 'array', items: TEXT, maxItems: 1024 }) }, [
  'paths',
]);

const SCHEMAS = {
  envelope: checkOf(
    fields({
      signed: { type: 'object' },
      signatures: {
        type: 'array',
        minItems: 1,
        maxItems: LIMITS.signaturesPerRole,
        items: fields({ keyid: TEXT, method: TEXT, sig: TEXT }),
      },
    }),
  ),
  root: signedBy(
    'Root',
    {
      keys: KEYS,
      roles: {
        type: 'object',
        maxProperties: 64,
        properties: { root: ROLE, targets: ROLE, snapshot: ROLE, timestamp: ROLE },
        required: ['root', 'targets', 'snapshot', 'timestamp'],
        additionalProperties: orNull(ROLE),
      },
      consistent_snapshot: { type: ['boolean', 'null'] },
    },
    ['consistent_snapshot'],
  ),
  timestamp: signedBy('Timestamp', { meta: files(64) }),
  snapshot: signedBy('Snapshot', { meta: files(2 + 2 * LIMITS.delegationsPerRole) }),
  targets: signedBy(
    'Targets',
    {
      targets: orNull(files(LIMITS.targetsPerRole)),
      delegations: orNull(
        fields(
          {
            keys: orNull(KEYS),
            roles: orNull({ type: 'array', maxItems: LIMITS.delegationsPerRole, items: DELEGATION }),
          },
          ['keys', 'roles'],
        ),
      ),
    },
    ['targets', 'delegations'],
  ),
} as const;

/** Kinds of documents that trust metadata is made of. */
export type SchemaName = keyof typeof SCHEMAS;

const sentence = (error: ErrorObject | undefined): string => {
  if (error === undefined) return 'has another shape';
  const at = error.instancePath === '' ? 'the document' : error.instancePath.slice(0, 120);
  if (error.keyword === 'exactNames') return `${at} has a field whose name differs from a known one in case only`;
  return `${at} ${error.message ?? error.keyword}`;
};

/**
 * Holds a parsed value to the schema of its kind. Throws `TrustError`: TRUST_TOO_LARGE where a count is beyond its limit, else
 * TRUST_MALFORMED. `what` names the file in messages.
 */
export function checkShape(kind: SchemaName, value: unknown, what: string): void {
  const errors = SCHEMAS[kind](value);
  if (errors.length === 0) return;
  const error = errors[0];
  const large = error?.keyword === 'maxItems' || error?.keyword === 'maxProperties';
  throw new TrustError(large ? 'TRUST_TOO_LARGE' : 'TRUST_MALFORMED', `${what} is not valid: ${sentence(error)}`);
}
