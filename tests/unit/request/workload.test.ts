import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { LIMITS } from '../../../functions/limits.ts';
import {
  parseWorkloadKind,
  readWorkload,
  WORKLOAD_KINDS,
  type Workload,
  type WorkloadKind,
  workloadKind,
} from '../../../functions/request/workload.ts';
import { KIND_NAMES, KINDS, podSpec, workloadOf } from '../../support/review.ts';

const entry = (group: string, kind: string): WorkloadKind => {
  const found = workloadKind(WORKLOAD_KINDS, group, kind);
  if (found === undefined) throw new Error(`${group}/${kind} is not in the table`);
  return found;
};
const POD = entry('', 'Pod');
const read = (object: JsonObject, kind: WorkloadKind = POD): Workload => {
  const result = readWorkload(kind, object);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
};
const refusal = (object: JsonObject, kind: WorkloadKind = POD) => {
  const result = readWorkload(kind, object);
  if (result.ok) throw new Error('the workload was accepted');
  return result.refusal;
};
const places = (workload: Workload) => workload.images.map(({ written, pointer }) => [pointer, written]);

const EVERY_FIELD: JsonObject = {
  initContainers: [{ name: 'i', image: 'init:1' }],
  containers: [
    { name: 'a', image: 'main:1' },
    { name: 'b', image: 'main:1' },
  ],
  ephemeralContainers: [{ name: 'e', image: 'debug:1' }],
  volumes: [
    { name: 'v', emptyDir: {} },
    { name: 'w', image: { reference: 'data:1' } },
  ],
  imagePullSecrets: [{ name: 'one' }, {}, { name: 'two' }],
  serviceAccountName: 'robot',
};

describe('readWorkload', () => {
  it.each(KIND_NAMES)('finds every image-carrying field of a %s', (kind) => {
    const { group, podSpec: at } = KINDS[kind];
    const workload = read(workloadOf(kind, EVERY_FIELD), entry(group, kind));
    expect(places(workload)).toEqual([
      [`${at}/initContainers/0/image`, 'init:1'],
      [`${at}/containers/0/image`, 'main:1'],
      [`${at}/containers/1/image`, 'main:1'],
      [`${at}/ephemeralContainers/0/image`, 'debug:1'],
      [`${at}/volumes/1/image/reference`, 'data:1'],
    ]);
    expect(workload).toMatchObject({
      kind,
      pullSecrets: ['one', 'two'],
      serviceAccount: 'robot',
      podSpec: EVERY_FIELD,
      isPod: kind === 'Pod',
    });
  });

  it('writes the field for people too', () => {
    const [image] = read(workloadOf('CronJob', podSpec(['nginx'])), entry('batch', 'CronJob')).images;
    expect(image?.field).toBe('spec.jobTemplate.spec.template.spec.containers[0].image');
  });

  it('compares a template with its labels, and a pod by its pod spec alone', () => {
    const deployment = read(workloadOf('Deployment', podSpec(['nginx'])), entry('apps', 'Deployment'));
    expect(deployment.template).toEqual({ metadata: { labels: { app: 'web' } }, spec: podSpec(['nginx']) });
    expect(read(workloadOf('Pod', podSpec(['nginx']))).template).toEqual(podSpec(['nginx']));
  });

  it('leaves blank names alone', () => {
    const containers = [{ name: 'a', image: '' }, { name: 'b', image: ' \t\n' }, { name: 'c' }, { image: null }];
    const volumes = [
      { name: 'v', image: { reference: '' } },
      { name: 'w', image: null },
      { name: 'x', image: {} },
    ];
    expect(read({ spec: { containers, volumes } }).images).toEqual([]);
  });

  it.each(['\u00a0', '\ufeff', '\u200b', '.'])('takes %j for a name, not for a blank', (image) => {
    expect(read({ spec: podSpec([image]) }).images).toHaveLength(1);
  });

  it.each([
    [{}, 'default'],
    [{ serviceAccountName: '', serviceAccount: 'old' }, 'old'],
    [{ serviceAccountName: 'new', serviceAccount: 'old' }, 'new'],
  ])('reads the service account of %j as %s', (fields, expected) => {
    expect(read({ spec: fields }).serviceAccount).toBe(expected);
  });

  it('takes null lists for empty ones', () => {
    expect(read({ spec: { containers: null, volumes: null, imagePullSecrets: null } }).images).toEqual([]);
  });

  it('names every field of a wrong type at once', () => {
    const object = {
      metadata: { ownerReferences: {} },
      spec: {
        containers: [{ image: 7 }, 'nginx', { image: ['nginx'] }],
        initContainers: { image: 'nginx' },
        volumes: [{ image: 'nginx' }, { image: { reference: {} } }],
        imagePullSecrets: [{ name: 1 }],
        serviceAccountName: false,
      },
    };
    const { code, message } = refusal(object);
    expect(code).toBe('WORKLOAD_INVALID');
    for (const field of [
      'metadata.ownerReferences: must be a list',
      'spec.containers[0].image: must be a string',
      'spec.containers[1]: must be an object',
      'spec.containers[2].image: must be a string',
      'spec.initContainers: must be a list',
      'spec.volumes[0].image: must be an object',
      'spec.volumes[1].image.reference: must be a string',
      'spec.imagePullSecrets[0].name: must be a string',
      'spec.serviceAccountName: must be a string',
    ])
      expect(message).toContain(field);
  });

  it.each(KIND_NAMES.filter((kind) => kind !== 'ReplicationController'))('refuses a %s without pod spec', (kind) => {
    expect(refusal({ metadata: {} }, entry(KINDS[kind].group, kind)).message).toMatch(/spec: is missing/);
  });

  it('finds nothing to check in a ReplicationController without template', () => {
    const workload = read({ spec: { replicas: 1 } }, entry('', 'ReplicationController'));
    expect(workload).toMatchObject({ images: [], podSpec: {}, serviceAccount: 'default' });
  });

  it('refuses a pod spec that is no object, even of a kind that may be without', () => {
    expect(refusal({ spec: { template: [] } }, entry('', 'ReplicationController')).message).toContain('spec.template');
  });

  it('refuses more distinct images than one admission checks, but not more containers of the same', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `app-${index}`);
    expect(read({ spec: podSpec(names(LIMITS.imagesPerReview)) }).images).toHaveLength(LIMITS.imagesPerReview);
    expect(refusal({ spec: podSpec(names(LIMITS.imagesPerReview + 1)) }).code).toBe('IMAGES_TOO_MANY');
    expect(read({ spec: podSpec(Array(LIMITS.imagesPerReview + 1).fill('app')) }).images).toHaveLength(501);
  });

  it.each([
    ['no owner', undefined, undefined],
    ['an owner that is no controller', [{ kind: 'A', uid: '1', controller: false }], undefined],
    ['an owner whose controller is a word', [{ kind: 'A', uid: '1', controller: 'true' }], undefined],
    [
      'two that claim to be the controller',
      [
        { kind: 'A', uid: '1', controller: true },
        { kind: 'B', uid: '2', controller: true },
      ],
      undefined,
    ],
    [
      'a controller among owners',
      [{ kind: 'A' }, { apiVersion: 'apps/v1', kind: 'B', name: 'b', uid: '2', controller: true }],
      { apiVersion: 'apps/v1', kind: 'B', name: 'b', uid: '2' },
    ],
  ])('reads the controller where there is %s', (_, ownerReferences, controller) => {
    const metadata: JsonObject = ownerReferences === undefined ? {} : { ownerReferences };
    expect(read({ metadata, spec: {} }).controller).toEqual(controller);
  });

  it('escapes odd field names in pointers', () => {
    const kind = { group: 'x.io', kind: 'Odd', podSpec: ['a/b', 'c~d'] };
    const [image] = read({ 'a/b': { 'c~d': podSpec(['nginx']) } }, kind).images;
    expect(image?.pointer).toBe('/a~1b/c~0d/containers/0/image');
  });

  it('takes a kind named Pod of another group for a template', () => {
    expect(read({ spec: {} }, { group: 'x.io', kind: 'Pod', podSpec: ['spec'] }).isPod).toBe(false);
  });
});

describe('workloadKind', () => {
  it('goes by group and kind', () => {
    expect(workloadKind(WORKLOAD_KINDS, 'extensions', 'Deployment')?.podSpec).toEqual(['spec', 'template', 'spec']);
    expect(workloadKind(WORKLOAD_KINDS, 'batch', 'Deployment')).toBeUndefined();
    expect(workloadKind(WORKLOAD_KINDS, '', 'ConfigMap')).toBeUndefined();
    expect(workloadKind(WORKLOAD_KINDS, '', 'constructor')).toBeUndefined();
  });
});

describe('parseWorkloadKind', () => {
  it.each([
    ['argoproj.io/Rollout=spec.template.spec', 'argoproj.io', 'Rollout', ['spec', 'template', 'spec']],
    [' /Thing=spec ', '', 'Thing', ['spec']],
  ])('reads %j', (line, group, kind, path) => {
    expect(parseWorkloadKind(line)).toEqual({ group, kind, podSpec: path, optional: false });
  });

  it('takes a question mark for leave to be without a pod spec', () => {
    const kind = parseWorkloadKind('argoproj.io/Rollout=spec.template.spec?');
    if (typeof kind === 'string') throw new Error(kind);
    expect(kind.podSpec).toEqual(['spec', 'template', 'spec']);
    expect(read({ spec: { workloadRef: {} } }, kind).images).toEqual([]);
  });

  it.each([
    '',
    'Rollout=spec',
    'a/b/c=spec',
    'a/B=spec=x',
    'a/B',
    'a/B=',
    'a/B=spec..x',
    'a/B=?',
    'A!/B=spec',
    'a/=spec',
  ])('says what is wrong with %j', (line) => {
    expect(parseWorkloadKind(line)).toMatch(/write group\/Kind=path/);
  });
});
