import type { ErrorObject } from 'ajv';
import { type Check, checker } from '../checker.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { MODES } from './mode.ts';
import { CURRENT_GROUP, LEGACY_GROUP, type PolicyGroup, type PolicyKind } from './resource.ts';

/** A schema in the part of OpenAPI v3 that CRDs and ajv share. */
export type Schema = JsonObject;

/** `https://host[:port]`, a last slash allowed; empty stands for absent, as it does in Go. Linear: one class, one star. */
export const TRUST_SERVER_PATTERN = '^(https://[A-Za-z0-9.:\\[\\]-]+/?)?$';
/** RFC 1123 subdomain, as Kubernetes names its Secrets. */
export const OBJECT_NAME_PATTERN = '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$';

/** RFC 1123 label, as Kubernetes names its namespaces. */
export const NAMESPACE_PATTERN = '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$';
/** A key ID of TUF: SHA-256 in lower-case hex. */
export const KEY_ID_PATTERN = '^[0-9a-f]{64}$';
/** Characters of a repository's GUN, and one star at the end. */
export const GUN_PATTERN = '^[a-z0-9._:/\\[\\]-]*\\*?$';
/** Whole parts of a repository's GUN, without a slash at either end. Linear: no class holds the slash. */
export const PREFIX_PATTERN = '^[a-z0-9._:\\[\\]-]+(/[a-z0-9._-]+)*$';

const flag: Schema = { type: 'boolean' };
const words = (maxLength: number): Schema => ({ type: 'string', maxLength });
const object = (properties: Schema, ...required: string[]): Schema => ({
  type: 'object',
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
  properties,
});

const objectName: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: LIMITS.objectNameLength,
  pattern: OBJECT_NAME_PATTERN,
};

const filled = (maxLength: number, pattern: string): Schema => ({ type: 'string', minLength: 1, maxLength, pattern });
const list = (maxItems: number, items: Schema): Schema => ({ type: 'array', maxItems, items });

const secret = object({ name: objectName, namespace: filled(LIMITS.namespaceLength, NAMESPACE_PATTERN) }, 'name');

/** One of `trust.roots`. */
const root = object({
  gun: filled(LIMITS.patternLength, GUN_PATTERN),
  keyIds: list(LIMITS.keysPerRoot, { type: 'string', pattern: KEY_ID_PATTERN }),
  publicKeys: list(LIMITS.keysPerRoot, { type: 'string', minLength: 1, maxLength: LIMITS.pemLength }),
  certificateAuthority: { type: 'string', minLength: 1, maxLength: LIMITS.pemLength },
  secret,
});

const trust = object({
  enabled: flag,
  signerSecrets: list(LIMITS.signersPerRule, secret),
  signerThreshold: { type: 'integer', minimum: 1, maximum: LIMITS.signersPerRule },
  trustServer: { type: 'string', maxLength: LIMITS.urlLength, pattern: TRUST_SERVER_PATTERN },
  roots: list(LIMITS.rootsPerRule, root),
  firstUse: { type: 'string', enum: ['allow', 'deny'] },
  repository: object(
    {
      prefix: filled(LIMITS.referenceLength, PREFIX_PATTERN),
      signedPrefix: filled(LIMITS.referenceLength, PREFIX_PATTERN),
    },
    'prefix',
    'signedPrefix',
  ),
});

const signedIdentity = object(
  {
    type: {
      type: 'string',
      enum: ['', 'matchExact', 'matchRepository', 'matchExactReference', 'matchExactRepository', 'remapIdentity'],
    },
    dockerReference: words(LIMITS.referenceLength),
    dockerRepository: words(LIMITS.referenceLength),
    prefix: words(LIMITS.referenceLength),
    signedPrefix: words(LIMITS.referenceLength),
  },
  'type',
);

const simpleRequirement = object(
  {
    type: { type: 'string', enum: ['insecureAcceptAnything', 'reject', 'signedBy'] },
    keySecret: words(LIMITS.objectNameLength),
    keySecretNamespace: words(LIMITS.objectNameLength),
    signedIdentity,
  },
  'type',
);

const simple = object({
  requirements: { type: 'array', nullable: true, maxItems: LIMITS.signersPerRule, items: simpleRequirement },
  storeURL: words(LIMITS.urlLength),
  storeSecret: words(LIMITS.objectNameLength),
});

const mode: Schema = { type: 'string', enum: [...MODES] };

const policies: Record<PolicyGroup, Schema> = {
  [LEGACY_GROUP]: object({ trust, simple, va: object({ enabled: flag }), mode }),
  [CURRENT_GROUP]: object({
    trust,
    simple,
    vulnerability: object({ ICCRVA: object({ enabled: flag, account: words(LIMITS.objectNameLength) }) }),
    mutateImage: flag,
    mode,
  }),
};

/** Schema of one entry of `spec.repositories`. */
export const ruleSchema = (group: PolicyGroup): Schema =>
  object(
    {
      name: { type: 'string', minLength: 1, maxLength: LIMITS.patternLength },
      policy: { ...policies[group], nullable: true },
    },
    'name',
  );

/** What `spec` may hold beside its rules: a floor is a matter of the cluster alone. */
const specFields = (kind: PolicyKind): Schema => (kind === 'ClusterImagePolicy' ? { floor: flag } : {});

/** Schema of `spec`, whole: what the CRD of the kind and group says. */
export const specSchema = (group: PolicyGroup, kind: PolicyKind): Schema =>
  object({ repositories: list(LIMITS.rulesPerPolicy, ruleSchema(group)), ...specFields(kind) }, 'repositories');

/** Schema of an object down to its list of rules; each rule is checked apart, so that a bad one stands alone. */
const shellSchema = (kind: PolicyKind): Schema =>
  object(
    {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: LIMITS.nameLength },
          namespace: { type: 'string', nullable: true, maxLength: LIMITS.nameLength },
        },
      },
      spec: object(
        { repositories: { type: 'array', maxItems: LIMITS.rulesPerPolicy }, ...specFields(kind) },
        'repositories',
      ),
      status: {},
    },
    'metadata',
    'spec',
  );

const checkOf = checker({ allErrors: true, ownProperties: true, verbose: true });
const shells: Record<PolicyKind, Check> = {
  ImagePolicy: checkOf(shellSchema('ImagePolicy')),
  ClusterImagePolicy: checkOf(shellSchema('ClusterImagePolicy')),
};
const rules: Record<PolicyGroup, Check> = {
  [LEGACY_GROUP]: checkOf(ruleSchema(LEGACY_GROUP)),
  [CURRENT_GROUP]: checkOf(ruleSchema(CURRENT_GROUP)),
};
const roots = checkOf(object({ roots: list(LIMITS.rootsPerRule, root) }, 'roots'));

/** What is wrong with an object of this kind outside its rules; empty when all is well. */
export const shellErrors = (kind: PolicyKind, object: JsonObject): readonly ErrorObject[] => shells[kind](object);

/** What is wrong with one entry of `spec.repositories`; empty when it is a `RepositoryWire`. */
export const ruleErrors = (group: PolicyGroup, entry: unknown): readonly ErrorObject[] => rules[group](entry);

/** What is wrong with a file of root pins for the whole cluster, `{roots: [...]}`; empty when these are `RootWire`s. */
export const rootsErrors = (value: unknown): readonly ErrorObject[] => roots(value);
