import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';

/** The schema of the standard (OASIS SARIF 2.1.0, rtm.5), as Microsoft's SDK ships it. Only this file of the package is read. */
const FILE = fileURLToPath(import.meta.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));

// The schema is of draft 04, of which `id` and `$schema` alone differ from what ajv reads: it has no boolean exclusive bounds.
const { id: _id, $schema: _draft, ...schema } = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown>;

const check = new Ajv({
  allErrors: true,
  strictTypes: false,
  // One of its patterns has a bracket too many, which only the older form of expressions bears.
  unicodeRegExp: false,
  formats: {
    uri: (text: string) => URL.canParse(text),
    'uri-reference': (text: string) => URL.canParse(text, 'file:///') && !/[\s\\<>"{}|^`]/.test(text),
    'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
  },
}).compile(schema);

/** What keeps a value from being SARIF 2.1.0 by the standard's own schema, a line each. */
export function sarifProblems(value: unknown): string[] {
  check(value);
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
