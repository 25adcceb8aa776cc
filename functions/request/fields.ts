import type { JsonObject, JsonValue } from '../json.ts';
import { isObject, own } from '../json.ts';

/** A place in an object: field names and list indexes from its root. */
export type Place = readonly (string | number)[];

/** The place as a JSON pointer (RFC 6901 §3: `~` and `/` are escaped). */
export const pointerOf = (place: Place): string =>
  place.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The place as people write it: `spec.containers[0].image`. */
export const fieldOf = (place: Place): string =>
  place.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('');

/** An object with the place where it stands. */
export interface Spot {
  readonly place: Place;
  readonly value: JsonObject;
}

/** Reads typed fields; what is absent or null is undefined, what has another type is noted as a problem. */
export class Reader {
  /** A sentence for each field of the wrong type. */
  readonly problems: string[] = [];

  /** The object under a name. */
  object(spot: Spot, name: string): Spot | undefined {
    const value = own(spot.value, name);
    const place = [...spot.place, name];
    if (isObject(value)) return { place, value };
    return this.#absent(value, place, 'an object');
  }

  /** The string under a name. */
  string(spot: Spot, name: string): string | undefined {
    const value = own(spot.value, name);
    return typeof value === 'string' ? value : this.#absent(value, [...spot.place, name], 'a string');
  }

  /** The objects of the list under a name. */
  list(spot: Spot, name: string): readonly Spot[] {
    const value = own(spot.value, name);
    const place = [...spot.place, name];
    if (!Array.isArray(value)) return this.#absent(value, place, 'a list') ?? [];
    return value.flatMap((item, index) => {
      const at = [...place, index];
      if (isObject(item)) return { place: at, value: item };
      this.problems.push(`${fieldOf(at)}: must be an object`);
      return [];
    });
  }

  #absent(value: JsonValue | undefined, place: Place, kind: string): undefined {
    if (value !== undefined && value !== null) this.problems.push(`${fieldOf(place)}: must be ${kind}`);
    return undefined;
  }
}

const SHOWN = 20;

/** Problems as one text; beyond the first twenty only their number is said, for a message is read by a person. */
export function joinProblems(problems: readonly string[]): string {
  const shown = problems.slice(0, SHOWN).join('; ');
  return problems.length > SHOWN ? `${shown}; and ${problems.length - SHOWN} more` : shown;
}
