import { Fault } from '../codes.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { boundedFindings, type Finding, warned } from '../policy/finding.ts';
import { type SoundRule, soundRules } from '../policy/lint.ts';
import type { SecretName } from '../policy/policy.ts';
import { type NamedSecret, secretsOf } from '../policy/requirement.ts';
import type { Cluster } from '../ports.ts';
import { TrustError } from './notary/error.ts';
import { secretPins } from './roots.ts';
import { type FoundSecret, findSecret, readSigner } from './secret.ts';

/** What came of the look at the Secrets of a policy. */
export interface SecretLook {
  readonly findings: readonly Finding[];
  /** Secrets that nothing could be learnt of, `namespace/name`: the cluster gave no answer. */
  readonly unread: readonly string[];
}

interface Read {
  readonly named: NamedSecret;
  readonly found: FoundSecret | undefined;
}

const keyOf = ({ namespace, name, asker }: SecretName): string => `${namespace} ${name} ${asker ?? ''}`;

/**
 * What a policy is told of the Secrets that it names: one that is missing, does not allow the namespace, or holds no signer or no pins, and two signers
 * that hold one key. All of it is warned of, never refused: a Secret may come, or be mended, after the policy. What is read from the namespace of each
 * workload is not looked at. Secrets of a policy are read once each, at most LIMITS.lintSecrets of them; where the cluster gives no answer (a `Fault`), that one is
 * `unread`.
 */
export async function lintSecrets(
  policy: CompiledPolicy,
  object: JsonObject,
  cluster: Pick<Cluster, 'secret'>,
  signal: AbortSignal,
): Promise<SecretLook> {
  const rules = soundRules(policy, object).map(named);
  const wanted = new Map(rules.flat().map(({ secret }) => [keyOf(secret), secret]));
  const looked = [...wanted].slice(0, LIMITS.lintSecrets);
  const found = new Map<string, FoundSecret>();
  const unread: string[] = [];
  await Promise.all(
    looked.map(async ([key, secret]) => {
      const held = await answered(findSecret(cluster, secret, '', signal));
      if (held === undefined) unread.push(`${secret.namespace}/${secret.name}`);
      else found.set(key, held);
    }),
  );
  const findings = rules.flatMap((secrets) =>
    findingsOf(secrets.map((one) => ({ named: one, found: found.get(keyOf(one.secret)) }))),
  );
  return {
    findings: boundedFindings([...findings, ...leftOut(wanted.size - looked.length)]),
    unread: unread.toSorted(),
  };
}

/** Secrets of a rule that stand in one place: that of the policy, or the one that it writes. */
const named = ({ rule, wire }: SoundRule): readonly NamedSecret[] =>
  wire.trust?.enabled === true
    ? secretsOf(wire.trust, rule.source).filter(({ secret }) => secret.namespace !== undefined)
    : [];

async function answered<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function leftOut(count: number): Finding[] {
  if (count <= 0) return [];
  const message = `names ${count} more Secrets than are looked at (${LIMITS.lintSecrets}); see that these are right, too.`;
  return [warned('NotLookedAt', 'spec.repositories', message)];
}

function findingsOf(reads: readonly Read[]): Finding[] {
  const fingerprints = new Map<string, string>();
  return reads.flatMap(({ named: { field, holds }, found }) => {
    if (found === undefined) return [];
    const read = readAs(holds, found);
    if ('amiss' in read) {
      const message = `cannot be used, so that images that need it are refused: ${read.amiss} Make or mend the Secret; this is looked at again.`;
      return [warned('SecretUnusable', field, message)];
    }
    const { fingerprint } = read;
    const first = fingerprint === undefined ? undefined : fingerprints.get(fingerprint);
    if (fingerprint !== undefined && first === undefined) fingerprints.set(fingerprint, field);
    if (first === undefined || first === field) return [];
    const message = `holds the same key as ${first}; whoever has it is both signers. Give each signer a key of his own.`;
    return [warned('SameKey', field, message)];
  });
}

/** The fingerprint of a signer's key, or what is amiss. */
function readAs(
  holds: NamedSecret['holds'],
  found: FoundSecret,
): { readonly fingerprint: string | undefined } | { readonly amiss: string } {
  try {
    if (holds === 'signer') return { fingerprint: readSigner(found).key.fingerprint };
    secretPins('*', found);
    return { fingerprint: undefined };
  } catch (error) {
    if (error instanceof TrustError) return { amiss: error.message };
    throw error;
  }
}
