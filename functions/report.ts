import type { Log } from './log.ts';
import type { PolicyProblem, PolicySnapshot } from './policy/snapshot.ts';

/** Sentences that readiness shows at most; the log has them all. */
const SHOWN = 50;

const sentence = ({ object, field, message }: PolicyProblem): string => `${object}: ${field} ${message}`;

/**
 * Tells the log what is amiss with policies, each thing once for as long as it stands: mistakes and warnings when they come, and when they are
 * mended. Policies are looked at when somebody asks for them, so a look costs a comparison of versions.
 */
export class PolicyReport {
  readonly #log: Log;
  #version = -1;
  #told: ReadonlySet<string> = new Set();
  #problems: readonly string[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Looks at the newest snapshot; gives a sentence for each mistake, as many as readiness shows. */
  look(snapshot: PolicySnapshot | undefined): readonly string[] {
    if (snapshot === undefined || snapshot.version === this.#version) return this.#problems;
    this.#version = snapshot.version;
    const found = new Map<string, { readonly problem: PolicyProblem; readonly what: string }>();
    for (const problem of snapshot.problems) found.set(sentence(problem), { problem, what: 'a policy is not valid' });
    for (const problem of snapshot.warnings)
      found.set(sentence(problem), { problem, what: 'a policy may be weaker than it looks' });
    for (const [text, { problem, what }] of found) {
      if (!this.#told.has(text))
        this.#log.warn({ policy: problem.object, field: problem.field, problem: problem.message }, what);
    }
    const mended = [...this.#told].filter((text) => !found.has(text)).length;
    if (mended > 0) this.#log.info({ mended }, 'policies were mended');
    this.#told = new Set(found.keys());
    const all = snapshot.problems.map(sentence);
    const more = all.length > SHOWN ? [`${all.length - SHOWN} more mistakes in policies stand in the log.`] : [];
    this.#problems = [...all.slice(0, SHOWN), ...more];
    return this.#problems;
  }
}
