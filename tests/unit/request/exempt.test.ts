import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import {
  exemptByOwner,
  exemptDeletion,
  exemptImage,
  exemptObject,
  openPlaces,
} from '../../../functions/request/exempt.ts';
import { type AdmissionRequest, parseReview } from '../../../functions/request/review.ts';
import { readWorkload, WORKLOAD_KINDS, type Workload, workloadKind } from '../../../functions/request/workload.ts';
import {
  bytesOf,
  digestOf,
  type KindName,
  podSpec,
  type ReviewOptions,
  reviewOf,
  workloadOf,
} from '../../support/review.ts';

const DELETED = { deletionTimestamp: '2026-11-24T10:00:00Z' };
const PINNED = `app:v1@${digestOf('a')}`;

const request = (object: JsonObject, options: ReviewOptions = {}): AdmissionRequest => {
  const result = parseReview(bytesOf(reviewOf(object, options)));
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
};
const workload = (object: JsonObject): Workload => {
  const apiVersion = String(object['apiVersion']);
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const kind = workloadKind(WORKLOAD_KINDS, group, String(object['kind']));
  const result = kind && readWorkload(kind, object);
  if (!result?.ok) throw new Error('no workload');
  return result.value;
};
const whole = (object: JsonObject, old: JsonObject): string | null =>
  exemptObject(request(object, { oldObject: old }), workload(object), workload(old));
const deletion = (object: JsonObject, old: JsonObject): string | null =>
  exemptDeletion(request(object, { oldObject: old }));
const image = (written: string, object: JsonObject, old?: JsonObject): string | null =>
  exemptImage(written, workload(object), old && workload(old));

const deployment = (images: string[], fields: JsonObject = {}, metadata: JsonObject = {}): JsonObject => {
  const object = workloadOf('Deployment', podSpec(images), metadata);
  return { ...object, spec: { ...(object['spec'] as JsonObject), ...fields } };
};
const pod = (images: string[], more: JsonObject = {}, metadata: JsonObject = {}): JsonObject =>
  workloadOf('Pod', podSpec(images, more), metadata);

describe('exemptDeletion', () => {
  it('passes a deletion', () => {
    const object = pod(['evil']);
    expect(exemptDeletion(request(object, { operation: 'DELETE', oldObject: object }))).toMatch(/deleted/);
  });

  it('passes an update of what was marked for deletion before', () => {
    expect(deletion(pod(['new']), pod(['old'], {}, DELETED))).toMatch(/marked for deletion/);
  });

  it('does not pass a creation that claims to be marked for deletion', () => {
    expect(exemptDeletion(request(pod(['evil'], {}, DELETED)))).toBeNull();
  });

  it('does not pass a creation that brings an old object marked for deletion', () => {
    const asked = request(pod(['evil']), { operation: 'CREATE', oldObject: pod(['evil'], {}, DELETED) });
    expect(exemptDeletion(asked)).toBeNull();
  });

  it('does not pass an update whose new object alone claims to be marked for deletion', () => {
    expect(deletion(pod(['evil'], {}, DELETED), pod(['app']))).toBeNull();
  });

  it.each([null, '', 7, {}, ['2026']])('does not take a deletionTimestamp of %j for one', (deletionTimestamp) => {
    expect(deletion(pod(['evil']), pod(['app'], {}, { deletionTimestamp }))).toBeNull();
  });
});

describe('exemptObject', () => {
  it.each(['Deployment', 'StatefulSet', 'CronJob', 'Pod'] as KindName[])(
    'passes labels and finalizers of a %s that stays as it is',
    (kind) => {
      const metadata = { labels: { a: 'b' }, finalizers: ['x/y'] };
      expect(whole(workloadOf(kind, podSpec(['app:v1']), metadata), workloadOf(kind, podSpec(['app:v1'])))).toMatch(
        /same as before/,
      );
    },
  );

  it('passes a scaling whose template stays as it is, names in another order', () => {
    const old = workloadOf('Deployment', { containers: [{ image: 'app:v1', name: 'c0' }] });
    expect(whole(deployment(['app:v1'], { replicas: 5 }), old)).toMatch(/same as before/);
  });

  it('does not pass a scale-down that changes the image with it', () => {
    expect(whole(deployment(['evil:v1'], { replicas: 2 }), deployment(['app:v1'], { replicas: 3 }))).toBeNull();
  });

  it('does not pass a creation that brings an old object marked for deletion', () => {
    const object = pod(['evil']);
    const asked = request(object, { operation: 'CREATE', oldObject: pod(['evil'], {}, DELETED) });
    expect(exemptObject(asked, workload(object), workload(object))).toBeNull();
  });

  it('does not pass an update with an equal template whose kind was another', () => {
    const object = deployment(['app:v1']);
    const old = workload(workloadOf('StatefulSet', podSpec(['app:v1'])));
    expect(exemptObject(request(object, { oldObject: object }), workload(object), old)).toBeNull();
  });

  it('does not pass an update without an old object', () => {
    const object = pod(['app']);
    expect(exemptObject(request(object, { operation: 'UPDATE' }), workload(object), undefined)).toBeNull();
  });

  it.each([
    ['an annotation of the template (kubectl rollout restart)', { metadata: { annotations: { at: 'now' } } }],
    ['the service account', { spec: { ...podSpec(['app:v1']), serviceAccountName: 'other' } }],
    ['the pull secrets', { spec: { ...podSpec(['app:v1']), imagePullSecrets: [{ name: 'other' }] } }],
    ['the pull policy', { spec: { containers: [{ name: 'c0', image: 'app:v1', imagePullPolicy: 'Always' }] } }],
  ])('does not pass a template that changes %s', (_, template) => {
    const old = deployment(['app:v1']);
    const before = (old['spec'] as JsonObject)['template'] as JsonObject;
    const next = deployment(['app:v1'], { template: { ...before, ...template } as JsonObject });
    expect(whole(next, old)).toBeNull();
    expect(image('app:v1', next, old)).toBeNull();
  });

  it('pays no heed to annotations, whoever wrote them', () => {
    const annotations = { 'portieris.cloud.ibm.com/verified': 'true' };
    const object = pod(['evil'], {}, { annotations });
    expect(exemptObject(request(object), workload(object), undefined)).toBeNull();
    expect(whole(object, pod(['app'], {}, { annotations }))).toBeNull();
  });
});

describe('openPlaces', () => {
  it('leaves out the place of a pod where the image stood before, and keeps the new one', () => {
    const old = workload(pod(['app:v1']));
    const next = workload(pod(['app:v1'], { ephemeralContainers: [{ name: 'd', image: 'app:v1' }] }));
    expect(openPlaces(next.images, next, old).map(({ field }) => field)).toEqual(['spec.ephemeralContainers[0].image']);
  });

  it('are all places on creation, and in a template', () => {
    const created = workload(pod(['app:v1']));
    expect(openPlaces(created.images, created, undefined)).toEqual(created.images);
    const template = workload(deployment(['app:v1']));
    expect(openPlaces(template.images, template, template)).toEqual(template.images);
  });
});

describe('exemptImage', () => {
  it('passes nothing on creation', () => {
    expect(image(PINNED, pod([PINNED]))).toBeNull();
    expect(image(PINNED, deployment([PINNED]))).toBeNull();
  });

  it('passes the unchanged image of a pod beside one that changed', () => {
    const old = pod(['app:v1', 'side:v1']);
    const next = pod(['app:v1', 'evil:v1']);
    expect(image('app:v1', next, old)).toMatch(/unchanged/);
    expect(image('evil:v1', next, old)).toBeNull();
  });

  it('does not pass an ephemeral container that is added', () => {
    const ephemeralContainers = [{ name: 'debug', image: 'busybox' }];
    expect(image('busybox', pod(['app:v1'], { ephemeralContainers }), pod(['app:v1']))).toBeNull();
  });

  it('does not pass an ephemeral container that is added under the tag of a running one', () => {
    const ephemeralContainers = [{ name: 'debug', image: 'app:v1' }];
    expect(image('app:v1', pod(['app:v1'], { ephemeralContainers }), pod(['app:v1']))).toBeNull();
  });

  it('passes the ephemeral container that was there before another was added', () => {
    const first = { name: 'one', image: 'busybox:1' };
    const next = pod(['app:v1'], { ephemeralContainers: [first, { name: 'two', image: 'busybox:2' }] });
    const old = pod(['app:v1'], { ephemeralContainers: [first] });
    expect(image('busybox:1', next, old)).toMatch(/unchanged/);
    expect(image('busybox:2', next, old)).toBeNull();
  });

  it('passes the unchanged image volume of a pod', () => {
    const volumes = [{ name: 'v', image: { reference: 'data:1' } }];
    expect(image('data:1', pod(['new'], { volumes }), pod(['old'], { volumes }))).toMatch(/unchanged/);
  });

  it('does not pass the image volume of another name', () => {
    const volume = (name: string) => ({ volumes: [{ name, image: { reference: 'data:1' } }] });
    expect(image('data:1', pod(['app'], volume('a')), pod(['app'], volume('b')))).toBeNull();
  });

  it('does not pass a container of a pod that has another name', () => {
    const init = (name: string) => ({ initContainers: [{ name, image: 'init:1' }] });
    expect(image('init:1', pod(['app'], init('b')), pod(['app'], init('a')))).toBeNull();
  });

  it('does not pass images that changed places', () => {
    expect(image('a:1', pod(['a:1', 'b:1']), pod(['b:1', 'a:1']))).toBeNull();
  });

  it('does not take another spelling of an image for the same', () => {
    expect(image('docker.io/library/app:v1', pod(['docker.io/library/app:v1']), pod(['app:v1']))).toBeNull();
  });

  it('passes an unchanged digest in a changed template, and no unchanged tag', () => {
    const old = deployment([PINNED, 'side:v1']);
    const next = deployment([PINNED, 'side:v1', 'new:v1']);
    expect(image(PINNED, next, old)).toMatch(/pinned by digest/);
    expect(image('side:v1', next, old)).toBeNull();
    expect(image('new:v1', next, old)).toBeNull();
  });

  it('does not pass another digest in a template', () => {
    expect(image(`app:v1@${digestOf('b')}`, deployment([`app:v1@${digestOf('b')}`]), deployment([PINNED]))).toBeNull();
  });

  it.each(['app@sha256:abc', `app@sha512:${'a'.repeat(128)}`])('does not take %s for a digest', (written) => {
    expect(image(written, deployment([written, 'x']), deployment([written]))).toBeNull();
  });

  it('does not go by the old object of another kind', () => {
    expect(image(PINNED, pod([PINNED]), deployment([PINNED]))).toBeNull();
    expect(image(PINNED, deployment([PINNED]), workloadOf('Job', podSpec([PINNED])))).toBeNull();
  });
});

describe('exemptByOwner', () => {
  const claim = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web', controller: true };
  const owned = (reference: JsonObject = {}, images = ['app:v1'], more: JsonObject = {}): Workload =>
    workload(pod(images, more, { ownerReferences: [{ ...claim, ...reference }] }));
  const owner = workloadOf('ReplicaSet', podSpec(['app:v1', 'side:v1']));
  const ask = (child: Workload, stored: JsonObject | undefined = owner) =>
    exemptByOwner(child, stored, stored && workload(stored));

  it('passes a pod whose controller exists and has its images', () => {
    expect(ask(owned())).toMatch(/ReplicaSet web exists/);
    expect(ask(owned({}, ['side:v1', 'app:v1']))).not.toBeNull();
    expect(ask(owned({ apiVersion: 'apps/v1beta2' }))).not.toBeNull();
  });

  it('does not pass a pod without a controller', () => {
    expect(ask(workload(pod(['app:v1'])))).toBeNull();
    expect(ask(owned({ controller: false }))).toBeNull();
  });

  it('does not pass a pod of an owner that does not exist', () => {
    expect(exemptByOwner(owned(), undefined, undefined)).toBeNull();
  });

  it('does not pass a pod of an owner of a kind that the gate does not check', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', uid: 'uid-web' } };
    expect(exemptByOwner(owned({ apiVersion: 'v1', kind: 'ConfigMap' }), map, undefined)).toBeNull();
  });

  it.each([
    ['UID', { uid: 'uid-other' }],
    ['empty UID', { uid: '' }],
    ['name', { name: 'other' }],
    ['kind', { kind: 'Deployment' }],
    ['API group', { apiVersion: 'extensions/v1beta1' }],
    ['core group', { apiVersion: 'v1' }],
  ])('does not pass a pod whose owner has another %s', (_, reference) => {
    expect(ask(owned(reference))).toBeNull();
  });

  it('does not pass where neither reference nor owner has a UID', () => {
    expect(ask(owned({ uid: '' }), workloadOf('ReplicaSet', podSpec(['app:v1']), { uid: '' }))).toBeNull();
  });

  it('does not pass a pod with one image that its owner lacks', () => {
    expect(ask(owned({}, ['app:v1', 'evil:v1']))).toBeNull();
    expect(ask(owned({}, ['app:v1'], { ephemeralContainers: [{ name: 'e', image: 'evil' }] }))).toBeNull();
    expect(ask(owned({}, ['app:v1'], { volumes: [{ name: 'v', image: { reference: 'evil' } }] }))).toBeNull();
  });

  it('does not pass a pod of an owner that is being deleted, whose updates were never checked', () => {
    expect(ask(owned(), workloadOf('ReplicaSet', podSpec(['app:v1']), DELETED))).toBeNull();
  });

  it('does not pass a pod that another pod claims to control', () => {
    expect(ask(owned({ apiVersion: 'v1', kind: 'Pod' }), pod(['app:v1']))).toBeNull();
  });
});
