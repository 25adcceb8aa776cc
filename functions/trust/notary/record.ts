import { hash } from 'node:crypto';
import type { ErrorObject } from 'ajv';
import { checker } from '../../checker.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { LIMITS } from '../../limits.ts';
import type { AdmittedDigest, RememberedTrust, RootOrigin } from '../../ports.ts';
import { keptAdmitted } from './admitted.ts';
import { invalidRecord } from './remembered.ts';
import { parseInstant } from './time.ts';

/** API group of the TrustRecord. */
export const RECORD_GROUP = 'trust.portieris.dev';
/** Its version. */
export const RECORD_VERSION = 'v1alpha1';
/** Plural name of the resource, cluster-wide. */
export const RECORD_PLURAL = 'trustrecords';

/** Readable part of a record's name, at most. */
const SLUG_LENGTH = 60;
const KEY_ID = '^[0-9a-f]{64}$';

const time = { type: 'string', maxLength: 40 };

/** Schema of `spec`, in the part of OpenAPI v3 that CRDs and ajv share; policies/crds/trustrecords.trust.portieris.dev.yaml says the same, and a test compares. */
export const RECORD_SPEC = {
  type: 'object',
  required: ['server', 'repository', 'rootKeyIds', 'versions'],
  properties: {
    server: { type: 'string', minLength: 1, maxLength: LIMITS.urlLength },
    repository: { type: 'string', minLength: 1, maxLength: LIMITS.patternLength },
    rootKeyIds: {
      type: 'array',
      minItems: 1,
      maxItems: LIMITS.keysPerRole,
      items: { type: 'string', pattern: KEY_ID },
    },
    rootFrom: { type: 'string', enum: ['firstUse', 'pinned', 'operator'] },
    versions: {
      type: 'object',
      maxProperties: LIMITS.delegationsPerRole,
      additionalProperties: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    },
    expires: time,
    lastSeen: time,
    admitted: {
      type: 'array',
      maxItems: LIMITS.admittedPerRecord,
      items: {
        type: 'object',
        required: ['digest', 'namespace', 'tag', 'demand', 'seen'],
        properties: {
          digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
          namespace: { type: 'string', maxLength: LIMITS.namespaceLength },
          tag: { type: 'string', minLength: 1, maxLength: 128 },
          demand: { type: 'string', pattern: '^[0-9a-f]{32}$' },
          seen: time,
          left: time,
        },
      },
    },
    frozen: { type: 'boolean' },
  },
};

const errorsOf = checker({ allErrors: false, allowUnionTypes: true })({
  type: 'object',
  required: ['spec'],
  properties: { spec: RECORD_SPEC },
});

/** What `spec` holds on the wire. */
interface RecordSpec {
  readonly server: string;
  readonly repository: string;
  readonly rootKeyIds: readonly string[];
  readonly rootFrom?: RootOrigin;
  readonly versions: Readonly<Record<string, number>>;
  readonly expires?: string;
  readonly lastSeen?: string;
  readonly frozen?: boolean;
  readonly admitted?: readonly AdmittedWire[];
}

interface AdmittedWire {
  readonly digest: string;
  readonly namespace: string;
  readonly tag: string;
  readonly demand: string;
  readonly seen: string;
  readonly left?: string;
}

/** Name of the record of a repository on a server: readable, and by a hash the only one (RFC 1123 subdomain, at most 93 characters). */
export function recordName(server: string, gun: string): string {
  const slug = gun
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '-')
    .slice(-SLUG_LENGTH)
    .replace(/^-/, 'x');
  const digest = hash('sha256', JSON.stringify([server, gun]), 'hex').slice(0, 32);
  return `${slug}-${digest}`;
}

/** Which repository a record object says it is of; undefined where it does not say. */
export function recordedRepository(object: unknown): { readonly server: string; readonly gun: string } | undefined {
  const spec = isObject(object) ? object['spec'] : undefined;
  if (!isObject(spec)) return undefined;
  const { server, repository } = spec;
  return typeof server === 'string' && typeof repository === 'string' ? { server, gun: repository } : undefined;
}

const sentence = ({ instancePath, keyword, message, params }: ErrorObject): string => {
  const field = instancePath.slice(1).replaceAll('/', '.') || 'spec';
  const what =
    keyword === 'required' ? `must have the field ${String(params['missingProperty'])}` : (message ?? keyword);
  return `holds at ${field} what it may not: it ${what}; correct or delete it.`;
};

/**
 * What a TrustRecord object remembers. `where` names it in messages. Throws `TrustError` TRUST_RECORD_INVALID, with the field, where an object was written by
 * hand that can't be understood: taking it for absent would be a second first use.
 */
export function parseRecord(object: JsonObject, where: string): RememberedTrust {
  const error = errorsOf(object)[0];
  if (error !== undefined) throw invalidRecord(where, sentence(error));
  const spec = object['spec'] as unknown as RecordSpec;
  const versions = new Map(Object.entries(spec.versions));
  if (!versions.has('root'))
    throw invalidRecord(where, 'holds no version of root at spec.versions; add it or delete the record.');
  return {
    server: spec.server,
    gun: spec.repository,
    rootKeyIds: [...new Set(spec.rootKeyIds)].toSorted(),
    ...(spec.rootFrom !== undefined && { rootFrom: spec.rootFrom }),
    versions,
    expires: timeOf(spec.expires, 'spec.expires', where),
    lastSeen: timeOf(spec.lastSeen, 'spec.lastSeen', where),
    ...(spec.admitted !== undefined && {
      admitted: spec.admitted.map((entry, index) => admittedOf(entry, `spec.admitted[${index}]`, where)),
    }),
    ...(spec.frozen === true && { frozen: true }),
  };
}

/** ms since the epoch; zero where the field is absent. */
function timeOf(text: string | undefined, field: string, where: string): number {
  const at = text === undefined ? 0 : parseInstant(text);
  if (at === undefined)
    throw invalidRecord(where, `holds at ${field} what is no time (RFC 3339); correct or delete it.`);
  return at;
}

function admittedOf(
  { digest, namespace, tag, demand, seen, left }: AdmittedWire,
  field: string,
  where: string,
): AdmittedDigest {
  const entry = {
    sha256: digest.slice('sha256:'.length),
    namespace,
    tag,
    demand,
    seen: timeOf(seen, `${field}.seen`, where),
  };
  return left === undefined ? entry : { ...entry, left: timeOf(left, `${field}.left`, where) };
}

const admittedWire = ({ sha256, namespace, tag, demand, seen, left }: AdmittedDigest): JsonObject => ({
  digest: `sha256:${sha256}`,
  namespace,
  tag,
  demand,
  seen: new Date(seen).toISOString(),
  ...(left !== undefined && { left: new Date(left).toISOString() }),
});

/** The object that is stored for what was seen; `metadata` of the object that it takes the place of, where there is one. */
export function recordObject(seen: RememberedTrust, now: number, metadata?: JsonObject): JsonObject {
  const admitted = keptAdmitted(seen.admitted ?? [], now);
  return {
    apiVersion: `${RECORD_GROUP}/${RECORD_VERSION}`,
    kind: 'TrustRecord',
    metadata: metadata ?? { name: recordName(seen.server, seen.gun) },
    spec: {
      server: seen.server,
      repository: seen.gun,
      rootKeyIds: [...seen.rootKeyIds],
      ...(seen.rootFrom !== undefined && { rootFrom: seen.rootFrom }),
      versions: Object.fromEntries([...seen.versions].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      expires: new Date(seen.expires).toISOString(),
      lastSeen: new Date(now).toISOString(),
      ...(admitted.length > 0 && { admitted: admitted.map(admittedWire) }),
    },
  };
}
