import { meets } from '../image/cover.ts';
import { quote } from '../image/quote.ts';
import { type Finding, refused, warned } from './finding.ts';
import type { Rule } from './policy.ts';
import type { PolicyWire, TrustWire } from './resource.ts';

/** Whether a trust server is known for a registry host when the policy names none. */
export type KnowsServer = (host: string) => boolean;

/** Fields of a policy's trust that do nothing while it is off. */
const ASKING = ['signerSecrets', 'signerThreshold', 'trustServer', 'roots', 'firstUse', 'repository'] as const;

function off(trust: TrustWire, at: string): Finding[] {
  const asked = ASKING.filter((name) => {
    const value = trust[name];
    return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
  });
  if (trust.enabled !== false || asked.length === 0) return [];
  const message = `is false, so that ${asked.join(', ')} count${asked.length === 1 ? 's' : ''} for nothing and the images need no signature; write true, or take the rest out.`;
  return [warned('TrustIsOff', `${at}.enabled`, message)];
}

/** Pins that cover no image of the rule pin nothing, and no policy of Portieris has them: the object can't be meant so. */
function roots({ roots: wires = [], repository }: TrustWire, { pattern }: Rule, at: string): Finding[] {
  // With a map, images are looked up under other names than the pattern's.
  if (repository !== undefined) return [];
  return wires.flatMap(({ gun = '*' }, index) => {
    if (meets(pattern, gun)) return [];
    const message = `is for ${quote(gun)}, and the rule is for ${quote(pattern.written)}: no image of it is pinned by this entry; write the name of a repository of the rule, or * at its end for several.`;
    return [refused('RootsElsewhere', `${at}.roots[${index}].gun`, message)];
  });
}

function firstUse(trust: TrustWire, at: string): Finding[] {
  const wires = trust.roots ?? [];
  const field = `${at}.firstUse`;
  if (trust.firstUse === 'deny' && wires.length === 0)
    return [
      warned(
        'NothingPinned',
        field,
        'is deny but the rule pins no root: only repositories that the cluster pins, or whose remembered root somebody vouched for, are admitted; write roots, or take it out.',
      ),
    ];
  if (trust.firstUse === 'allow' && wires.some(({ gun = '*' }) => gun === '*'))
    return [
      warned(
        'FirstUseWithoutEffect',
        field,
        'is allow but an entry of roots is for every repository, so that none is taken at first sight; take it out, or give roots a gun.',
      ),
    ];
  return [];
}

function server(trust: TrustWire, { pattern }: Rule, at: string, knows: KnowsServer): Finding[] {
  const { trustServer = '', repository } = trust;
  const host = repository?.signedPrefix.split('/', 1)[0] ?? pattern.parts?.host;
  if (trustServer !== '' || host === undefined || host.includes('*') || knows(host)) return [];
  const message = `is absent, and no trust server is known for ${host}: every image of the rule is refused; write https://host of the Notary server, or set TRUST_SERVERS of the gate.`;
  return [warned('NoTrustServer', `${at}.trustServer`, message)];
}

function map({ repository }: TrustWire, { pattern }: Rule, at: string): Finding[] {
  if (repository === undefined) return [];
  if (meets(pattern, `${repository.prefix}/*`) || meets(pattern, repository.prefix)) return [];
  const message = `is ${quote(repository.prefix)}, and the rule is for ${quote(pattern.written)}: no image of it is looked up under another name; correct one of the two.`;
  return [warned('MapElsewhere', `${at}.repository.prefix`, message)];
}

function twice({ signerSecrets = [] }: TrustWire, at: string): Finding[] {
  const seen = new Map<string, number>();
  return signerSecrets.flatMap(({ name, namespace }, index) => {
    const key = `${namespace ?? ''}/${name}`;
    const first = seen.get(key);
    seen.set(key, first ?? index);
    if (first === undefined) return [];
    const message = `names the same Secret as ${at}.signerSecrets[${first}], and counts once; take it out.`;
    return [warned('WithoutEffect', `${at}.signerSecrets[${index}]`, message)];
  });
}

function unsupported(policy: PolicyWire, at: string): Finding[] {
  const fields = [
    ...(policy.simple?.requirements ?? []).flatMap(({ type }, index) =>
      type === 'signedBy' ? [`simple.requirements[${index}]`] : [],
    ),
    ...(policy.va?.enabled === true ? ['va.enabled'] : []),
    ...(policy.vulnerability?.ICCRVA?.enabled === true ? ['vulnerability.ICCRVA.enabled'] : []),
  ];
  return fields.map((field) =>
    warned(
      'AlwaysRefused',
      `${at}.${field}`,
      'asks for a proof that this gate cannot check, so that every image of the rule is refused; ask for trust in its place, or take it out.',
    ),
  );
}

/** Requirements that make each other idle: all of a rule's must hold. */
function idle({ trust, simple }: PolicyWire, at: string): Finding[] {
  const requirements = simple?.requirements ?? [];
  const rejects = requirements.findIndex(({ type }) => type === 'reject');
  if (rejects >= 0 && (trust?.enabled === true || requirements.length > 1)) {
    const message =
      'refuses every image of the rule, so that nothing else it asks for is of use; take reject out, or the rest.';
    return [warned('AlwaysRefused', `${at}.simple.requirements[${rejects}]`, message)];
  }
  return requirements.flatMap(({ type }, index) => {
    if (type !== 'insecureAcceptAnything' || trust?.enabled !== true) return [];
    const message = 'takes nothing away from trust, which must hold as well; take it out.';
    return [warned('WithoutEffect', `${at}.simple.requirements[${index}]`, message)];
  });
}

/** What in the demands of one rule contradicts itself or can't come true. The rule must be one that compiled without a problem. */
export function clashes(policy: PolicyWire, rule: Rule, knows: KnowsServer): Finding[] {
  const at = `${rule.source.field}.policy`;
  const trust = policy.trust ?? {};
  const field = `${at}.trust`;
  const asked = [
    ...server(trust, rule, field, knows),
    ...roots(trust, rule, field),
    ...firstUse(trust, field),
    ...map(trust, rule, field),
    ...twice(trust, field),
  ];
  return [
    ...off(trust, field),
    ...(trust.enabled === true ? asked : []),
    ...unsupported(policy, at),
    ...idle(policy, at),
  ];
}
