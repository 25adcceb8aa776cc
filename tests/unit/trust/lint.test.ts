import { describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import type { JsonObject } from '../../../functions/json.ts';
import { LIMITS } from '../../../functions/limits.ts';
import type { Cluster, SecretObject } from '../../../functions/ports.ts';
import { lintSecrets } from '../../../functions/trust/lint.ts';
import { ALLOWED_NAMESPACES } from '../../../functions/trust/secret.ts';
import { compiled, type PolicyShape, policyOf, trusting } from '../../support/policies.ts';
import { makeKey } from '../../support/tuf/key.ts';

const signal = new AbortController().signal;
const TEAM: PolicyShape = { namespace: 'team' };
const pem = makeKey().pem;
const secret = (
  data: Record<string, string>,
  annotations: Record<string, string> = {},
): Omit<SecretObject, 'namespace' | 'name'> => ({
  type: 'Opaque',
  data: new Map(Object.entries(data).map(([name, text]) => [name, new TextEncoder().encode(text)])),
  annotations: new Map(Object.entries(annotations)),
});
const signer = (name: string, publicKey = makeKey().pem) => secret({ name, publicKey });

interface Held extends Pick<Cluster, 'secret'> {
  readonly asked: string[];
}
const holding = (secrets: Record<string, Omit<SecretObject, 'namespace' | 'name'> | Fault>): Held => {
  const asked: string[] = [];
  return {
    asked,
    secret: async (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      const found = secrets[`${namespace}/${name}`];
      if (found instanceof Error) throw found;
      return found === undefined ? undefined : { ...found, namespace, name };
    },
  };
};
const look = (object: JsonObject, cluster: Held) => lintSecrets(compiled(object), object, cluster, signal);
const told = async (trust: JsonObject, cluster: Held, shape = TEAM): Promise<string[]> => {
  const { findings } = await look(policyOf('one', [trusting('quay.io/acme/*', trust)], shape), cluster);
  expect(findings.every(({ severity }) => severity === 'warned')).toBe(true);
  return findings.map(({ reason, field, message }) => `${reason} ${field.split('trust.')[1]}: ${message}`);
};
const names = (...all: string[]): JsonObject => ({ signerSecrets: all.map((name) => ({ name })) });

describe('a policy is told of the Secrets that it names', () => {
  it('nothing where each of them holds what it should', async () => {
    const cluster = holding({ 'team/alice': signer('alice'), 'team/bob': signer('bob') });
    expect(await told(names('alice', 'bob'), cluster)).toEqual([]);
  });

  it('that one is missing, with the field and what it leads to', async () => {
    const [finding] = await told(names('alice'), holding({}));
    expect(finding).toMatch(
      /^SecretUnusable signerSecrets\[0\]: .*images that need it are refused.*team\/alice does not exist/,
    );
  });

  it('that one holds no name, no key, or no key that can be used', async () => {
    const cases = { name: secret({ publicKey: pem }), key: secret({ name: 'alice' }), bad: signer('alice', 'no PEM') };
    for (const held of Object.values(cases))
      expect(await told(names('alice'), holding({ 'team/alice': held }))).toEqual([
        expect.stringMatching(/^SecretUnusable signerSecrets\[0\]/),
      ]);
  });

  it('that one of another namespace does not allow this one, in the very words for one that does not exist', async () => {
    const trust = { signerSecrets: [{ name: 'alice', namespace: 'keys' }] };
    const shut = await told(trust, holding({ 'keys/alice': signer('alice') }));
    expect(shut).toEqual(await told(trust, holding({})));
    expect(shut[0]).toContain(ALLOWED_NAMESPACES);
    const open = secret({ name: 'alice', publicKey: pem }, { [ALLOWED_NAMESPACES]: 'team' });
    expect(await told(trust, holding({ 'keys/alice': open }))).toEqual([]);
  });

  it('that two signers hold one key', async () => {
    const cluster = holding({ 'team/alice': signer('alice', pem), 'team/bob': signer('bob', pem) });
    expect(await told(names('alice', 'bob'), cluster)).toEqual([expect.stringMatching(/^SameKey signerSecrets\[1\]/)]);
  });

  it('that one of root pins holds none', async () => {
    const trust = { roots: [{ secret: { name: 'pins' } }] };
    expect(await told(trust, holding({ 'team/pins': secret({ keyIds: 'ab'.repeat(32) }) }))).toEqual([]);
    expect(await told(trust, holding({ 'team/pins': secret({}) }))).toEqual([
      expect.stringMatching(/^SecretUnusable roots\[0\]\.secret/),
    ]);
  });

  it('nothing where trust is off, or the Secret is that of each workload', async () => {
    const cluster = holding({});
    expect(await told({ ...names('alice'), enabled: false }, cluster)).toEqual([]);
    expect(await told(names('alice'), cluster, {})).toEqual([]);
    expect(cluster.asked).toEqual([]);
  });
});

describe('the look at Secrets', () => {
  it('reads each once, however many rules name it', async () => {
    const cluster = holding({ 'team/alice': signer('alice') });
    const rules = [trusting('quay.io/a/*', names('alice')), trusting('quay.io/b/*', names('alice'))];
    expect((await look(policyOf('one', rules, TEAM), cluster)).findings).toEqual([]);
    expect(cluster.asked).toEqual(['team/alice']);
  });

  it('reads no more than is bounded, and tells how many are left', async () => {
    const rules = Array.from({ length: LIMITS.lintSecrets + 3 }, (_, index) =>
      trusting(`quay.io/a${index}/*`, names(`signer-${index}`)),
    );
    const cluster = holding({});
    const { findings } = await look(policyOf('one', rules, TEAM), cluster);
    expect(cluster.asked).toHaveLength(LIMITS.lintSecrets);
    expect(findings.at(-1)).toMatchObject({
      reason: 'NotLookedAt',
      message: expect.stringContaining('3 more Secrets'),
    });
  });

  it('takes no answer of the cluster for no finding, and says which Secret it is', async () => {
    const cluster = holding({ 'team/alice': new Fault('CLUSTER_UNREACHABLE', 'no answer') });
    const object = policyOf('one', [trusting('quay.io/acme/*', names('alice', 'bob'))], TEAM);
    const { findings, unread } = await look(object, cluster);
    expect(unread).toEqual(['team/alice']);
    expect(findings).toHaveLength(1);
  });
});
