import type { JsonObject, JsonValue } from '../../functions/json.ts';

/** Names of the kinds that the builders know. */
export type KindName =
  | 'Pod'
  | 'PodTemplate'
  | 'ReplicationController'
  | 'Deployment'
  | 'ReplicaSet'
  | 'DaemonSet'
  | 'StatefulSet'
  | 'Job'
  | 'CronJob';

interface KindShape {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Puts a pod spec where the kind keeps it. */
  readonly wrap: (podSpec: JsonObject) => JsonObject;
  /** The JSON pointer of the pod spec. */
  readonly podSpec: string;
}

const labels = { app: 'web' };
const templated = (podSpec: JsonObject): JsonObject => ({
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
});
const apps = (resource: string): KindShape => ({
  group: 'apps',
  version: 'v1',
  resource,
  wrap: templated,
  podSpec: '/spec/template/spec',
});

/** Where each kind keeps its pod spec, and what the API server calls it. */
export const KINDS: Readonly<Record<KindName, KindShape>> = {
  Pod: { group: '', version: 'v1', resource: 'pods', wrap: (podSpec) => ({ spec: podSpec }), podSpec: '/spec' },
  PodTemplate: {
    group: '',
    version: 'v1',
    resource: 'podtemplates',
    wrap: (podSpec) => ({ template: { metadata: { labels }, spec: podSpec } }),
    podSpec: '/template/spec',
  },
  ReplicationController: {
    group: '',
    version: 'v1',
    resource: 'replicationcontrollers',
    wrap: templated,
    podSpec: '/spec/template/spec',
  },
  Deployment: apps('deployments'),
  ReplicaSet: apps('replicasets'),
  DaemonSet: apps('daemonsets'),
  StatefulSet: apps('statefulsets'),
  Job: { group: 'batch', version: 'v1', resource: 'jobs', wrap: templated, podSpec: '/spec/template/spec' },
  CronJob: {
    group: 'batch',
    version: 'v1',
    resource: 'cronjobs',
    wrap: (podSpec) => ({ spec: { schedule: '@hourly', jobTemplate: templated(podSpec) } }),
    podSpec: '/spec/jobTemplate/spec/template/spec',
  },
};

/** All kind names, for tests that run over each. */
export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** A pod spec whose containers `c0`, `c1`, … have these images; `more` adds or replaces fields. */
export const podSpec = (images: readonly string[], more: JsonObject = {}): JsonObject => ({
  containers: images.map((image, index) => ({ name: `c${index}`, image })),
  ...more,
});

/** A workload of a kind with this pod spec; `metadata` is laid over name `web`, namespace `team`, uid `uid-web`. */
export const workloadOf = (kind: KindName, spec: JsonObject, metadata: JsonObject = {}): JsonObject => {
  const { group, version, wrap } = KINDS[kind];
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    metadata: { name: 'web', namespace: 'team', uid: 'uid-web', ...metadata },
    ...wrap(spec),
  };
};

/** What may differ from a plain CREATE. */
export interface ReviewOptions {
  readonly apiVersion?: string;
  readonly operation?: string;
  readonly oldObject?: JsonObject | null;
  readonly namespace?: string;
  readonly name?: string;
  readonly subResource?: string;
  readonly uid?: string;
  readonly dryRun?: boolean;
  /** Fields laid over the request last, whatever they are. */
  readonly request?: JsonObject;
}

interface Names {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
}

/** What the API server calls an object, read off its apiVersion and kind. */
const namesOf = (object: JsonObject): Names => {
  const apiVersion = String(object['apiVersion'] ?? '');
  const slash = apiVersion.indexOf('/');
  const kind = String(object['kind']);
  const shape = Object.hasOwn(KINDS, kind) ? KINDS[kind as KindName] : undefined;
  const resource = shape?.resource ?? `${kind.toLowerCase()}s`;
  return { group: apiVersion.slice(0, Math.max(slash, 0)), version: apiVersion.slice(slash + 1), kind, resource };
};

/** The AdmissionReview that an API server would send for this object; the kind is read off the object. */
export const reviewOf = (object: JsonObject, options: ReviewOptions = {}): JsonObject => {
  const { group, version, kind, resource } = namesOf(object);
  const { apiVersion = 'admission.k8s.io/v1', oldObject = null, namespace = 'team', name = 'web' } = options;
  const { uid = '705ab4f5-6393-11e8-b7cc-42010a800002', operation = oldObject ? 'UPDATE' : 'CREATE' } = options;
  return {
    kind: 'AdmissionReview',
    apiVersion,
    request: {
      uid,
      kind: { group, version, kind },
      resource: { group, version, resource },
      ...(options.subResource === undefined ? {} : { subResource: options.subResource }),
      requestKind: { group, version, kind },
      requestResource: { group, version, resource },
      name,
      namespace,
      operation,
      userInfo: { username: 'kubernetes-admin', groups: ['system:authenticated'] },
      object: operation === 'DELETE' ? null : object,
      oldObject,
      dryRun: options.dryRun ?? false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...options.request,
    },
  };
};

/** JSON of a value as UTF-8 bytes; a string is taken as the text itself. */
export const bytesOf = (value: JsonValue): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

/** The bytes of the review of a plain CREATE of a kind with these images. */
export const createBytes = (kind: KindName, ...images: string[]): Uint8Array =>
  bytesOf(reviewOf(workloadOf(kind, podSpec(images))));

/** A digest of 64 times one hex digit. */
export const digestOf = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;
