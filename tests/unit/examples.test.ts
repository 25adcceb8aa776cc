import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { compilePattern } from '../../functions/image/pattern.ts';
import { parseReference } from '../../functions/image/reference.ts';
import { secretOf } from '../../functions/io/objects.ts';
import type { JsonObject } from '../../functions/json.ts';
import { lintObject } from '../../functions/policy/lint.ts';
import type { NotaryRequirement } from '../../functions/policy/policy.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import type { Cluster, SecretObject } from '../../functions/ports.ts';
import { signedName } from '../../functions/trust/mirror.ts';
import { resolvePins } from '../../functions/trust/roots.ts';
import { findSecret, readSigner } from '../../functions/trust/secret.ts';
import { trustServerOf } from '../../functions/trust/servers.ts';
import { image } from '../support/policies.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'policies/examples');

const objectsOf = (file: string): JsonObject[] =>
  parseAllDocuments(readFileSync(join(EXAMPLES, file), 'utf8')).map((document) => document.toJS() as JsonObject);

/** What the example asks of an image: the types of its requirements and the mode that is not enforce, `free`, or the code of the refusal. */
function asked(file: string, namespace: string, image: string): string {
  const parsed = parseReference(image);
  if (!parsed.ok) return parsed.refusal.code;
  const selected = selectRule(snapshotOf(objectsOf(file)), namespace, parsed.value);
  if (!selected.ok) return selected.refusal.code;
  const { requirements, floor, mode = 'enforce' } = selected.value;
  const kinds = requirements.map(({ type }) => type).join('+') || 'free';
  const own = mode === 'enforce' ? kinds : `${kinds} (${mode})`;
  return floor === undefined ? own : `${own} on a floor of ${floor.requirements.map(({ type }) => type).join('+')}`;
}

/** The demand of Notary v1 that an example makes of an image. */
function notaryOf(file: string, namespace: string, written: string): NotaryRequirement {
  const selected = selectRule(snapshotOf(objectsOf(file)), namespace, image(written));
  const found = selected.ok ? selected.value.requirements.find(({ type }) => type === 'notary') : undefined;
  if (found?.type !== 'notary') throw new Error(`${file} asks for no signature of ${written}`);
  return found;
}
/** A cluster that holds the Secrets of an example. */
const clusterOf = (file: string): Pick<Cluster, 'secret'> => ({
  secret: async (namespace, name) => {
    const found = objectsOf(file).find(({ kind, metadata }) => {
      const fields = metadata as { readonly name: string; readonly namespace?: string };
      return kind === 'Secret' && fields.name === name && fields.namespace === namespace;
    });
    return found === undefined ? undefined : (secretOf(found, { namespace, name }) as SecretObject);
  },
});
const signal = new AbortController().signal;

const CASES: readonly (readonly [file: string, namespace: string, image: string, asked: string])[] = [
  ['allow-everything.yaml', 'any', 'docker.io/evil/x:1', 'free'],
  ['allow-kube-system.yaml', 'kube-system', 'registry.k8s.io/coredns/coredns:v1', 'free'],
  ['allow-kube-system.yaml', 'kube-system', 'nginx', 'POLICY_NO_MATCH'],
  ['allow-kube-system.yaml', 'default', 'registry.k8s.io/coredns/coredns:v1', 'POLICY_NONE'],
  ['allow-kube-system.yaml', 'kube-system', 'evil.example/registry.k8s.io/x:y', 'POLICY_NO_MATCH'],
  ['cluster-signer.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['cluster-signer.yaml', 'any', 'nginx', 'POLICY_NO_MATCH'],
  ['deny-everything.yaml', 'any', 'nginx', 'reject'],
  ['first-roll-out.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['first-roll-out.yaml', 'any', 'nginx', 'notary (warn)'],
  ['first-roll-out.yaml', 'any', 'registry.example.com/x', 'reject (audit)'],
  ['floor.yaml', 'play', 'us.icr.io/acme/app:1', 'free on a floor of notary'],
  ['floor.yaml', 'play', 'nginx', 'free'],
  ['floor.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['floor.yaml', 'any', 'nginx', 'POLICY_NO_MATCH'],
  ['ibm-cloud-registry.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['ibm-cloud-registry.yaml', 'any', 'icr.io/acme/app:1', 'notary'],
  ['ibm-cloud-registry.yaml', 'any', 'evilicr.io/acme/app:1', 'POLICY_NO_MATCH'],
  ['keep-tag.yaml', 'team', 'acme/app:1', 'POLICY_NONE'],
  ['legacy-2019.yaml', 'any', 'nginx', 'notary'],
  ['legacy-2019.yaml', 'any', 'registry.ng.bluemix.net/armada/x:1', 'free'],
  ['mirror.yaml', 'any', 'mirror.example.com/hub/nginx:1', 'notary'],
  ['mirror.yaml', 'any', 'mirror.example.com/hubris/nginx:1', 'POLICY_NO_MATCH'],
  ['mixed-default.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['mixed-default.yaml', 'any', 'us.icr.io/acme/retired/app:1', 'reject'],
  ['mixed-default.yaml', 'any', 'nginx', 'notary'],
  ['mixed-default.yaml', 'any', 'acme/app', 'POLICY_NO_MATCH'],
  ['mixed-default.yaml', 'any', 'registry.k8s.io/pause:3', 'free'],
  ['own-notary-server.yaml', 'any', 'registry.example.com:5000/app:1', 'notary'],
  ['own-notary-server.yaml', 'any', 'registry.example.com/app:1', 'POLICY_NO_MATCH'],
  ['pin-roots.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['pin-roots.yaml', 'any', 'us.icr.io/other/app:1', 'POLICY_NO_MATCH'],
  ['require-signature-docker-hub.yaml', 'any', 'nginx', 'notary'],
  ['require-signature-docker-hub.yaml', 'any', 'docker.io.evil.com/x', 'POLICY_NO_MATCH'],
  ['require-two-signers.yaml', 'payments', 'us.icr.io/payments/api:1', 'notary'],
  ['require-two-signers.yaml', 'payments', 'us.icr.io/other/api:1', 'POLICY_NO_MATCH'],
  ['two-of-three-signers.yaml', 'payments', 'us.icr.io/payments/api:1', 'notary'],
  ['two-of-three-signers.yaml', 'other', 'us.icr.io/payments/api:1', 'POLICY_NONE'],
];

describe('the examples', () => {
  it.each(CASES)('%s asks in namespace %s of %s: %s', (file, namespace, image, expected) => {
    expect(asked(file, namespace, image)).toBe(expected);
  });

  it('are all used here, and none has a mistake', () => {
    const files = readdirSync(EXAMPLES);
    expect(files.toSorted()).toEqual([...new Set(CASES.map(([file]) => file))].toSorted());
    for (const file of files) expect(snapshotOf(objectsOf(file)).problems, file).toEqual([]);
  });

  it('are told nothing when they are applied', () => {
    for (const file of readdirSync(EXAMPLES)) {
      const snapshot = snapshotOf(objectsOf(file));
      const knows = (host: string) => trustServerOf(host, new Map()) !== undefined;
      const findings = objectsOf(file).flatMap((object) => lintObject(object, snapshot, knows));
      expect(findings, file).toEqual([]);
    }
  });
});

describe('the examples of signers', () => {
  it.each([
    { file: 'require-two-signers.yaml', image: 'us.icr.io/payments/api', names: ['alice', 'bob'] },
    {
      file: 'two-of-three-signers.yaml',
      image: 'us.icr.io/payments/api',
      threshold: 2,
      names: ['alice', 'bob', 'carol'],
    },
    { file: 'cluster-signer.yaml', image: 'us.icr.io/acme/app', names: ['release-team'] },
  ])('have Secrets that can be read: $file', async ({ file, image: written, threshold, names }) => {
    const { signerSecrets, signerThreshold } = notaryOf(file, 'payments', written);
    const found = await Promise.all(
      signerSecrets.map((named) => findSecret(clusterOf(file), named, 'payments', signal)),
    );
    expect(found.map((one) => readSigner(one).name)).toEqual(names);
    expect(signerThreshold).toBe(threshold);
  });

  it('leave no signer of a ClusterImagePolicy to the namespace of the workload', () => {
    for (const file of readdirSync(EXAMPLES)) {
      const cluster = snapshotOf(objectsOf(file))
        .rulesFor('')
        .rules.flatMap(({ requirements }) => requirements);
      const named = cluster.flatMap((one) => (one.type === 'notary' ? one.signerSecrets : []));
      expect(
        named.filter(({ namespace }) => namespace === undefined),
        file,
      ).toEqual([]);
    }
  });
});

describe('the example of root pins', () => {
  it.each([
    ['us.icr.io/acme/payments/api', { keyIds: 1, fingerprints: 0, authorities: 0 }],
    ['us.icr.io/acme/web/shop', { keyIds: 0, fingerprints: 1, authorities: 0 }],
    ['us.icr.io/acme/other', { keyIds: 0, fingerprints: 0, authorities: 1 }],
  ])('pins %s as it says', async (gun, counts) => {
    const { roots = [], firstUse } = notaryOf('pin-roots.yaml', 'any', gun);
    const pins = await resolvePins({ roots, gun, namespace: 'any' }, { secret: async () => undefined }, signal);
    expect(
      pins && { keyIds: pins.keyIds.size, fingerprints: pins.fingerprints.size, authorities: pins.authorities.length },
    ).toEqual(counts);
    expect(firstUse).toBe(false);
  });
});

describe('the example of a mirror', () => {
  it.each(['mirror.example.com/hub/nginx:1', 'mirror.example.com/hub/library/nginx'])(
    'looks %s up under its own name',
    (written) => {
      expect(signedName(image(written), notaryOf('mirror.yaml', 'any', written).repository)).toMatchObject({
        ok: true,
        value: { registry: 'docker.io', repository: 'library/nginx' },
      });
    },
  );
});

describe('policies/README.md', () => {
  it('names every example, and no other', () => {
    const named = [...readFileSync(join(ROOT, 'policies/README.md'), 'utf8').matchAll(/\]\(examples\/([^)]+)\)/g)];
    expect(named.map(([, file]) => file).toSorted()).toEqual(readdirSync(EXAMPLES).toSorted());
  });
});

describe('docs/images.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/images.md'), 'utf8')
    .split('## How a pattern matches')[1]
    ?.split('## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'));
  const names = (cell: string | undefined): string[] =>
    [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
  const fits = (pattern: string, image: string): boolean => {
    const [compiled, parsed] = [compilePattern(pattern), parseReference(image)];
    if (typeof compiled === 'string' || !parsed.ok) throw new Error(`${pattern} or ${image} is not valid`);
    return compiled.matches(parsed.value);
  };

  it.each(rows ?? [])('says the truth: %s', (row) => {
    const [, pattern, fit, other] = row.split('|');
    const [name = ''] = names(pattern);
    expect(names(fit).filter((image) => !fits(name, image))).toEqual([]);
    expect(names(other).filter((image) => fits(name, image))).toEqual([]);
  });

  it('has rows', () => {
    expect(rows?.length).toBeGreaterThan(3);
  });
});
