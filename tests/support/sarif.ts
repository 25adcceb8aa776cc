import { Ajv } from 'ajv';

const text = {
  type: 'object',
  properties: { text: { type: 'string', minLength: 1 } },
  required: ['text'],
  additionalProperties: false,
};
const level = { enum: ['none', 'note', 'warning', 'error'] };
const object = (properties: object, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});

/** The part of SARIF 2.1.0 that we write (OASIS standard, §3.13 to §3.52), and nothing beside it. */
const SCHEMA = object({
  $schema: { type: 'string', pattern: '^https://' },
  version: { const: '2.1.0' },
  runs: {
    type: 'array',
    minItems: 1,
    items: object({
      tool: object({
        driver: object({
          name: { type: 'string', minLength: 1 },
          semanticVersion: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
          rules: {
            type: 'array',
            items: object({
              id: { type: 'string', minLength: 1 },
              shortDescription: text,
              fullDescription: text,
              help: text,
              defaultConfiguration: object({ level }),
            }),
          },
        }),
      }),
      columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
      results: {
        type: 'array',
        items: object({
          ruleId: { type: 'string', minLength: 1 },
          ruleIndex: { type: 'integer', minimum: 0 },
          level,
          message: text,
          locations: {
            type: 'array',
            items: object({
              physicalLocation: object({
                artifactLocation: object({ uri: { type: 'string', pattern: '^[^\\s\\\\]+$' } }),
                region: object({
                  startLine: { type: 'integer', minimum: 1 },
                  startColumn: { type: 'integer', minimum: 1 },
                }),
              }),
              logicalLocations: {
                type: 'array',
                items: object({ fullyQualifiedName: { type: 'string' }, kind: { type: 'string' } }),
              },
            }),
          },
          partialFingerprints: { type: 'object', additionalProperties: { type: 'string', minLength: 1 } },
        }),
      },
    }),
  },
});

const check = new Ajv({ allErrors: true }).compile(SCHEMA);

/** What keeps a value from being the SARIF that we write, a line each. */
export function sarifProblems(value: unknown): string[] {
  check(value);
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
