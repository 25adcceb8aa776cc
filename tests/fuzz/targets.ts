import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, parseConfig } from '../../functions/config.ts';
import { compilePattern } from '../../functions/image/pattern.ts';
import { parseReference, pinReference, repositoryName } from '../../functions/image/reference.ts';
import { parseChallenges } from '../../functions/io/challenge.ts';
import { parsePullSecret } from '../../functions/io/dockerconfig.ts';
import { parseManifest } from '../../functions/io/manifest.ts';
import { credentialsFor } from '../../functions/io/registrykey.ts';
import { pemProblem } from '../../functions/policy/pem.ts';
import { selectRule } from '../../functions/policy/select.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import { parseReview, salvageEnvelope } from '../../functions/request/review.ts';
import { readWorkload, WORKLOAD_KINDS, workloadKind } from '../../functions/request/workload.ts';
import { parseCertificate } from '../../functions/trust/notary/certificate.ts';
import { readElements } from '../../functions/trust/notary/der.ts';
import { TrustError } from '../../functions/trust/notary/error.ts';
import { certificatesOf, parsePublicKey, publicKeysOfPem } from '../../functions/trust/notary/keys.ts';
import { decodeList, decodeRoot, decodeTargets, openEnvelope } from '../../functions/trust/notary/metadata.ts';
import { readPem } from '../../functions/trust/notary/pem.ts';
import { parseInstant } from '../../functions/trust/notary/time.ts';
import { certify, makeKey } from '../support/tuf/key.ts';
import { NOW } from '../support/tuf/look.ts';
import { TestRepository } from '../support/tuf/repository.ts';

/** A parser that meets bytes from outside. */
export interface FuzzTarget {
  readonly name: string;
  /** Honest inputs that hostile ones are made of. */
  readonly seeds: readonly Buffer[];
  /** Gives the bytes to the parser and to what uses its answer. Throws for anything that it may not do; a refusal is not thrown. */
  readonly run: (bytes: Buffer) => void;
}

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const root = join(import.meta.dirname, '../..');
const filesOf = (folder: string): Buffer[] =>
  readdirSync(join(root, folder)).map((file) => readFileSync(join(root, folder, file)));
const texts = (...lines: readonly string[]): Buffer[] => lines.map((line) => Buffer.from(line, 'utf8'));

const demand = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/** Lets refusals of trust data pass: what else is thrown is a fault of ours. */
const trusting = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
  }
};

function review(bytes: Buffer): void {
  salvageEnvelope(bytes);
  const parsed = parseReview(bytes);
  if (!parsed.ok || parsed.value.object === undefined) return;
  const kind = workloadKind(WORKLOAD_KINDS, parsed.value.kind.group, parsed.value.kind.kind);
  if (kind === undefined) return;
  const workload = readWorkload(kind, parsed.value.object);
  if (workload.ok)
    for (const { written } of workload.value.images) demand(written.trim() !== '', 'a blank image is left out');
}

function reference(bytes: Buffer): void {
  const parsed = parseReference(bytes.toString('utf8'));
  if (!parsed.ok) return;
  const pinned = pinReference(parsed.value, parsed.value.digest ?? DIGEST);
  const again = parseReference(pinned);
  demand(again.ok && again.value.digest !== undefined, `${pinned} is not the pinned form of what was read`);
  demand(again.ok && repositoryName(again.value) === repositoryName(parsed.value), `${pinned} is another repository`);
}

const IMAGES = ['nginx', 'us.icr.io/team/app:v1', `host:5000/a/b@${DIGEST}`].map((name) => {
  const parsed = parseReference(name);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return parsed.value;
});

function pattern(bytes: Buffer): void {
  const compiled = compilePattern(bytes.toString('utf8'));
  if (typeof compiled === 'string') demand(compiled.length > 0, 'a refusal says why');
  else for (const image of IMAGES) compiled.matches(image);
}

function dockerconfig(bytes: Buffer): void {
  for (const type of ['dockerconfigjson', 'dockercfg']) {
    const data = new Map([[`.${type}`, new Uint8Array(bytes)]]);
    const secret = { namespace: 'team', name: 'pull', type: `kubernetes.io/${type}`, data };
    credentialsFor('registry.example', 'team/app', parsePullSecret(secret).entries);
  }
}

function policies(bytes: Buffer): void {
  const { objects } = parseManifest(bytes.toString('utf8'));
  const snapshot = snapshotOf(objects.map(({ object }) => object));
  for (const image of IMAGES) for (const namespace of ['default', 'team']) selectRule(snapshot, namespace, image);
}

function role(bytes: Buffer): void {
  trusting(() => {
    const { signed } = openEnvelope(bytes, 'the file');
    trusting(() => decodeRoot(signed, 'root'));
    trusting(() => decodeList('timestamp', signed, 'timestamp'));
    trusting(() => decodeList('snapshot', signed, 'snapshot'));
    trusting(() => decodeTargets(signed, 'targets'));
  });
}

function keys(bytes: Buffer): void {
  readPem(bytes.toString('latin1'));
  readPem(bytes.toString('latin1'), { headers: true });
  parsePublicKey(bytes.toString('latin1'));
  publicKeysOfPem(bytes.toString('latin1'));
  pemProblem(bytes.toString('latin1'), ['PUBLIC KEY', 'CERTIFICATE']);
  certificatesOf(bytes);
}

function certificate(bytes: Buffer): void {
  readElements(bytes);
  parseCertificate(bytes);
}

function settings(bytes: Buffer): void {
  const [name = '', ...rest] = bytes.toString('utf8').split('=');
  try {
    parseConfig({ [name]: rest.join('=') });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
}

function repositoryFiles(): Buffer[] {
  const repository = new TestRepository({ gun: 'docker.io/library/nginx', now: NOW });
  repository.addSigner('alice');
  repository.tag('v1', DIGEST, 'targets', 'targets/releases', 'targets/alice').publish();
  return [...repository.files.values()];
}

function certificates(): Buffer[] {
  const kinds = ['ecdsa', 'rsa'] as const;
  return kinds
    .flatMap((kind) => readPem(certify(makeKey(kind), 'example.com/app').value.toString('latin1')) ?? [])
    .map(({ bytes }) => Buffer.from(bytes));
}

const CHALLENGES = [
  'Bearer realm="https://auth.example/token",service="notary",scope="repository:a/b:pull"',
  'Basic realm="registry", Bearer realm="https://a",error="invalid_token"',
];
const DOCKER = [
  { auths: { 'https://index.docker.io/v1/': { auth: Buffer.from('a:b').toString('base64') } } },
  { 'registry.example': { username: 'a', password: 'b', email: 'c' }, '*.example': { identitytoken: 'x' } },
];
const SETTINGS = [
  'PORT=8080',
  'TRUST_SERVERS=a.example=https://n.example',
  'EXTRA_WORKLOADS=g/K=spec.template.spec',
  'LOG_LEVEL=info',
  'TRUST_TTL_SECONDS=30',
];

/** Every parser that meets bytes from outside. */
export const TARGETS: readonly FuzzTarget[] = [
  { name: 'review', seeds: [...filesOf('tests/fixtures/reviews'), ...filesOf('tests/demo/reviews')], run: review },
  {
    name: 'reference',
    seeds: texts('nginx', 'a.b:5/c/d:v1', `us.icr.io/x/y_z@${DIGEST}`, `[::1]:5/a:b@${DIGEST}`),
    run: reference,
  },
  { name: 'pattern', seeds: texts('*', 'docker.io/*', '*.icr.io/a/*/b:v*', 'host:5000/a@sha256:*'), run: pattern },
  { name: 'dockerconfig', seeds: texts(...DOCKER.map((one) => JSON.stringify(one))), run: dockerconfig },
  { name: 'challenge', seeds: texts(...CHALLENGES), run: (bytes) => void parseChallenges([bytes.toString('latin1')]) },
  { name: 'role', seeds: repositoryFiles(), run: role },
  {
    name: 'key',
    seeds: [
      ...texts(makeKey().pem, makeKey('rsa').pem, makeKey().pem.replace('-----\n', '-----\nrole: alice\n\n')),
      certify(makeKey(), 'a').value,
    ],
    run: keys,
  },
  { name: 'certificate', seeds: certificates(), run: certificate },
  { name: 'policy', seeds: [...filesOf('policies/examples')], run: policies },
  {
    name: 'instant',
    seeds: texts('2026-11-24T12:00:00Z', '2026-11-24T12:00:00.123456789+01:30'),
    run: (bytes) => void parseInstant(bytes.toString('utf8')),
  },
  { name: 'configuration', seeds: texts(...SETTINGS), run: settings },
];
