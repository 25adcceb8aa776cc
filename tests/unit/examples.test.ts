import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { compilePattern } from '../../functions/image/pattern.ts';
import { parseReference } from '../../functions/image/reference.ts';
import type { JsonObject } from '../../functions/json.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'policies/examples');

const objectsOf = (file: string): JsonObject[] =>
  parseAllDocuments(readFileSync(join(EXAMPLES, file), 'utf8')).map((document) => document.toJS() as JsonObject);

/** What the example asks of an image: the types of its requirements, `free`, or the code of the refusal. */
function asked(file: string, namespace: string, image: string): string {
  const parsed = parseReference(image);
  if (!parsed.ok) return parsed.refusal.code;
  const selected = selectRule(snapshotOf(objectsOf(file)), namespace, parsed.value);
  if (!selected.ok) return selected.refusal.code;
  return selected.value.requirements.map(({ type }) => type).join('+') || 'free';
}

const CASES: readonly (readonly [file: string, namespace: string, image: string, asked: string])[] = [
  ['allow-everything.yaml', 'any', 'docker.io/evil/x:1', 'free'],
  ['allow-kube-system.yaml', 'kube-system', 'registry.k8s.io/coredns/coredns:v1', 'free'],
  ['allow-kube-system.yaml', 'kube-system', 'nginx', 'POLICY_NO_MATCH'],
  ['allow-kube-system.yaml', 'default', 'registry.k8s.io/coredns/coredns:v1', 'POLICY_NONE'],
  ['allow-kube-system.yaml', 'kube-system', 'evil.example/registry.k8s.io/x:y', 'POLICY_NO_MATCH'],
  ['deny-everything.yaml', 'any', 'nginx', 'reject'],
  ['ibm-cloud-registry.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['ibm-cloud-registry.yaml', 'any', 'icr.io/acme/app:1', 'notary'],
  ['ibm-cloud-registry.yaml', 'any', 'evilicr.io/acme/app:1', 'POLICY_NO_MATCH'],
  ['keep-tag.yaml', 'team', 'acme/app:1', 'POLICY_NONE'],
  ['legacy-2019.yaml', 'any', 'nginx', 'notary'],
  ['legacy-2019.yaml', 'any', 'registry.ng.bluemix.net/armada/x:1', 'free'],
  ['mixed-default.yaml', 'any', 'us.icr.io/acme/app:1', 'notary'],
  ['mixed-default.yaml', 'any', 'us.icr.io/acme/retired/app:1', 'reject'],
  ['mixed-default.yaml', 'any', 'nginx', 'notary'],
  ['mixed-default.yaml', 'any', 'acme/app', 'POLICY_NO_MATCH'],
  ['mixed-default.yaml', 'any', 'registry.k8s.io/pause:3', 'free'],
  ['own-notary-server.yaml', 'any', 'registry.example.com:5000/app:1', 'notary'],
  ['own-notary-server.yaml', 'any', 'registry.example.com/app:1', 'POLICY_NO_MATCH'],
  ['require-signature-docker-hub.yaml', 'any', 'nginx', 'notary'],
  ['require-signature-docker-hub.yaml', 'any', 'docker.io.evil.com/x', 'POLICY_NO_MATCH'],
  ['require-two-signers.yaml', 'payments', 'us.icr.io/payments/api:1', 'notary'],
  ['require-two-signers.yaml', 'payments', 'us.icr.io/other/api:1', 'POLICY_NO_MATCH'],
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
});

describe('docs/policies.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/policies.md'), 'utf8')
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
