import { demoDigest } from './world.ts';

/** What must come of a review. */
export type Expected =
  /** Admitted; by field of the object, the image name that the patch must leave there. */
  | { readonly allowed: true; readonly images: Readonly<Record<string, string>> }
  /** Refused; the codes that the message must give, in order. */
  | { readonly allowed: false; readonly codes: readonly string[] };

/** One review of the demo, saved under `reviews/`. */
export interface Scene {
  readonly title: string;
  readonly file: string;
  readonly expected: Expected;
}

const pinned = (name: string): string => `${name}@sha256:${demoDigest(name)}`;
const refused = (...codes: string[]): Expected => ({ allowed: false, codes });

/** What the demo shows, in order. */
export const SCENES: readonly Scene[] = [
  {
    title: 'A Deployment whose images are signed',
    file: 'deployment.json',
    expected: {
      allowed: true,
      images: {
        '/spec/template/spec/initContainers/0/image': pinned('registry.demo/shop/migrate:1.4'),
        '/spec/template/spec/containers/0/image': pinned('registry.demo/shop/web:1.4'),
      },
    },
  },
  {
    title: 'A CronJob of payments, signed by both alice and bob',
    file: 'cronjob-two-signers.json',
    expected: {
      allowed: true,
      images: {
        '/spec/jobTemplate/spec/template/spec/containers/0/image': pinned('registry.demo/payments/api:2.0'),
      },
    },
  },
  {
    title: 'A Pod from a repository that needs no proof',
    file: 'pod-public.json',
    expected: { allowed: true, images: {} },
  },
  { title: 'A Pod with a tag that nobody signed', file: 'pod-unsigned.json', expected: refused('TRUST_NOT_SIGNED') },
  {
    title: 'A Job of payments that only alice signed',
    file: 'job-one-signer.json',
    expected: refused('TRUST_SIGNER_MISSING'),
  },
  {
    title: 'A StatefulSet with one good image and four bad ones',
    file: 'statefulset-mixed.json',
    expected: refused('TRUST_NOT_SIGNED', 'POLICY_NO_MATCH', 'TRUST_EXPIRED', 'TRUST_INCONSISTENT'),
  },
  {
    title: 'A signed tag with a digest that is not the signed one',
    file: 'pod-other-digest.json',
    expected: refused('TRUST_DIGEST_CONFLICT'),
  },
  {
    title: 'kubectl debug: an unsigned ephemeral container in a running pod',
    file: 'pod-debug.json',
    expected: refused('TRUST_NOT_SIGNED'),
  },
  {
    title: 'A Pod that names a made-up ReplicaSet as its owner',
    file: 'pod-forged-owner.json',
    expected: refused('TRUST_NOT_SIGNED'),
  },
  { title: 'A body that is no AdmissionReview', file: 'not-a-review.json', expected: refused('REVIEW_INVALID') },
];
