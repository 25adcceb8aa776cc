import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import { makeAuthority } from '../integration/support/certificates.ts';
import { type TemporaryFolder, temporaryFolder } from '../integration/support/folder.ts';
import { type RunningGate, startGate } from '../integration/support/gate.ts';
import { bytesOf, createBytes, digestOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryOverride, type NotaryServer, serveNotary } from '../support/tuf/server.ts';

/** The gate in a process of its own, as it is deployed, under bodies and Notary servers that mean it ill. */

const POLICIES = resolve(import.meta.dirname, '../../policies/embedded');
let folder: TemporaryFolder;
let notary: NotaryServer;
let gate: RunningGate;
const repositories: TestRepository[] = [];

const repositoryOf = (name: string): TestRepository => {
  const repository = new TestRepository({ gun: `registry.demo/${name}` }).tag('v1', digestOf('a')).publish();
  repositories.push(repository);
  return repository;
};

beforeAll(async () => {
  folder = await temporaryFolder('hostile');
  notary = await serveNotary({ repositories });
  const ca = join(folder.path, 'ca.pem');
  await writeFile(ca, notary.ca ?? '');
  await mkdir(join(folder.path, 'gate'));
  gate = await startGate({
    authority: makeAuthority('hostile'),
    folder: join(folder.path, 'gate'),
    env: {
      SNAPSHOT: POLICIES,
      TRUST_RECORDS: join(folder.path, 'records'),
      TRUST_CA_FILE: ca,
      TRUST_SERVERS: `registry.demo=${notary.origin}`,
    },
  });
});
afterAll(async () => {
  await gate.stop();
  await notary.close();
  await folder.remove();
});

async function post(body: Uint8Array | string, type = 'application/json'): Promise<AdmissionReviewAnswer['response']> {
  const answer = await fetch(`${gate.origin}/admit?timeout=2s`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : Buffer.from(body),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as AdmissionReviewAnswer).response;
}

/** The gate still does its work after what was done to it. */
async function stillAdmits(): Promise<void> {
  const repository = repositoryOf(`fresh/r${repositories.length}`);
  expect(await post(createBytes('Pod', `${repository.gun}:v1`))).toMatchObject({ allowed: true });
}

const pod = workloadOf('Pod', podSpec(['registry.demo/a:1']));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const many = podSpec(Array.from({ length: 501 }, (_, index) => `registry.demo/many:${index}`));

describe('a hostile body', () => {
  it.each<[string, Uint8Array | string, string]>([
    ['that is empty', '', 'REVIEW_INVALID'],
    ['that is not JSON', 'apiVersion: v1', 'REVIEW_INVALID'],
    ['of null', 'null', 'REVIEW_INVALID'],
    ['of 20 MiB', JSON.stringify({ a: 'x'.repeat(20 * 1024 * 1024) }), 'REVIEW_TOO_LARGE'],
    ['that is 100,000 levels deep', nested(100_000), 'REVIEW_INVALID'],
    [
      'with a null request',
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: null }),
      'REVIEW_INVALID',
    ],
    ['of an unknown version', bytesOf(reviewOf(pod, { apiVersion: 'admission.k8s.io/v9' })), 'REVIEW_INVALID'],
    ['of a kind that the gate does not know', bytesOf(reviewOf({ ...pod, kind: 'constructor' })), 'KIND_UNKNOWN'],
    ['with more images than are checked', bytesOf(reviewOf(workloadOf('Pod', many))), 'IMAGES_TOO_MANY'],
    ['that is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'REVIEW_INVALID'],
  ])('%s is refused with its reason', async (_, body, code) => {
    const response = await post(body);
    expect(response.allowed).toBe(false);
    expect(response.status?.message).toContain(`[${code}]`);
  });

  it('of a form is refused by its content type', async () => {
    const response = await post('a=1', 'application/x-www-form-urlencoded');
    expect(response.status?.message).toContain('[REVIEW_INVALID] The content type is');
  });

  it('leaves the process alive and at work', stillAdmits);

  it.each(['__proto__', 'constructor', 'toString'])(
    'an image and a tag called %s are names like any other',
    async (name) => {
      const response = await post(
        createBytes('Pod', `registry.demo/${name.toLowerCase().replaceAll('_', 'x')}:${name}`),
      );
      expect(response.allowed).toBe(false);
      expect(response.status?.message).toMatch(/\[(TRUST_NO_DATA|TRUST_NOT_SIGNED)\]/);
    },
  );
});

describe('a hostile Notary', () => {
  const garbage: NotaryOverride = (_, response) => {
    response.writeHead(200).end('<html>garbage</html>');
    return true;
  };
  const endless: NotaryOverride = (_, response) => {
    response.writeHead(200);
    const feed = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
      if (!response.destroyed) response.once('drain', feed);
    };
    feed();
    return true;
  };
  const failing: NotaryOverride = (_, response) => {
    response.writeHead(500).end();
    return true;
  };
  const redirecting: NotaryOverride = (_, response) => {
    response.writeHead(302, { location: 'https://169.254.169.254/latest/meta-data/' }).end();
    return true;
  };
  const silent: NotaryOverride = () => true;

  it.each<[string, NotaryOverride, RegExp]>([
    ['answers garbage', garbage, /\[TRUST_MALFORMED\]/],
    ['never ends its answer', endless, /\[TRUST_TOO_LARGE\]/],
    ['answers 500', failing, /\[TRUST_SERVER_ERROR\]/],
    ['redirects to another host', redirecting, /\[REDIRECT_REFUSED\]/],
    ['says nothing at all', silent, /\[DEADLINE\]/],
  ])('that %s is a refusal within the deadline', async (what, override, code) => {
    const repository = repositoryOf(`hostile/${what.replaceAll(' ', '-')}`);
    for (const file of ['root', 'timestamp']) notary.overrides.set(notary.pathOf(repository, file), override);
    const response = await post(createBytes('Pod', `${repository.gun}:v1`));
    expect(response.allowed).toBe(false);
    expect(response.status?.message).toMatch(code);
    expect(response.status?.message).toContain('spec.containers[0].image');
  });

  it('leaves the process alive and at work', stillAdmits);
});
