import { admit } from '../admit.ts';
import { type ImageOutcome, ruleName } from '../answer/decision.ts';
import { MemoryTrust } from '../cache/memory.ts';
import { Fault } from '../codes.ts';
import { timed } from '../deadline.ts';
import { objectSet } from '../io/objectset.ts';
import type { NotaryRequirement, Rule } from '../policy/policy.ts';
import type { NotaryFiles } from '../ports.ts';
import { modeOf } from '../trust/mode.ts';
import { type CaseArgs, caseSession } from './case.ts';
import type { CommonArgs } from './command.ts';
import { verdictFinding } from './findings.ts';
import { readManifests } from './manifests.ts';
import type { Outside } from './outside.ts';
import { dryRunReview, podOf } from './review.ts';
import { type Session, type SessionOptions, withSession } from './session.ts';
import { openProgress } from './terminal.ts';
import type { Expectation, PolicyCase, PolicyTestFile } from './testfile.ts';

/** One field of a case that is not as it should be. */
export interface Difference {
  readonly field: keyof Expectation;
  readonly expected: string;
  readonly actual: string;
}

/** A case that was run, as JSON shows it. */
export interface CaseResult {
  readonly file: string;
  /** Name of the PolicyTest. */
  readonly test: string;
  readonly line: number;
  readonly name: string;
  readonly image: string;
  readonly namespace: string;
  readonly passed: boolean;
  readonly differences: readonly Difference[];
  readonly actual: Expectation;
  /** Why the image is not admitted. */
  readonly message?: string;
}

/** In place of trust servers where a test is offline. */
const OFFLINE: NotaryFiles = {
  fetch: () => Promise.reject(new Fault('TRUST_SERVER_UNREACHABLE', 'No trust server is asked offline.')),
};

const notaryOf = ({ requirements }: Rule): NotaryRequirement | undefined =>
  requirements.find((one) => one.type === 'notary');

const secretText = ({ namespace, name }: { readonly namespace: string | undefined; readonly name: string }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

function actualOf(
  outcome: ImageOutcome,
  { gate }: Session,
  offline: boolean,
): { actual: Expectation; message?: string } {
  const { rule } = outcome;
  const { status, reason, digest } = verdictFinding(outcome);
  // Offline nothing but trust data is out of reach.
  const open = offline && reason?.code === 'TRUST_SERVER_UNREACHABLE';
  const actual: Expectation = {
    outcome: open ? 'proof' : status,
    ...(digest !== undefined && { digest }),
    ...(reason !== undefined && !open && { code: reason.code }),
    mode: rule === undefined ? gate.mode : modeOf(rule, gate.mode),
    rule: rule === undefined ? 'none' : ruleName(rule),
    floor: rule?.floor === undefined ? 'none' : ruleName(rule.floor),
    demands: rule?.requirements.map(({ type }) => type) ?? [],
    signers: (rule === undefined ? undefined : notaryOf(rule))?.signerSecrets.map(secretText) ?? [],
  };
  return { actual, ...(reason !== undefined && !open && { message: reason.message }) };
}

const told = (value: string | readonly string[] | undefined): string =>
  value === undefined || value.length === 0 ? 'none' : [value].flat().join(', ');

/** A rule may be named with its field or by its object alone. */
const agrees = (field: string, expected: string, actual: string): boolean =>
  expected === actual || ((field === 'rule' || field === 'floor') && actual.startsWith(`${expected}, `));

/** Every field that is expected and found otherwise. */
export function differencesOf(expect: Expectation, actual: Expectation): readonly Difference[] {
  return (Object.keys(expect) as (keyof Expectation)[])
    .map((field) => ({ field, expected: told(expect[field]), actual: told(actual[field]) }))
    .filter((one) => !agrees(one.field, one.expected, one.actual));
}

async function runCase(session: Session, test: PolicyTestFile, one: PolicyCase, timeout: number): Promise<CaseResult> {
  const { namespace, image, name, line, expect } = one;
  const body = dryRunReview(podOf(one), namespace);
  const { outcomes, decision } = await timed(timeout * 1000, (signal) => admit(session.gate, body, signal));
  const [outcome] = outcomes;
  const { actual, message }: ReturnType<typeof actualOf> =
    outcome === undefined
      ? {
          actual: { outcome: decision.allowed ? 'admitted' : 'refused' },
          ...(!decision.allowed && { message: decision.message }),
        }
      : actualOf(outcome, session, test.offline);
  const differences = differencesOf(expect, actual);
  return {
    file: test.file,
    test: test.name,
    line,
    name,
    image,
    namespace,
    passed: differences.length === 0,
    differences,
    actual,
    ...(message !== undefined && { message }),
  };
}

/** The session of a test: on its own policies, on saved trust data or none; what is remembered counts only where servers are asked. */
async function sessionOf(test: PolicyTestFile, given: CaseArgs, outside: Outside): Promise<SessionOptions> {
  const { policies, offline } = test;
  const trust = given.trust ?? test.trust;
  const asked = await caseSession({ trust: offline ? undefined : trust, at: given.at ?? test.at });
  const objects = policies === undefined ? undefined : await readManifests(policies, outside);
  return {
    ...asked,
    ...(offline && { files: OFFLINE }),
    ...((offline || trust !== undefined) && { memory: new MemoryTrust() }),
    ...(objects !== undefined && { source: objectSet(objects.map(({ object }) => object)) }),
  };
}

/** Runs every case of these tests, one after another. Nothing is written. Throws as `withSession` does. */
export async function runTests(
  tests: readonly PolicyTestFile[],
  args: CommonArgs & CaseArgs,
  outside: Outside,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  const progress = openProgress(outside);
  for (const test of tests) {
    const run = async (session: Session): Promise<void> => {
      for (const one of test.cases) {
        progress.show(`${test.file}: ${one.name} …`);
        results.push(await runCase(session, test, one, args.timeout));
      }
    };
    await withSession(args, outside, run, await sessionOf(test, args, outside));
  }
  progress.clear();
  return results;
}
