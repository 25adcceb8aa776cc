import { dirname, join } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { DENY_CODES, FAULT_CODES } from '../codes.ts';
import { metadataOf, textOf } from '../io/objects.ts';
import { MODES, type Mode } from '../policy/policy.ts';
import { problemOf } from '../policy/problem.ts';
import { parseTime } from './case.ts';
import { type FoundObject, readManifests } from './manifests.ts';
import { CommandError, type Outside } from './outside.ts';
import type { PodOrder } from './review.ts';

/** What came of an image, or should: as a status of `check`, or `proof`: trust data would decide (offline only). */
export const TEST_OUTCOMES = ['admitted', 'tolerated', 'refused', 'unknown', 'proof'] as const;

/** What a case says, or finds, of an image. In a case a field that is absent may be anything. */
export interface Expectation {
  readonly outcome?: (typeof TEST_OUTCOMES)[number];
  /** `sha256:…`. */
  readonly digest?: string;
  readonly code?: string;
  readonly mode?: Mode;
  /** `ClusterImagePolicy demo`, with `, spec.repositories[0]` where the very rule is meant; `none`. */
  readonly rule?: string;
  /** The rule of a floor that holds beside it, in the same form. */
  readonly floor?: string;
  /** Kinds of requirements of the rule, in order; none: no proof is asked. */
  readonly demands?: readonly ('notary' | 'reject' | 'unsupported' | 'invalid')[];
  /** Signer Secrets that it names: `payments/alice`, or `alice` where it is that of the workload's namespace. */
  readonly signers?: readonly string[];
}

/** One case. */
export interface PolicyCase extends PodOrder {
  readonly name: string;
  readonly line: number;
  readonly expect: Expectation;
}

/** One object of kind PolicyTest. Paths are as the process would open them. */
export interface PolicyTestFile {
  readonly file: string;
  /** Its `metadata.name`; empty where it has none. */
  readonly name: string;
  /** Files and folders of policies; undefined: those of the snapshot. */
  readonly policies: readonly string[] | undefined;
  readonly offline: boolean;
  readonly trust: string | undefined;
  readonly at: string | undefined;
  readonly cases: readonly PolicyCase[];
}

const GROUP = 'test.portieris.dev';
const text = { type: 'string', minLength: 1, maxLength: 1024 } as const;
const texts = { type: 'array', maxItems: 64, items: text } as const;
const oneOf = (values: readonly string[]) => ({ enum: values });
const object = (properties: object, ...required: string[]) =>
  ({ type: 'object', additionalProperties: false, properties, required }) as const;

const EXPECT = {
  ...object({
    outcome: oneOf(TEST_OUTCOMES),
    digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
    code: oneOf([...Object.keys(DENY_CODES), ...Object.keys(FAULT_CODES)]),
    mode: oneOf(MODES),
    rule: text,
    floor: text,
    demands: { type: 'array', maxItems: 64, items: oneOf(['notary', 'reject', 'unsupported', 'invalid']) },
    signers: texts,
  }),
  minProperties: 1,
};
const CASE = object(
  { name: text, image: text, namespace: text, serviceAccount: text, pullSecrets: texts, expect: EXPECT },
  'image',
  'expect',
);
const SCHEMA = {
  ...object(
    {
      apiVersion: { const: `${GROUP}/v1` },
      kind: { const: 'PolicyTest' },
      metadata: { type: 'object' },
      spec: object(
        {
          policies: texts,
          offline: { type: 'boolean' },
          trust: text,
          at: text,
          cases: { type: 'array', minItems: 1, maxItems: 10_000, items: CASE },
        },
        'cases',
      ),
    },
    'apiVersion',
    'kind',
    'spec',
  ),
};

interface Wire {
  readonly spec: {
    readonly policies?: readonly string[];
    readonly offline?: boolean;
    readonly trust?: string;
    readonly at?: string;
    readonly cases: readonly (Partial<PodOrder> & {
      readonly name?: string;
      readonly image: string;
      readonly expect: Expectation;
    })[];
  };
}

const validate = new Ajv({ allErrors: true, strict: true, verbose: true, ownProperties: true }).compile<Wire>(SCHEMA);

type Path = readonly (string | number)[];

const pathOf = ({ instancePath, params }: ErrorObject): Path => {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const extra: unknown = params['additionalProperty'];
  return typeof extra === 'string' ? [...path, extra] : path;
};

/** What the schema can't say. */
function* contradictions({ spec }: Wire): Iterable<readonly [path: Path, message: string]> {
  const { offline = false, trust, at, cases } = spec;
  if (offline && trust !== undefined)
    yield [['spec', 'trust'], 'spec.trust: saved trust data is not looked at offline; take one of them out'];
  if (at !== undefined && parseTime(at) === undefined)
    yield [['spec', 'at'], 'spec.at: is no time; write it like 2026-03-01T12:00:00Z'];
  for (const [index, { expect }] of cases.entries()) {
    const where: Path = ['spec', 'cases', index, 'expect'];
    const told = `spec.cases[${index}].expect`;
    if (offline && expect.digest !== undefined)
      yield [
        [...where, 'digest'],
        `${told}.digest: no digest is known offline; take it out, or name saved trust data in spec.trust`,
      ];
    if (!offline && expect.outcome === 'proof')
      yield [
        [...where, 'outcome'],
        `${told}.outcome: proof is what is told offline; write offline: true, or admitted or refused`,
      ];
  }
}

const inFolderOf =
  (file: string) =>
  (path: string): string =>
    file === '-' ? path : join(dirname(file), path);

function testOf(found: FoundObject, mistakes: string[]): PolicyTestFile[] {
  const { object: wire, file, placeOf } = found;
  const tell = (path: Path, message: string) => {
    const { line, column } = placeOf(path);
    mistakes.push(`${file}:${line}:${column} ${message}`);
  };
  if (!validate(wire)) {
    for (const error of validate.errors ?? []) {
      const { field, message } = problemOf(error, '');
      tell(pathOf(error), `${field}: ${message}`);
    }
    return [];
  }
  const test = wire as unknown as Wire;
  for (const [path, message] of contradictions(test)) tell(path, message);
  const { policies, offline = false, trust, at, cases } = test.spec;
  const place = inFolderOf(file);
  return [
    {
      file,
      name: textOf(metadataOf(wire), 'name') ?? '',
      policies: policies?.map(place),
      offline,
      trust: trust === undefined ? undefined : place(trust),
      at,
      cases: cases.map(
        ({ name, image, namespace = 'default', serviceAccount = 'default', pullSecrets = [], expect }, index) => ({
          name: name ?? `${image} in ${namespace}`,
          line: placeOf(['spec', 'cases', index]).line,
          image,
          namespace,
          serviceAccount,
          pullSecrets,
          expect,
        }),
      ),
    },
  ];
}

/** Every PolicyTest of these files and folders; other objects are passed over. Throws `CommandError` with all mistakes, each with file and line. */
export async function readTests(paths: readonly string[], outside: Outside): Promise<readonly PolicyTestFile[]> {
  const objects = await readManifests(paths, outside);
  const mistakes: string[] = [];
  const tests = objects
    .filter(({ object: one }) => textOf(one, 'kind') === 'PolicyTest')
    .flatMap((found) => testOf(found, mistakes));
  if (mistakes.length > 0) throw new CommandError(mistakes.join('\n'));
  if (tests.length === 0)
    throw new CommandError(
      `No object of kind PolicyTest (${GROUP}/v1) is in ${paths.join(', ')}; docs/cli.md shows one.`,
    );
  return tests;
}
