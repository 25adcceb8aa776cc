import { isHostPart, parseReference, repositoryName } from '../image/reference.ts';
import { pemProblem } from './pem.ts';
import type { RootPin, SecretName } from './policy.ts';
import type { FieldProblem } from './problem.ts';
import type { RootWire, SecretWire } from './resource.ts';

/** Root pins of a policy or of the cluster; of use only where `problems` is empty. */
export interface DemandedRoots {
  readonly roots: readonly RootPin[];
  readonly problems: readonly FieldProblem[];
}

/** Root pins out of entries whose schema holds. `at` is the path of their list, `secretOf` says where a Secret of theirs is. */
export function rootsOf(
  wires: readonly RootWire[],
  at: string,
  secretOf: (wire: SecretWire) => SecretName,
): DemandedRoots {
  const problems: FieldProblem[] = [];
  const roots = wires.map((wire, index): RootPin => {
    const field = `${at}[${index}]`;
    problems.push(...problemsOf(wire, field));
    return {
      field,
      gun: wire.gun ?? '*',
      keyIds: wire.keyIds ?? [],
      publicKeys: wire.publicKeys ?? [],
      certificateAuthority: wire.certificateAuthority,
      secret: wire.secret === undefined ? undefined : secretOf(wire.secret),
    };
  });
  return { roots, problems };
}

function problemsOf(wire: RootWire, field: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const tell = (where: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ field: where, message });
  };
  const keys = (wire.keyIds?.length ?? 0) + (wire.publicKeys?.length ?? 0);
  if (keys === 0 && wire.certificateAuthority === undefined && wire.secret === undefined)
    tell(field, 'pins nothing; write keyIds, publicKeys, certificateAuthority or secret.');
  if (keys > 0 && wire.certificateAuthority !== undefined)
    tell(
      `${field}.certificateAuthority`,
      'stands beside keys, which go before a CA, so that it would never count; give it an entry for other repositories, or take one of them out.',
    );
  if (wire.gun !== undefined) tell(`${field}.gun`, gunProblem(wire.gun));
  for (const [index, pem] of (wire.publicKeys ?? []).entries())
    tell(`${field}.publicKeys[${index}]`, pemProblem(pem, ['PUBLIC KEY', 'CERTIFICATE'], true));
  if (wire.certificateAuthority !== undefined)
    tell(`${field}.certificateAuthority`, pemProblem(wire.certificateAuthority, ['CERTIFICATE']));
  return problems;
}

/** GUNs are whole names: a pin that is written as `nginx` would cover nothing. */
function gunProblem(gun: string): string | undefined {
  if (gun === '*') return undefined;
  if (gun.endsWith('*')) {
    const slash = gun.indexOf('/');
    return slash > 0 && isHostPart(gun.slice(0, slash))
      ? undefined
      : 'must begin with the host of the registry and a slash; write docker.io/library/* for the official images, or * for all.';
  }
  const parsed = parseReference(gun);
  if (parsed.ok && repositoryName(parsed.value) === gun) return undefined;
  return parsed.ok
    ? `must be the whole name of a repository, without tag; write ${repositoryName(parsed.value)}.`
    : 'must be the whole name of a repository (docker.io/library/nginx), or its beginning and *; correct the name.';
}
