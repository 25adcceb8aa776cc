import { readFileSync, statSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { LIMITS } from '../limits.ts';
import type { RootPin } from '../policy/policy.ts';
import { type FieldProblem, problemOf } from '../policy/problem.ts';
import type { RootWire } from '../policy/resource.ts';
import { rootsOf } from '../policy/roots.ts';
import { rootsErrors } from '../policy/schema.ts';

/** The value of a YAML file, or a sentence. A file that is only half readable is not read: a pin would be missing. */
function load(path: string): { readonly value: unknown } | string {
  try {
    if (statSync(path).size > LIMITS.manifestBytes)
      return `is larger than ${LIMITS.manifestBytes} bytes; make it smaller.`;
    const document = parseDocument(readFileSync(path, 'utf8'), { prettyErrors: false, logLevel: 'silent' });
    if (document.errors.length > 0) return 'cannot be read (no YAML); correct the file.';
    return { value: document.toJS({ maxAliasCount: LIMITS.yamlAliases }) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `cannot be read (${code ?? 'no YAML'}); correct the path or the file.`;
  }
}

function problemsIn(value: unknown): {
  readonly roots: readonly RootPin[];
  readonly problems: readonly FieldProblem[];
} {
  const errors = rootsErrors(value);
  if (errors.length > 0) return { roots: [], problems: errors.map((error) => problemOf(error, '')) };
  const { roots: wires } = value as { readonly roots: readonly RootWire[] };
  const { roots, problems } = rootsOf(wires, 'roots', ({ name, namespace }) => ({ name, namespace }));
  const homeless = wires.flatMap(({ secret }, index) => {
    if (secret === undefined || secret.namespace !== undefined) return [];
    return [{ field: `roots[${index}].secret.namespace`, message: 'is missing; name the namespace of the Secret.' }];
  });
  return { roots, problems: [...problems, ...homeless] };
}

/** Root pins of the whole cluster out of a YAML file `{roots: [...]}`. Throws an `Error` that names the file and every mistake with its field. */
export function readRoots(path: string): readonly RootPin[] {
  const loaded = load(path);
  if (typeof loaded === 'string') throw new Error(`TRUST_ROOTS_FILE ${path} ${loaded}`);
  const { roots, problems } = problemsIn(loaded.value);
  if (problems.length === 0) return roots;
  const lines = problems.slice(0, LIMITS.problemsPerPolicy).map(({ field, message }) => `  ${field} ${message}`);
  throw new Error(`TRUST_ROOTS_FILE ${path} is not valid:\n${lines.join('\n')}`);
}
