import type { ErrorObject } from 'ajv';
import { checker } from '../checker.ts';
import { LIMITS } from '../limits.ts';

const text = { type: 'string', maxLength: LIMITS.nameLength } as const;
const filled = { ...text, minLength: 1 } as const;
const object = { type: ['object', 'null'] } as const;

/** admission.k8s.io AdmissionReview, v1 and v1beta1 alike: what the gate reads of it. Other fields are not looked at. */
const REVIEW = {
  type: 'object',
  required: ['apiVersion', 'kind', 'request'],
  properties: {
    apiVersion: { enum: ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'] },
    kind: { const: 'AdmissionReview' },
    request: {
      type: 'object',
      required: ['uid', 'kind', 'resource', 'operation'],
      properties: {
        uid: { type: 'string', minLength: 1, maxLength: LIMITS.uidLength },
        kind: {
          type: 'object',
          required: ['version', 'kind'],
          properties: { group: text, version: filled, kind: filled },
        },
        resource: {
          type: 'object',
          required: ['version', 'resource'],
          properties: { group: text, version: filled, resource: filled },
        },
        subResource: text,
        operation: { enum: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] },
        namespace: text,
        name: text,
        object,
        oldObject: object,
        dryRun: { type: ['boolean', 'null'] },
      },
      if: { properties: { operation: { enum: ['CREATE', 'UPDATE'] } }, required: ['operation'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['object'], properties: { object: { type: 'object' } } },
    },
  },
} as const;

/** A review as the schema leaves it. */
export interface WireReview {
  readonly apiVersion: 'admission.k8s.io/v1' | 'admission.k8s.io/v1beta1';
  readonly request: Record<string, unknown>;
}

const errorsOf = checker({ allErrors: true, allowUnionTypes: true, strictRequired: false, ownProperties: true })(
  REVIEW,
);

function sentence(error: ErrorObject): string {
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  const missing = error.keyword === 'required' ? String(error.params['missingProperty']) : undefined;
  if (missing !== undefined) return `${field === '' ? missing : `${field}.${missing}`}: is missing`;
  const allowed: unknown = error.params['allowedValues'] ?? error.params['allowedValue'];
  const what = allowed === undefined ? error.message : `must be ${[allowed].flat().join(' or ')}`;
  return `${field === '' ? 'body' : field}: ${what}`;
}

/** A sentence for each field of a parsed body that is not as an AdmissionReview has it, with its path; none when all is well. */
export function reviewProblems(body: unknown): readonly string[] {
  const errors = errorsOf(body);
  if (errors.length === 0) return [];
  return [...new Set(errors.filter(({ keyword }) => keyword !== 'if').map(sentence))];
}
