import { hostProblem } from '../image/grammar.ts';
import { quote } from '../image/quote.ts';
import { isHostPart } from '../image/reference.ts';
import type { NotaryRequirement, Requirement, RuleSource, SecretName } from './policy.ts';
import type { FieldProblem } from './problem.ts';
import type { PolicyWire, RepositoryMapWire, SecretWire, SimpleRequirementWire, TrustWire } from './resource.ts';
import { rootsOf } from './roots.ts';
import { parseTrustServer } from './server.ts';

/** What a policy demands; `requirements` is of use only where `problems` is empty. */
export interface Demanded {
  readonly requirements: readonly Requirement[];
  readonly problems: readonly FieldProblem[];
  /** What is valid and takes effect, but not as most would want it. */
  readonly warnings: readonly FieldProblem[];
}

/** The requirements of a policy whose schema holds, all of which must be met; none where it asks for nothing. */
export function requirementsOf(policy: PolicyWire, source: RuleSource): Demanded {
  const problems: FieldProblem[] = [];
  const requirements: Requirement[] = [];
  const at = `${source.field}.policy`;
  const notary = notaryOf(policy.trust ?? {}, source, problems);
  if (notary !== undefined) requirements.push(notary);
  if (notary?.repository !== undefined && policy.mutateImage === false) {
    // By the tag alone the mirror would give whatever it likes.
    const message =
      'must not be false where trust.repository is written: only the digest binds what the mirror gives; take it out.';
    problems.push({ field: `${at}.mutateImage`, message });
  }
  for (const [index, demand] of (policy.simple?.requirements ?? []).entries()) {
    const found = simpleOf(demand, `${at}.simple.requirements[${index}]`);
    if (found !== undefined) requirements.push(found);
  }
  if (policy.va?.enabled === true) requirements.push(unsupported(`${at}.va.enabled`));
  if (policy.vulnerability?.ICCRVA?.enabled === true)
    requirements.push(unsupported(`${at}.vulnerability.ICCRVA.enabled`));
  return { requirements, problems, warnings: notary === undefined ? [] : homelessSecrets(policy.trust ?? {}, source) };
}

/** A Secret that a rule names, and where it stands. */
export interface NamedSecret {
  readonly secret: SecretName;
  /** `spec.repositories[0].policy.trust.signerSecrets[0]`. */
  readonly field: string;
  /** What is looked for in it: a signer, or root pins. */
  readonly holds: 'signer' | 'roots';
}

/** Every Secret that a rule's trust names, as often as it does, in the order of the fields. */
export function secretsOf(trust: TrustWire, source: RuleSource): readonly NamedSecret[] {
  const at = `${source.field}.policy.trust`;
  const named = (wire: SecretWire, field: string, holds: NamedSecret['holds']): NamedSecret => ({
    secret: secretName(wire, source),
    field,
    holds,
  });
  const signers = (trust.signerSecrets ?? []).map((wire, index) =>
    named(wire, `${at}.signerSecrets[${index}]`, 'signer'),
  );
  const roots = (trust.roots ?? []).flatMap(({ secret }, index) =>
    secret === undefined ? [] : [named(secret, `${at}.roots[${index}].secret`, 'roots')],
  );
  return [...signers, ...roots];
}

/** Secrets of a ClusterImagePolicy that are read from the namespace of the workload, where a tenant may have put his own. */
function homelessSecrets(trust: TrustWire, source: RuleSource): FieldProblem[] {
  if (source.kind !== 'ClusterImagePolicy') return [];
  return secretsOf(trust, source).flatMap(({ secret, field }) => {
    if (secret.namespace !== undefined) return [];
    const message =
      'is absent, so that the Secret is read from the namespace of each workload, where whoever may write Secrets can replace the key; name the namespace that holds it.';
    return [{ field: `${field}.namespace`, message }];
  });
}

function notaryOf(trust: TrustWire, source: RuleSource, problems: FieldProblem[]): NotaryRequirement | undefined {
  const at = `${source.field}.policy.trust`;
  const server = parseTrustServer(trust.trustServer ?? '');
  if ('problem' in server) problems.push({ field: `${at}.trustServer`, message: server.problem });
  const { roots, problems: mistakes } = rootsOf(trust.roots ?? [], `${at}.roots`, (wire) => secretName(wire, source));
  problems.push(...mistakes);
  const secrets = distinct((trust.signerSecrets ?? []).map((wire) => secretName(wire, source)));
  const tell = (field: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ field: `${at}.${field}`, message });
  };
  tell('enabled', silenceProblem(trust));
  tell('signerThreshold', thresholdProblem(trust.signerThreshold, secrets.length));
  tell('repository', mapProblem(trust.repository));
  if (trust.enabled !== true || 'problem' in server) return undefined;
  return {
    type: 'notary',
    trustServer: server.origin,
    signerSecrets: secrets,
    signerThreshold: trust.signerThreshold,
    roots,
    firstUse: trust.firstUse === undefined ? undefined : trust.firstUse === 'allow',
    repository: trust.repository,
  };
}

/** What asks for something only where trust is enabled. */
const ASKING = ['signerSecrets', 'signerThreshold', 'trustServer', 'roots', 'firstUse', 'repository'] as const;

/** Portieris takes an absent `enabled` as false: signers would be named and nothing be checked. */
function silenceProblem(trust: TrustWire): string | undefined {
  if (trust.enabled !== undefined) return undefined;
  const asked = ASKING.filter((field) => {
    const value = trust[field];
    return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
  });
  if (asked.length === 0) return undefined;
  return `is missing although ${asked.join(', ')} ask${asked.length === 1 ? 's' : ''} for something; write true to check it or false not to.`;
}

function thresholdProblem(threshold: number | undefined, signers: number): string | undefined {
  if (threshold === undefined || threshold <= signers) return undefined;
  return `is ${threshold}, but signerSecrets names ${signers} signer${signers === 1 ? '' : 's'}; lower it or name more signers.`;
}

function mapProblem(map: RepositoryMapWire | undefined): string | undefined {
  for (const prefix of map === undefined ? [] : [map.prefix, map.signedPrefix]) {
    const first = prefix.split('/', 1)[0] ?? '';
    if (!isHostPart(first) || hostProblem(first) !== undefined)
      return `has a prefix without the host of a registry; write docker.io/library in place of library (it is ${quote(prefix)}).`;
  }
  return undefined;
}

/** Where a Secret is that this policy names. Another namespace's Secret has to allow the namespace of an ImagePolicy. */
function secretName({ name, namespace }: SecretWire, source: RuleSource): SecretName {
  if (source.kind === 'ClusterImagePolicy') return { namespace, name };
  if (namespace === undefined || namespace === source.namespace) return { namespace: source.namespace, name };
  return { namespace, name, asker: source.namespace };
}

const distinct = (names: readonly SecretName[]): SecretName[] => [
  ...new Map(names.map((one) => [`${one.namespace ?? ''}/${one.name}`, one])).values(),
];

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
