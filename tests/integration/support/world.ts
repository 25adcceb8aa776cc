import type { JsonObject } from '../../../functions/json.ts';
import type { TestKey, TestKeyKind } from '../../support/tuf/key.ts';
import { type Corruption, TestRepository } from '../../support/tuf/repository.ts';

/** The tag that every differential case asks for. */
export const TAG = 'v1';
/** What the releases role says of it: the honest answer where there is such a role. */
export const RELEASED = 'aa'.repeat(32);
/** What the targets role says of it: the honest answer where there is no releases role, the older one where there is. */
export const TARGETED = 'bb'.repeat(32);
/** Delegation of released images, as docker names it. */
export const RELEASES = 'targets/releases';

/** One question to both verifiers: a repository, made ready and published by `build`. */
export interface Case {
  /** Says what is wrong with it; unique, for the list of deliberate differences names it. */
  readonly name: string;
  /** Publishes an honest earlier state, which both verifiers look at first. */
  readonly past?: (repository: TestRepository) => void;
  /** Publishes what they are asked about. */
  readonly build: (repository: TestRepository) => void;
  /** Kind of the keys; ECDSA where not given. */
  readonly kind?: TestKeyKind;
}

/** A repository with the tag in `targets`, and in `targets/releases` signed by two people; nothing is published yet. */
export function releasedRepository(gun: string, kind: TestKeyKind = 'ecdsa'): TestRepository {
  const repository = new TestRepository({ gun, kind });
  repository.addSigner('alice');
  repository.addSigner('bob');
  repository.tag(TAG, TARGETED);
  repository.tag(TAG, RELEASED, RELEASES, 'targets/alice', 'targets/bob');
  return repository;
}

/** A JSON object inside one; made there where it is missing. */
export function inside(object: JsonObject, ...path: readonly string[]): JsonObject {
  let at = object;
  for (const step of path) at = at[step] as JsonObject;
  return at;
}

/** Publishes with one role spoiled. */
export const spoil =
  (role: string, corruption: Corruption) =>
  (repository: TestRepository): void => {
    repository.publish({ [role]: corruption });
  };

/** The key that signs a role; roles of the tests have at least one. */
export function keyOf(repository: TestRepository, role: string): TestKey {
  const key = repository.keysOf(role)[0];
  if (key === undefined) throw new Error(`${role} has no key`);
  return key;
}

/** A corruption that edits `signed` after signing: for what canonical JSON has no form for, so that no signature can be right. */
export const unsignable = (edit: (signed: JsonObject) => void): Corruption => ({
  bytes: (honest) => {
    const envelope = JSON.parse(honest.toString('utf8')) as { signed: JsonObject };
    edit(envelope.signed);
    return Buffer.from(JSON.stringify(envelope), 'utf8');
  },
});
