/** Any JSON value (RFC 8259). */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
/** A JSON object. Names come from outside: read them with `own`, never by plain index. */
export interface JsonObject {
  [name: string]: JsonValue;
}

/** True for a JSON object (not null, not an array). */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value under an own property, or undefined; `constructor` and `__proto__` are names like any other. */
export const own = (object: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
