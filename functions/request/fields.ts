import type { JsonObject, JsonValue } from '../json.ts';
import { isObject, own } from '../json.ts';

/** An object with the place where it stands in the whole. */
export interface Spot {
  /** JSON pointer to it (RFC 6901): `/spec/containers/0`; empty for the whole. */
  readonly pointer: string;
  /** The same as people write it: `spec.containers[0]`. */
  readonly field: string;
  readonly value: JsonObject;
}

/** A place, named twice as in `Spot`. */
export type Place = Pick<Spot, 'pointer' | 'field'>;

/** The place of the whole object. */
export const ROOT: Place = { pointer: '', field: '' };

/** RFC 6901 §3: `~` and `/` are escaped. */
const escaped = (name: string): string =>
  name.includes('~') || name.includes('/') ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;

/** The place of what stands under a name of an object, or at an index of a list. */
export const below = ({ pointer, field }: Place, part: string | number): Place =>
  typeof part === 'number'
    ? { pointer: `${pointer}/${part}`, field: `${field}[${part}]` }
    : { pointer: `${pointer}/${escaped(part)}`, field: field === '' ? part : `${field}.${part}` };

/** Reads typed fields; what is absent or null is undefined, what has another type is noted as a problem. */
export class Reader {
  /** A sentence for each field of the wrong type. */
  readonly problems: string[] = [];

  /** The object under a name. */
  object(spot: Spot, name: string): Spot | undefined {
    const value = own(spot.value, name);
    return isObject(value) ? { ...below(spot, name), value } : this.#absent(value, spot, name, 'an object');
  }

  /** The string under a name. */
  string(spot: Spot, name: string): string | undefined {
    const value = own(spot.value, name);
    return typeof value === 'string' ? value : this.#absent(value, spot, name, 'a string');
  }

  /** The objects of the list under a name. */
  list(spot: Spot, name: string): readonly Spot[] {
    const value = own(spot.value, name);
    if (!Array.isArray(value)) return this.#absent(value, spot, name, 'a list') ?? NOTHING;
    const list = below(spot, name);
    const found: Spot[] = [];
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      const at = below(list, index);
      if (isObject(item)) found.push({ pointer: at.pointer, field: at.field, value: item });
      else this.problems.push(`${at.field}: must be an object`);
    }
    return found;
  }

  #absent(value: JsonValue | undefined, spot: Spot, name: string, kind: string): undefined {
    if (value !== undefined && value !== null) this.problems.push(`${below(spot, name).field}: must be ${kind}`);
    return undefined;
  }
}

const NOTHING: readonly Spot[] = [];
const SHOWN = 20;

/** Problems as one text; beyond the first twenty only their number is said, for a message is read by a person. */
export function joinProblems(problems: readonly string[]): string {
  const shown = problems.slice(0, SHOWN).join('; ');
  return problems.length > SHOWN ? `${shown}; and ${problems.length - SHOWN} more` : shown;
}
