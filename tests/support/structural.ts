import { isObject, type JsonObject, type JsonValue, own } from '../../functions/json.ts';

/** A node of a CRD's structural schema (OpenAPI v3), as far as our CRDs use it. */
export type StructuralSchema = JsonObject;

const number = (schema: StructuralSchema, name: string, none: number): number => {
  const value = own(schema, name);
  return typeof value === 'number' ? value : none;
};

const isType = (type: JsonValue | undefined, value: JsonValue): boolean => {
  if (type === 'object') return isObject(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return type === undefined || typeof value === type;
};

const inBounds = (schema: StructuralSchema, size: number, kind: string): boolean =>
  size >= number(schema, `min${kind}`, 0) && size <= number(schema, `max${kind}`, Number.POSITIVE_INFINITY);

const textFits = (schema: StructuralSchema, value: string): boolean => {
  const pattern = own(schema, 'pattern');
  return (
    inBounds(schema, [...value].length, 'Length') &&
    (typeof pattern !== 'string' || new RegExp(pattern, 'u').test(value))
  );
};

const numberFits = (schema: StructuralSchema, value: number): boolean =>
  value >= number(schema, 'minimum', Number.NEGATIVE_INFINITY) &&
  value <= number(schema, 'maximum', Number.POSITIVE_INFINITY);

const objectFits = (schema: StructuralSchema, value: JsonObject): boolean => {
  const properties = own(schema, 'properties');
  if (!isObject(properties)) return true;
  const required = (own(schema, 'required') ?? []) as readonly string[];
  return (
    required.every((name) => own(value, name) !== undefined) &&
    Object.entries(value).every(([name, field]) => {
      const known = own(properties, name);
      return isObject(known) && fits(known, field);
    })
  );
};

/**
 * Whether an API server with strict field validation stores a value under a node of a structural schema: types, nullable, enum, bounds,
 * patterns, required and unknown fields. Written apart from ajv, to be compared with it; rules in CEL are not looked at.
 */
export function fits(schema: StructuralSchema, value: JsonValue): boolean {
  if (value === null) return own(schema, 'nullable') === true;
  if (!isType(own(schema, 'type'), value)) return false;
  const allowed = own(schema, 'enum');
  if (Array.isArray(allowed) && !allowed.includes(value)) return false;
  if (typeof value === 'string') return textFits(schema, value);
  if (typeof value === 'number') return numberFits(schema, value);
  if (Array.isArray(value)) {
    const items = own(schema, 'items');
    return inBounds(schema, value.length, 'Items') && (!isObject(items) || value.every((item) => fits(items, item)));
  }
  return !isObject(value) || objectFits(schema, value);
}
