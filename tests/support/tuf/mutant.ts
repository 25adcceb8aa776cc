import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../functions/json.ts';
import { makeKey } from './key.ts';
import type { Corruption, TestRepository } from './repository.ts';

/** Roles of the small repository that mutants are made of. */
const MUTANT_ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice'] as const;

/**
 * Who changes the file: the holder of the role's key (before signing), the holder of the keys above it (after signing, and the parent states the new
 * hash), or someone on the path (the parent states the old hash).
 */
const WAYS = ['key holder', 'keys above', 'on the path'] as const;

/** What one change does at one place of the file; `seed` chooses among its forms. */
type Change = (at: Spot, seed: number) => void;

/** A value inside a JSON document, and where it hangs. */
interface Spot {
  readonly parent: JsonObject | JsonValue[];
  readonly key: string | number;
  readonly value: JsonValue;
}

const ALIENS: readonly JsonValue[] = [null, true, -1, 0, 7, 2 ** 53, '', '7', 'none', [], [null], {}, { a: 1 }];

const put = ({ parent, key }: Spot, value: JsonValue): void => {
  (parent as Record<string | number, JsonValue>)[key] = value;
};
const drop = ({ parent, key }: Spot): void => {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
};

/** Marks a name that is to stand twice once the document is text; no honest document holds it. */
const TWICE = '\u0001';

const flipText = (text: string, seed: number): string => {
  if (text === '') return 'x';
  const at = seed % text.length;
  const code = text.charCodeAt(at);
  return `${text.slice(0, at)}${String.fromCharCode(code === 0x41 ? 0x42 : 0x41 + ((code + seed) % 26))}${text.slice(at + 1)}`;
};
const flip = (value: JsonValue, seed: number): JsonValue => {
  if (typeof value === 'string') return flipText(value, seed);
  if (typeof value === 'number') return value + (seed % 2 === 0 ? 1 : -1);
  if (typeof value === 'boolean') return !value;
  return Array.isArray(value) ? [...value].reverse() : {};
};

/** Every change, by name. */
const CHANGES: Readonly<Record<string, Change>> = {
  drop: (at) => drop(at),
  flip: (at, seed) => put(at, flip(at.value, seed)),
  retype: (at, seed) => put(at, structuredClone(ALIENS[seed % ALIENS.length] ?? null)),
  duplicate: (at) => {
    if (Array.isArray(at.parent)) at.parent.push(structuredClone(at.value));
    else at.parent[`${at.key}x`] = structuredClone(at.value);
  },
  'upper case': (at) => {
    if (Array.isArray(at.parent)) return put(at, String(at.value).toUpperCase());
    at.parent[String(at.key).toUpperCase()] = structuredClone(at.value);
  },
  twice: (at, seed) => {
    if (Array.isArray(at.parent)) at.parent.unshift(structuredClone(at.value));
    else at.parent[`${at.key}${TWICE}`] = flip(at.value, seed);
  },
  nest: (at) => put(at, [at.value]),
};

/** Changes of a file as a whole; `place` and `seed` choose among their forms. */
const WHOLE = ['expired', 'rolled back', 'stranger', 'swapped', 'unsigned', 'signed twice', 'cut'] as const;

/** One way to spoil a repository. */
export interface Mutant {
  readonly role: (typeof MUTANT_ROLES)[number];
  readonly way: (typeof WAYS)[number];
  readonly change: string;
  /** Which place of the file, modulo their number. */
  readonly place: number;
  readonly seed: number;
}

/** Any mutant. */
export const MUTANTS: fc.Arbitrary<Mutant> = fc.record({
  role: fc.constantFrom(...MUTANT_ROLES),
  way: fc.constantFrom(...WAYS),
  change: fc.constantFrom(...Object.keys(CHANGES), ...WHOLE),
  place: fc.nat({ max: 4000 }),
  seed: fc.nat({ max: 1000 }),
});

const spotsOf = (value: JsonValue, found: Spot[] = []): Spot[] => {
  if (Array.isArray(value)) {
    for (const [key, inner] of value.entries()) spotsOf(inner, push(found, value, key, inner));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) spotsOf(inner, push(found, value, key, inner));
  }
  return found;
};
const push = (found: Spot[], parent: Spot['parent'], key: Spot['key'], value: JsonValue): Spot[] => {
  found.push({ parent, key, value });
  return found;
};

const textOf = (value: JsonValue): Buffer =>
  Buffer.from(JSON.stringify(value).replaceAll(JSON.stringify(TWICE).slice(1, -1), ''), 'utf8');

const edit = (value: JsonObject, { change, place, seed }: Mutant): void => {
  const spots = spotsOf(value);
  const at = spots[place % spots.length];
  if (at !== undefined) CHANGES[change]?.(at, seed);
};

const editBytes =
  (mutant: Mutant) =>
  (bytes: Buffer): Buffer => {
    const value = JSON.parse(bytes.toString('utf8')) as JsonObject;
    edit(value, mutant);
    return textOf(value);
  };

const wholeOf = ({ change, place, seed }: Mutant, repository: TestRepository): Corruption => {
  switch (change) {
    case 'expired':
      return {
        edit: (signed) => void Object.assign(signed, { expires: new Date(repository.now - 1 - seed).toISOString() }),
      };
    case 'rolled back':
      return { edit: (signed) => void Object.assign(signed, { version: Number(signed['version']) - 1 - (seed % 3) }) };
    case 'stranger':
      return { signers: [makeKey()] };
    case 'unsigned':
      return { envelope: (envelope) => void envelope.signatures.splice(0) };
    case 'signed twice':
      return { envelope: (envelope) => void envelope.signatures.push(...structuredClone(envelope.signatures)) };
    case 'cut':
      return { served: (bytes) => bytes.subarray(0, place % bytes.length) };
    default:
      return { served: () => repository.files.get(MUTANT_ROLES[seed % MUTANT_ROLES.length] ?? 'root') };
  }
};

/** The corruption that a mutant is, for `TestRepository.publish`. */
export function corruptionOf(mutant: Mutant, repository: TestRepository): Corruption {
  if ((WHOLE as readonly string[]).includes(mutant.change)) return wholeOf(mutant, repository);
  switch (mutant.way) {
    case 'key holder':
      return { edit: (signed) => edit(signed, mutant) };
    case 'keys above':
      return { bytes: editBytes(mutant) };
    case 'on the path':
      return { served: editBytes(mutant) };
  }
}

/** Publishes every role anew with one mutant among them, and nothing left of earlier ones. */
export function publishMutant(repository: TestRepository, mutant: Mutant): void {
  repository.files.clear();
  repository.publish({ root: {}, [mutant.role]: corruptionOf(mutant, repository) });
}
