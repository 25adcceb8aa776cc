import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { CURRENT_GROUP, LEGACY_GROUP, type PolicyGroup } from './resource.ts';

/** A schema in the part of OpenAPI v3 that CRDs and ajv share. */
export type Schema = JsonObject;

/** `https://host[:port]`, a last slash allowed; empty stands for absent, as it does in Go. Linear: one class, one star. */
export const TRUST_SERVER_PATTERN = '^(https://[A-Za-z0-9.:\\[\\]-]+/?)?$';
/** RFC 1123 subdomain, as Kubernetes names its Secrets. */
export const OBJECT_NAME_PATTERN = '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$';

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

const trust = object({
  enabled: flag,
  signerSecrets: { type: 'array', maxItems: LIMITS.signersPerRule, items: object({ name: objectName }, 'name') },
  trustServer: { type: 'string', maxLength: LIMITS.urlLength, pattern: TRUST_SERVER_PATTERN },
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

const policies: Record<PolicyGroup, Schema> = {
  [LEGACY_GROUP]: object({ trust, simple, va: object({ enabled: flag }) }),
  [CURRENT_GROUP]: object({
    trust,
    simple,
    vulnerability: object({ ICCRVA: object({ enabled: flag, account: words(LIMITS.objectNameLength) }) }),
    mutateImage: flag,
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

/** Schema of `spec`, whole: what the CRD of the group says. */
export const specSchema = (group: PolicyGroup): Schema =>
  object(
    { repositories: { type: 'array', maxItems: LIMITS.rulesPerPolicy, items: ruleSchema(group) } },
    'repositories',
  );

/** Schema of an object down to its list of rules; each rule is checked apart, so that a bad one stands alone. */
const shellSchema = object(
  {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string', minLength: 1 }, namespace: { type: 'string', nullable: true } },
    },
    spec: object({ repositories: { type: 'array', maxItems: LIMITS.rulesPerPolicy } }, 'repositories'),
    status: {},
  },
  'metadata',
  'spec',
);

const ajv = new Ajv({ allErrors: true, ownProperties: true, strict: true, verbose: true });
const shell = ajv.compile(shellSchema);
const rules: Record<PolicyGroup, ValidateFunction> = {
  [LEGACY_GROUP]: ajv.compile(ruleSchema(LEGACY_GROUP)),
  [CURRENT_GROUP]: ajv.compile(ruleSchema(CURRENT_GROUP)),
};

/** What is wrong with an object outside its rules; empty when all is well. */
export const shellErrors = (object: JsonObject): readonly ErrorObject[] => (shell(object) ? [] : (shell.errors ?? []));

/** What is wrong with one entry of `spec.repositories`; empty when it is a `RepositoryWire`. */
export function ruleErrors(group: PolicyGroup, entry: unknown): readonly ErrorObject[] {
  const validate = rules[group];
  return validate(entry) ? [] : (validate.errors ?? []);
}
