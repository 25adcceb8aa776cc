import type { NotaryRequirement, Requirement, RuleSource } from './policy.ts';
import type { FieldProblem } from './problem.ts';
import type { PolicyWire, SimpleRequirementWire, TrustWire } from './resource.ts';
import { parseTrustServer } from './server.ts';

/** What a policy demands; `requirements` is of use only where `problems` is empty. */
export interface Demanded {
  readonly requirements: readonly Requirement[];
  readonly problems: readonly FieldProblem[];
}

/** The requirements of a policy whose schema holds, all of which must be met; none where it asks for nothing. */
export function requirementsOf(policy: PolicyWire, source: RuleSource): Demanded {
  const problems: FieldProblem[] = [];
  const requirements: Requirement[] = [];
  const at = `${source.field}.policy`;
  const notary = notaryOf(policy.trust ?? {}, source, problems);
  if (notary !== undefined) requirements.push(notary);
  for (const [index, demand] of (policy.simple?.requirements ?? []).entries()) {
    const found = simpleOf(demand, `${at}.simple.requirements[${index}]`);
    if (found !== undefined) requirements.push(found);
  }
  if (policy.va?.enabled === true) requirements.push(unsupported(`${at}.va.enabled`));
  if (policy.vulnerability?.ICCRVA?.enabled === true)
    requirements.push(unsupported(`${at}.vulnerability.ICCRVA.enabled`));
  return { requirements, problems };
}

function notaryOf(trust: TrustWire, source: RuleSource, problems: FieldProblem[]): NotaryRequirement | undefined {
  const at = `${source.field}.policy.trust`;
  const server = parseTrustServer(trust.trustServer ?? '');
  if ('problem' in server) problems.push({ field: `${at}.trustServer`, message: server.problem });
  const names = [...new Set((trust.signerSecrets ?? []).map(({ name }) => name))];
  if (trust.enabled === undefined && (names.length > 0 || (trust.trustServer ?? '') !== '')) {
    // Portieris takes an absent `enabled` as false: signers would be named and nothing be checked.
    const message =
      'is missing although signers or a trust server are named; write true to check them or false not to.';
    problems.push({ field: `${at}.enabled`, message });
  }
  if (trust.enabled !== true || 'problem' in server) return undefined;
  const namespace = source.kind === 'ImagePolicy' ? source.namespace : undefined;
  return { type: 'notary', trustServer: server.origin, signerSecrets: names.map((name) => ({ namespace, name })) };
}

function simpleOf(demand: SimpleRequirementWire, at: string): Requirement | undefined {
  switch (demand.type) {
    case 'insecureAcceptAnything':
      return undefined;
    case 'reject':
      return { type: 'reject' };
    case 'signedBy':
      return unsupported(`${at} (signedBy)`);
  }
}

const unsupported = (what: string): Requirement => ({ type: 'unsupported', what });
